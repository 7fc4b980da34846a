"""Connections and what came by them, to be read; how often a system is asked may be changed."""

from typing import Any

from django.contrib import admin
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter, RelatedDropdownFilter
from unfold.decorators import display

from apps.accounts.models import User
from apps.core.admin_base import (
    ReadonlyAdmin,
    ReasonedAdmin,
    badge,
    code,
    column,
    days,
    link,
    links,
    moment,
    roubles,
)
from apps.crm import queries, services
from apps.crm.enums import RecordState, RunState, State
from apps.crm.models import CRMIntegration, DuplicateMerge, ExternalRecord, SyncRun

STATES = {State.ACTIVE: "good", State.STOPPED: "bad", State.DRAFT: "quiet", State.OFF: "quiet"}
RUNS = {
    RunState.DONE: "good",
    RunState.RUNNING: "quiet",
    RunState.FAILED: "bad",
    RunState.BROKEN: "warn",
}
RECORDS = {
    RecordState.APPLIED: "good",
    RecordState.QUARANTINE: "warn",
    RecordState.WAITING: "warn",
    RecordState.UNCLAIMED: "quiet",
    RecordState.CANCELLED: "quiet",
    RecordState.IGNORED: "quiet",
}


@admin.register(CRMIntegration)
class CRMIntegrationAdmin(ReasonedAdmin):
    list_display = ["system", "partner", "state_shown", "why", "synced", "asked", "key_end"]
    list_filter = [("system", ChoicesDropdownFilter), ("state", ChoicesDropdownFilter)]
    list_select_related = ["business"]
    ordering = ["business__name", "system"]
    readonly_fields = [
        "partner",
        "system",
        "state_shown",
        "why",
        "base_url",
        "key_end",
        "synced",
        "read_to",
        "records",
    ]
    fieldsets = [
        (None, {"fields": ["partner", "system", "state_shown", "why", "base_url", "key_end"]}),
        (_("Time"), {"fields": ["synced", "read_to"]}),
        (_("Rules"), {"fields": ["poll_minutes", "lookback_days", "enrols", "writes_back"]}),
        (_("Records"), {"fields": ["records"]}),
        (_("Why it changes"), {"fields": ["reason"]}),
    ]

    partner = column("business", _("Business"), show=link)
    why = column("get_trouble_display", _("Trouble"), show=lambda text: text())
    synced = moment("last_success_at", _("Last synchronisation"))
    read_to = moment("cursor", _("Read up to"))
    asked = column("poll_minutes", _("Asked every, min"))
    key_end = column("credentials_hint", _("End of the key"), show=lambda end: f"…{end}")

    @display(description=_("State"))
    def state_shown(self, row: CRMIntegration) -> str:
        return badge(row.get_state_display(), STATES[State(row.state)])

    @display(description=_("Lists"))
    def records(self, row: CRMIntegration) -> str:
        return links(
            [
                ("crm_syncrun", _("Synchronisations"), {"integration__id__exact": row.pk}),
                ("crm_externalrecord", _("Records"), {"integration__id__exact": row.pk}),
                ("core_auditentry", _("Audit log"), {"object_id": row.pk}),
            ]
        )

    def update(
        self, row: CRMIntegration, *, changes: dict[str, Any], by: User, reason: str
    ) -> None:
        services.change_poll(integration=row, changes=changes, by=by, reason=reason)


