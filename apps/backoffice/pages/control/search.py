"""What the palette of the control pages finds beside sections: a member by something exact, partners
and events by name; a moderator finds the proposals that wait."""

from collections.abc import Iterable
from functools import reduce
from operator import or_
from typing import Any

from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from apps.accounts import rights
from apps.backoffice.pages import palette
from apps.backoffice.pages.access import for_jobs, groups_of
from apps.backoffice.pages.menu import CONTROL, links
from apps.backoffice.pages.palette import Found, Hit
from apps.businesses.models import Business
from apps.businesses.queries import partners
from apps.events import queries as events
from apps.events.models import Event

FOUND = 5  # of each kind
SHORTEST = 2  # letters of a name


@for_jobs("pages.moderation")
@require_http_methods(["GET", "POST"])
def search(request: HttpRequest) -> HttpResponse:
    groups = groups_of(request.user)
    open_to_her = tuple(one for one in CONTROL if rights.TABLE[one.right].opens_to(groups))
    is_admin = rights.TABLE["pages.control"].opens_to(groups)
    return palette.answer(
        request,
        page="backoffice/control/search.html",
        sections=links(open_to_her, view=""),
        more=lambda text: _of_admins(request, text) if is_admin else _of_moderators(request, text),
        context={},
    )


def _of_admins(request: HttpRequest, text: str) -> Found:
    person, too_many = palette.person_of(request, text, place="control")
    if palette.is_exact(text):
        return Found([_member(person)] if person else [], too_many)
    if len(text) < SHORTEST:
        return Found()
    businesses = partners().filter(_holds("name", text)).order_by("name")[:FOUND]
    found = Event.objects.filter(_holds("title", text)).order_by("-starts_at", "-pk")[:FOUND]
    return Found([*map(_partner, businesses), *map(_event, found)])


def _of_moderators(request: HttpRequest, text: str) -> Found:
    waiting = events.queue(request.user, at=timezone.now()).filter(_holds("title", text))
    return Found([_proposal(one) for one in waiting.order_by("submitted_at")[:FOUND]])


def _holds(field: str, text: str) -> Q:
    """The field holds the text as it was typed, or as it was meant in the other layout."""
    asked: Iterable[Q] = (Q(**{f"{field}__icontains": one}) for one in palette.spellings(text))
    return reduce(or_, asked)


def _member(person: Any) -> Hit:
    url = reverse("backoffice:member", args=[person.pk])
    return Hit(url, "user-round", str(person), person.masked_phone, _("member"))


def _partner(one: Business) -> Hit:
    url = reverse("backoffice:partner", args=[one.slug])
    return Hit(url, "store", one.name, one.city, _("partner"))


def _event(one: Event) -> Hit:
    when = date_format(timezone.localtime(one.starts_at), "j E") if one.starts_at else ""
    quiet = " · ".join(filter(None, [when, str(one.get_state_display())]))
    url = reverse("backoffice:control_event", args=[one.pk])
    return Hit(url, "calendar", one.title, quiet, _("event"))


def _proposal(one: Event) -> Hit:
    url = reverse("backoffice:proposal", args=[one.pk])
    return Hit(url, "list-checks", one.title, one.city, _("proposal"))
