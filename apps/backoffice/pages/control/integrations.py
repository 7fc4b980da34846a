"""All partners' connections, those in trouble first; what was put aside is tried again."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from apps.backoffice.pages.access import for_jobs
from apps.core.errors import Refused
from apps.crm import queries, services
from apps.crm.enums import RecordState, State
from apps.crm.models import ExternalRecord

MOST = 500  # records at once, as the service has it


@for_jobs("pages.integrations")
@require_http_methods(["GET", "POST"])
def integrations(request: HttpRequest) -> HttpResponse:
    """GET shows all connections; POST tries the chosen ones' records again."""
    if request.method == "POST":
        _retry(request)
        return redirect("backoffice:integrations")
    now = timezone.now()
    found = queries.described(queries.connections(), at=now)
    found.sort(key=lambda one: (one.row.state != State.STOPPED, not one.row.trouble))
    context = {
        "now": now,
        "found": [(one, sum(one.aside.values())) for one in found],
        "any_aside": any(one.aside for one in found),
    }
    return render(request, "backoffice/control/integrations.html", context)


def _retry(request: HttpRequest) -> None:
    chosen, by = _ids(request.POST.getlist("chosen")), request.user
    rows = ExternalRecord.objects.filter(
        integration__in=chosen, state=RecordState.QUARANTINE
    ).order_by("seen_at")
    ids = list(rows.values_list("pk", flat=True)[:MOST])
    if not ids:
        messages.error(request, _("Choose connections whose records were put aside."))
        return
    try:
        done = services.retry_records(record_ids=ids, by=by, at=timezone.now())
    except Refused as refusal:
        messages.error(request, str(refusal))
        return
    words = ngettext(
        "%(done)d record of %(all)d is in the ledger now.",
        "%(done)d records of %(all)d are in the ledger now.",
        done,
    )
    messages.success(request, words % {"done": done, "all": len(ids)})


def _ids(texts: list[Any]) -> list[UUID]:
    found = []
    for text in texts:
        try:
            found.append(UUID(text))
        except ValueError:
            continue
    return found
