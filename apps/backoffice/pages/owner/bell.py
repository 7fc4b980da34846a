"""Messages to her about the business: statements, budgets, files. Each leads to what it is about."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.core.paginator import Paginator
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language
from django.views.decorators.http import require_http_methods

from apps.accounts.models import User
from apps.backoffice.models import Export
from apps.backoffice.pages.access import for_jobs
from apps.backoffice.pages.owner.frame import business_of, frame
from apps.businesses.models import Business
from apps.notifications.enums import Topic
from apps.notifications.kinds import ALL
from apps.notifications.models import Notification
from apps.notifications.queries import inbox_of
from apps.notifications.services import mark_read
from apps.notifications.words import Library

ROWS = 25
KINDS = [kind.code for kind in ALL if kind.topic == Topic.WORK]
ICONS = {
    "statement_ready": "scale",
    "export_ready": "download",
    "offer_budget_low": "megaphone",
    "event_entries_doubtful": "flag",
}


@dataclass(frozen=True)
class Told:
    """A message in her words; `url` is empty where there is nowhere to go, or no more."""

    message: Notification
    title: str
    body: str
    icon: str
    url: str


def work_of(user: User, business: Business) -> QuerySet[Notification]:
    """What she was told of this business, and of none in particular."""
    mine = inbox_of(user.pk).filter(kind__in=KINDS)
    return mine.filter(Q(business=business) | Q(business__isnull=True))


@for_jobs("pages.settings")
@require_http_methods(["GET", "POST"])
def bell(request: HttpRequest, slug: str) -> HttpResponse:
    business = business_of(request, slug)
    if request.method == "POST":
        unread = work_of(request.user, business).filter(read_at__isnull=True)
        ids = list(unread.values_list("pk", flat=True))
        mark_read(member=request.user, ids=ids, at=timezone.now())
        return redirect("backoffice:bell", slug=slug)
    context = frame(request, business)
    rows = work_of(request.user, business).order_by("-created_at", "-id")
    page = Paginator(rows, ROWS).get_page(request.GET.get("page"))
    context |= {"page": page, "told": _told(request.user, business, list(page.object_list))}
    return render(request, "backoffice/owner/bell.html", context)


def _told(user: User, business: Business, rows: list[Notification]) -> list[Told]:
    words, language = Library(), get_language() or "ru"
    files = _files(user, [one.values.get("export", "") for one in rows])
    found = []
    for one in rows:
        text = words.of(one, language=language)
        lead = LEADS.get(one.kind)
        url = lead(business, one.values) if lead else files.get(one.values.get("export", ""), "")
        found.append(Told(one, text.title, text.body, ICONS.get(one.kind, "bell"), url))
    return found


def _files(user: User, ids: list[str]) -> dict[str, str]:
    """Addresses of her files that are still there, in one statement."""
    rows = Export.objects.filter(
        pk__in=[one for one in ids if one], user=user, ends_at__gt=timezone.now()
    )
    return {
        str(pk): reverse("backoffice:owner_export", args=[slug, pk])
        for pk, slug in rows.values_list("pk", "business__slug")
    }


def _statement(business: Business, values: dict[str, Any]) -> str:
    return reverse("backoffice:settlement_month", args=[business.slug, values["month"][:7]])


def _offer(business: Business, values: dict[str, Any]) -> str:
    return reverse("backoffice:offer", args=[business.slug, values["offer_id"]])


def _entries(business: Business, values: dict[str, Any]) -> str:
    return reverse("backoffice:door_event", args=[values["event_id"]])


LEADS: dict[str, Callable[[Business, dict[str, Any]], str]] = {
    "statement_ready": _statement,
    "offer_budget_low": _offer,
    "event_entries_doubtful": _entries,
}