@admin.register(SyncRun)
class SyncRunAdmin(ReadonlyAdmin):
    list_display = [
        "began",
        "where",
        "trigger",
        "state_shown",
        "why",
        "received",
        "applied",
        "repeated",
        "set_aside",
    ]
    list_display_links = ["began"]
    list_filter = [
        ("integration__business", RelatedDropdownFilter),
        ("integration__system", ChoicesDropdownFilter),
        ("state", ChoicesDropdownFilter),
        ("trigger", ChoicesDropdownFilter),
        days("started_at", _("Began")),
    ]
    list_select_related = ["integration__business"]
    ordering = ["-started_at"]
    fields = [
        "where",
        "trigger",
        "state_shown",
        "why",
        "began",
        "ended",
        "first",
        "last",
        "received",
        "applied",
        "repeated",
        "set_aside",
        "operations",
    ]

    began = moment("started_at", _("Began"))
    ended = moment("ended_at", _("Ended"))
    first = moment("since", _("Read from"))
    last = moment("until", _("Read up to"))
    where = column("integration", _("Connection"), show=link)
    why = column("get_trouble_display", _("Trouble"), show=lambda text: text())

    @display(description=_("Operations"))
    def operations(self, run: SyncRun) -> str:
        """What it brought into the books: each sale by its number, and a way to all records."""
        brought = queries.brought_by([run]).get(run.pk, [])
        found = [(link(one.sale, f"№{one.sale.number}"),) for one in brought if one.sale]
        every = links([("crm_externalrecord", _("Records"), {"run__id__exact": run.pk})])
        return format_html("{} {}", format_html_join(", ", "{}", found), every)

    @display(description=_("State"))
    def state_shown(self, run: SyncRun) -> str:
        return badge(run.get_state_display(), RUNS[RunState(run.state)])


@admin.register(ExternalRecord)
class ExternalRecordAdmin(ReadonlyAdmin):
    list_display = [
        "external_id",
        "where",
        "kind",
        "occurred",
        "sum_shown",
        "held",
        "in_books",
        "state_shown",
        "why",
    ]
    list_filter = [
        ("integration__business", RelatedDropdownFilter),
        ("integration__system", ChoicesDropdownFilter),
        ("state", ChoicesDropdownFilter),
        ("reason", ChoicesDropdownFilter),
        days("occurred_at", _("Occurred")),
    ]
    list_select_related = ["integration__business", "sale"]
    search_fields = ["external_id__exact", "receipt_number__exact"]
    search_help_text = _("Whole number of the document there, or of a receipt")
    ordering = ["-seen_at"]
    fields = [
        "where",
        "kind",
        "document",
        "external_id",
        "refund_of",
        "state_shown",
        "why",
        "buyer",
        "in_books",
        "occurred",
        "sum_shown",
        "held",
        "first_time",
        "last_time",
        "brought_by",
    ]

    where = column("integration", _("Connection"), show=link)
    document = column("entity", _("Kind of document there"), show=code)
    buyer = column("member", _("Member"), show=link)
    in_books = column("sale", _("Sale"), show=link)
    brought_by = column("run", _("Synchronisation"), show=link)
    occurred = moment("occurred_at", _("Occurred"))
    first_time = moment("first_seen_at", _("First seen"))
    last_time = moment("seen_at", _("Last seen"))
    sum_shown = column("amount", _("Sum"), show=roubles, formatting="price")
    held = column("applied", _("In the ledger"), show=roubles, formatting="price")
    why = column("get_reason_display", _("Why put aside"), show=lambda text: text())

    @display(description=_("State"))
    def state_shown(self, record: ExternalRecord) -> str:
        return badge(record.get_state_display(), RECORDS[RecordState(record.state)])


@admin.register(DuplicateMerge)
class DuplicateMergeAdmin(ReadonlyAdmin):
    list_display = ["merged", "stays", "went", "sum_shown", "undone"]
    list_display_links = ["merged"]
    list_select_related = ["kept", "dropped"]
    ordering = ["-merged_at"]
    fields = ["merged", "stays", "went", "sum_shown", "undone", "undone_by"]

    merged = moment("merged_at", _("Merged"))
    undone = moment("undone_at", _("Undone"))
    stays = column("kept", _("Stays"), show=link)
    went = column("dropped", _("Was returned as a repeat"), show=link)
    sum_shown = column("amount", _("Sum"), show=roubles, formatting="price")
