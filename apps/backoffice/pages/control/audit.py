"""The audit log: who did what to which object, and whether the chain over it is whole."""

import csv
import io
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from apps.accounts.queries import audit_log, find_person
from apps.accounts.services import written_reason
from apps.backoffice.pages.access import for_jobs
from apps.backoffice.pages.control.common import page_of, reason_of, without_page
from apps.core import audit_chain
from apps.core.days import day_of, midnight
from apps.core.errors import Refused
from apps.core.models import AuditEntry, AuditSeal
from apps.core.money import format_number
from apps.core.services import note_audit_export
from apps.core.tasks import verify_audit

MOST = 10_000  # rows of one file
NAMES = ("actor", "action", "object", "since", "until")
FORMULA = ("=", "+", "-", "@", "\t", "\r")


@for_jobs("pages.control")
@require_http_methods(["GET", "POST"])
def audit(request: HttpRequest) -> HttpResponse:
    """GET shows; POST takes the shown rows away as a file, or walks the chain now."""
    if request.method == "POST" and request.POST.get("act") == "verify":
        verify_audit.delay()
        messages.success(request, _("The chain is being walked. The verdict will stand here."))
        return redirect(request.get_full_path())
    asked = {name: request.GET.get(name, "").strip()[:64] for name in NAMES}
    rows = _found(asked)
    if request.method == "POST":
        return _export(request, rows, asked)
    head = AuditSeal.objects.order_by("-entry_id").first()
    context = {
        "page": page_of(request, rows[:MOST]),
        "asked": without_page(request),
        "given": asked,
        "is_cut": not any(asked.values()),
        "head": head,
        "verdict": audit_chain.last_verdict(),
        "most": format_number(Decimal(MOST), always_kopecks=False),
    }
    return render(request, "backoffice/control/audit.html", context)


def _found(asked: dict[str, str]) -> QuerySet[AuditEntry]:
    """Newest first. An actor is an id, or a whole phone, card number or e-mail."""
    rows = audit_log().order_by("-id")
    if asked["actor"]:
        person = _person_id(asked["actor"])  # rows of the system have no actor: None is not asked
        rows = rows.filter(actor_id=person) if person else rows.none()
    if asked["action"]:
        rows = rows.filter(action__startswith=asked["action"])
    if asked["object"]:
        rows = rows.filter(object_id=str(_person_id(asked["object"]) or asked["object"]))
    since, until = day_of(asked["since"]), day_of(asked["until"])
    if since:
        rows = rows.filter(at__gte=midnight(since))
    if until:
        rows = rows.filter(at__lt=midnight(until + timedelta(days=1)))
    return rows


def _person_id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        found = find_person(text)
        return found.pk if found else None


def _export(
    request: HttpRequest, rows: QuerySet[AuditEntry], asked: dict[str, str]
) -> HttpResponse:
    """A file for Excel. Who took it and why is the log's own next row, and the file's first."""
    by: Any = request.user
    taken = list(rows[:MOST])
    try:
        reason = written_reason("audit.export", reason_of(request), by=by)
    except Refused as refusal:
        messages.error(request, str(refusal))
        return redirect(request.get_full_path())
    note_audit_export(rows=len(taken), asked=asked, by=by, reason=reason)
    now = timezone.localtime()
    text = io.StringIO()
    book = csv.writer(text, delimiter=";")
    mark = _("Taken by %(who)s on %(when)s: %(why)s")
    book.writerow([mark % {"who": by, "when": f"{now:%d.%m.%Y %H:%M}", "why": reason}])
    titles = [_("Number"), _("Time"), _("Who"), _("Job"), _("Action"), _("Object"), _("Id")]
    book.writerow([*titles, _("Reason"), _("Network address"), _("Request")])
    for one in taken:
        when = f"{timezone.localtime(one.at):%d.%m.%Y %H:%M:%S}"
        who = (getattr(one, "actor_name", "") or "").strip() or _("the system")
        cells = [one.pk, when, who, one.actor_job, one.action, one.object_type, one.object_id]
        book.writerow([_safe(cell) for cell in (*cells, one.reason, one.address, one.request_id)])
    response = HttpResponse("\ufeff" + text.getvalue(), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="audit-{now:%Y%m%d-%H%M}.csv"'
    return response


def _safe(cell: Any) -> str:
    """No cell is a formula."""
    text = "" if cell is None else str(cell)
    return f"'{text}" if text.startswith(FORMULA) else text
