"""The page that counts a vote once more: a table by tier, what the proposal says, equal or not."""

from dataclasses import dataclass
from typing import Any, cast

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone

from apps.accounts import rights
from apps.accounts.models import StatusTier, User
from apps.core.errors import Invalid, Refused
from apps.events import services
from apps.events.admin.deciding import CURATE, ReasonForm
from apps.events.models import Event
from apps.events.services import Group, Recount


@dataclass(frozen=True)
class Row:
    """One line of the table: a tier by its name."""

    name: str
    group: Group


def is_countable(event: Event) -> bool:
    return event.need_points is not None


def recount(own: Any, request: HttpRequest, pk: Any) -> HttpResponse:
    """GET says what will be counted, POST counts; with a reason it also mends what differs."""
    by = cast(User, request.user)
    if not rights.may(CURATE, job=by.job):
        raise PermissionDenied
    event = get_object_or_404(Event, pk=pk)
    if not is_countable(event):
        raise Http404
    form, counted, mended = ReasonForm(), None, False
    if request.method == "POST":
        if "mend" in request.POST:
            form = ReasonForm(request.POST)
            mended = form.is_valid() and _mend(form, event, by)
        counted = services.recount_votes(event=event, by=by, at=timezone.now())
    context = {
        **own.admin_site.each_context(request),
        "title": event.title,
        "event": event,
        "form": form,
        "counted": counted,
        "mended": mended,
        "rows": _rows(counted) if counted else [],
        "back": reverse("admin:events_event_change", args=[event.pk]),
        "opts": own.model._meta,
    }
    status = 422 if form.is_bound and not mended else 200
    return TemplateResponse(request, "admin/events/event/recount.html", context, status=status)


def _mend(form: ReasonForm, event: Event, by: User) -> bool:
    try:
        services.mend_count(
            event=event, by=by, reason=form.cleaned_data["reason"], at=timezone.now()
        )
    except Invalid as wrong:
        form.add_error("reason", str(wrong))
    except Refused as refusal:
        form.add_error(None, str(refusal))
    else:
        return True
    return False


def _rows(counted: Recount) -> list[Row]:
    names = dict(StatusTier.objects.values_list("code", "name"))
    return [Row(names.get(group.tier, group.tier), group) for group in counted.groups]
