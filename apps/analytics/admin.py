"""Batches of facts on their way to ClickHouse."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display

from apps.analytics.models import FactBatch
from apps.core.admin_base import ReadonlyAdmin, badge, code, column, days, links, moment
from apps.core.ids import short


@admin.register(FactBatch)
class FactBatchAdmin(ReadonlyAdmin):
    list_display = ["name", "table_shown", "rows", "state_shown", "frozen", "loaded"]
    list_filter = [("state", ChoicesDropdownFilter), days("created_at", _("Frozen"))]
    ordering = ["-id"]
    fields = [
        "name",
        "table_shown",
        "who_hears",
        "rows",
        "sequences",
        "state_shown",
        "frozen",
        "loaded",
        "proof",
        "contents",
    ]

    name = column("pk", _("Batch"), show=short)
    table_shown = column("table", _("Table"), show=code)
    who_hears = column("listener", _("Listener"), show=code)
    frozen = moment("created_at", _("Frozen"))
    loaded = moment("loaded_at", _("Loaded"))
    proof = column("digest", _("Digest of the rows"), show=code)

    @display(description=_("State"))
    def state_shown(self, batch: FactBatch) -> str:
        tone = "good" if batch.state == FactBatch.State.LOADED else "warn"
        return badge(batch.get_state_display(), tone)

    @display(description=_("Deliveries from and to"))
    def sequences(self, batch: FactBatch) -> str:
        return f"{batch.first_sequence}–{batch.last_sequence}"

    @display(description=_("Lists"))
    def contents(self, batch: FactBatch) -> str:
        return links([("core_delivery", _("Deliveries of this batch"), {"batch_id": batch.pk})])
