"""The owner's page of her own systems: state, figures, log, what was put aside, keys."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_http_methods

from apps.accounts import freshness
from apps.backoffice.pages.access import for_jobs
from apps.backoffice.pages.crm_form import digest, form_of, told
from apps.backoffice.pages.owner.frame import business_of, frame
from apps.businesses.models import Business
from apps.core.days import day_of, midnight
from apps.core.errors import Refused
from apps.crm import queries, services
from apps.crm.adapters import ADAPTERS
from apps.crm.enums import Reason, RecordState, RunState, System, Trigger
from apps.crm.models import CRMIntegration, DuplicateMerge, ExternalRecord, SyncRun
from apps.crm.services.connections import webhook_key

ROWS = 25
MERGES = 5
STEPS = {
    "address": gettext_lazy("Address"),
    "line": gettext_lazy("Line and certificate"),
    "sign_in": gettext_lazy("Signing in"),
    "reading": gettext_lazy("Reading"),
}


@dataclass(frozen=True)
class Group:
    """Records put aside for one reason."""

    reason: str
    words: str
    count: int


@for_jobs("pages.crm")
@require_http_methods(["GET", "POST"])
def crm(request: HttpRequest, slug: str) -> HttpResponse:
    business = business_of(request, slug)
    if request.method == "POST":
        return _act(request, business)
    return _show(request, business, request.GET.get("system", ""))


def _show(
    request: HttpRequest,
    business: Business,
    chosen: str,
    *,
    typed: dict[str, str] | None = None,
) -> HttpResponse:
    """The page, with what was `typed` when it could not be kept."""
    context = frame(request, business)
    found = queries.described(
        queries.connections_of(business).order_by("system"), at=context["now"]
    )
    one = next((each for each in found if each.row.system == chosen), None)
    one = one or (found[0] if found and not chosen else None)
    context |= {
        "found": found,
        "one": one,
        "others": _others(business, found),
        "adding": chosen if chosen in ADAPTERS and one is None else "",
        "fresh": freshness.is_fresh(request),
    }
    if one:
        context |= _connection_context(request, one) | form_of(one.row, one.row.system, typed)
    elif context["adding"]:
        context |= form_of(None, chosen, typed)
    status = 200 if typed is None else 409
    return render(request, "backoffice/owner/crm.html", context, status=status)


# --- what is shown -------------------------------------------------------------------------------
def _connection_context(request: HttpRequest, one: queries.Connection) -> dict[str, Any]:
    row = one.row
    records = _records(request, row)
    leaf = Paginator(_runs(request, row), ROWS).get_page(request.GET.get("log"))
    return {
        "groups": [
            Group(reason, str(Reason(reason).label), count) for reason, count in one.aside.items()
        ],
        "records": Paginator(records, ROWS).get_page(request.GET.get("page")),
        "runs": leaf,
        "brought": queries.brought_by(leaf.object_list),
        "asked": request.GET,
        "states": RunState.choices,
        "triggers": Trigger.choices,
        "merges": DuplicateMerge.objects.filter(record__integration=row)
        .select_related("kept", "dropped")
        .order_by("-merged_at")[:MERGES],
        "webhook_url": f"{settings.SITE_URL}/webhooks/crm/{webhook_key(row)}",
        "takes_calls": row.system != System.RENOVATIO,
        "can_write_back": ADAPTERS[row.system].can_write_back,
        "steps": _steps(request),
    }


def _records(request: HttpRequest, row: CRMIntegration) -> QuerySet[ExternalRecord]:
    """What wants a person: put aside, or a return that waits for its sale."""
    records = ExternalRecord.objects.filter(integration=row)
    reason = request.GET.get("reason", "")
    if reason in Reason.values:
        records = records.filter(state=RecordState.QUARANTINE, reason=reason)
    elif request.GET.get("records") == "unclaimed":
        records = records.filter(state=RecordState.UNCLAIMED).exclude(phone_index="")
    else:
        records = records.filter(state__in=[RecordState.QUARANTINE, RecordState.WAITING])
    return records.order_by("-seen_at", "-pk")


def _runs(request: HttpRequest, row: CRMIntegration) -> QuerySet[SyncRun]:
    runs = SyncRun.objects.filter(integration=row).prefetch_related("calls")
    start = _midnight(request.GET.get("day", ""))
    if start:
        runs = runs.filter(started_at__gte=start, started_at__lt=start + timedelta(days=1))
    if request.GET.get("state") in RunState.values:
        runs = runs.filter(state=request.GET["state"])
    if request.GET.get("trigger") in Trigger.values:
        runs = runs.filter(trigger=request.GET["trigger"])
    if request.GET.get("http", "").isdecimal():
        runs = runs.filter(calls__status=int(request.GET["http"][:3])).distinct()
    return runs.order_by("-started_at")


def _midnight(text: str) -> datetime | None:
    """When a typed day began; None for what is no day."""
    day = day_of(text)
    return midnight(day) if day else None


def _others(business: Business, found: list[queries.Connection]) -> list[tuple[str, str]]:
    there = {one.row.system for one in found}
    return [(code, str(name)) for code, name in System.choices if code not in there]


def _steps(request: HttpRequest) -> list[dict[str, Any]]:
    """The test that was just made, once."""
    return [
        step | {"words": STEPS[step["name"]]}
        for step in request.session.pop("crm_steps", None) or []
    ]


# --- what is done --------------------------------------------------------------------------------
def _act(request: HttpRequest, business: Business) -> HttpResponse:
    action = ACTIONS.get(request.POST.get("action", ""))
    system = request.POST.get("system", "")
    where = reverse("backoffice:crm", args=[business.slug])
    where = f"{where}?system={system}" if system in ADAPTERS else where
    # Whoever changes the keys could lead the sales elsewhere: not from a browser left open.
    if action is _connect and (confirm := freshness.stale(request, "crm.keys", back=where)):
        return confirm
    try:
        if action:
            action(request, business)
    except services.ConnectionStale as stale:
        row = queries.connections_of(business).filter(system=system).first()
        messages.error(request, (row and told(row, business.zone)) or str(stale))
        return _show(request, business, system, typed=request.POST.dict())
    except Refused as refused:
        messages.error(request, str(refused))
    return redirect(where)


def _integration(request: HttpRequest, business: Business) -> CRMIntegration:
    system = request.POST.get("system", "")
    row = queries.connections_of(business).filter(system=system).first()
    if row is None:
        raise services.ConnectionMissing
    return row


def _connect(request: HttpRequest, business: Business) -> None:
    seen = request.POST.get("seen", "")
    given = {name: value.strip() for name, value in request.POST.items() if isinstance(value, str)}
    row = services.reconnect(
        business=business,
        system=given.get("system", ""),
        by=request.user,
        base_url=given.get("base_url", ""),
        credentials={n[4:]: v for n, v in given.items() if n.startswith("key.") and v},
        options={n[7:]: v for n, v in given.items() if n.startswith("option.") and v},
        secret=given.get("secret") or None,
        enrols="enrols" in given,
        writes_back="writes_back" in given,
        unchanged=lambda row: digest(row) == seen,
    )
    _run_test(request, row)


def _test(request: HttpRequest, business: Business) -> None:
    _run_test(request, _integration(request, business))


def _run_test(request: HttpRequest, row: CRMIntegration) -> None:
    steps = services.test_connection(integration=row, by=request.user)
    request.session["crm_steps"] = [vars(step) for step in steps]
    if all(step.ok for step in steps):
        messages.success(request, _("The connection works."))
    else:
        messages.error(request, _("The connection does not work yet: see the steps."))


def _sync(request: HttpRequest, business: Business) -> None:
    row = _integration(request, business)
    services.retry_now(integration=row, by=request.user, at=timezone.now())
    services.ask_sync(integration_id=row.pk)
    messages.success(request, _("Synchronisation has begun. Its row appears in the log."))


def _off(request: HttpRequest, business: Business) -> None:
    services.switch_off(integration=_integration(request, business), by=request.user)
    messages.success(request, _("Switched off. What was brought stays."))


def _on(request: HttpRequest, business: Business) -> None:
    services.switch_on(integration=_integration(request, business), by=request.user)


def _backfill(request: HttpRequest, business: Business) -> None:
    since = _midnight(request.POST.get("since", ""))
    if since is None:
        messages.error(request, _("Choose the first day."))
        return
    services.start_backfill(
        integration=_integration(request, business),
        since=since,
        by=request.user,
        at=timezone.now(),
    )
    messages.success(request, _("The past is being read. Progress stands on this page."))


def _record_id(request: HttpRequest) -> UUID:
    try:
        return UUID(request.POST.get("record", ""))
    except ValueError as wrong:
        raise services.ConnectionMissing from wrong


def _retry(request: HttpRequest, business: Business) -> None:
    record = services.retry_record(
        record_id=_record_id(request), by=request.user, at=timezone.now()
    )
    if record.state == RecordState.APPLIED:
        messages.success(request, _("The record is in the ledger now."))
    else:
        messages.error(request, record.get_reason_display() or record.get_state_display())


def _retry_all(request: HttpRequest, business: Business) -> None:
    row = _integration(request, business)
    reason = request.POST.get("reason", "")
    records = ExternalRecord.objects.filter(integration=row, state=RecordState.QUARANTINE)
    if reason in Reason.values:
        records = records.filter(reason=reason)
    ids = list(records.order_by("seen_at").values_list("pk", flat=True)[:500])
    done = services.retry_records(record_ids=ids, by=request.user, at=timezone.now())
    messages.success(
        request,
        ngettext(
            "%(done)d record of %(all)d is in the ledger now.",
            "%(done)d records of %(all)d are in the ledger now.",
            done,
        )
        % {"done": done, "all": len(ids)},
    )


def _match(request: HttpRequest, business: Business) -> None:
    services.match_record(
        record_id=_record_id(request),
        phone=request.POST.get("phone", ""),
        by=request.user,
        at=timezone.now(),
    )
    messages.success(request, _("Matched. The sale is in the ledger."))


def _ignore(request: HttpRequest, business: Business) -> None:
    services.ignore_record(record_id=_record_id(request), by=request.user)
    messages.success(request, _("The record is left out."))


def _unmerge(request: HttpRequest, business: Business) -> None:
    services.undo_merge(merge_id=_record_id(request), by=request.user, at=timezone.now())
    messages.success(request, _("They are two sales again."))


ACTIONS = {
    "connect": _connect,
    "test": _test,
    "sync": _sync,
    "off": _off,
    "on": _on,
    "backfill": _backfill,
    "retry": _retry,
    "retry_all": _retry_all,
    "match": _match,
    "ignore": _ignore,
    "unmerge": _unmerge,
}
