"""Batches of facts on their way to ClickHouse."""

from typing import Any

from django.contrib import admin
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display

from apps.analytics.models import FactBatch
from apps.core.admin_base import DayRangeFilter, ReadonlyAdmin, column, links, short


@admin.register(FactBatch)
class FactBatchAdmin(ReadonlyAdmin):
    list_display = ["name", "table", "rows", "state_shown", "created_at", "loaded_at"]
    list_filter = [("state", ChoicesDropdownFilter), ("created_at", DayRangeFilter)]
    ordering = ["-id"]
    fields = [
        "name",
        "table",
        "who_hears",
        "rows",
        "sequences",
        "state_shown",
        "created_at",
        "loaded_at",
        "proof",
        "contents",
    ]

    name = column("pk", _("Batch"), show=short)
    who_hears = column("listener", _("Listener"))
    proof = column("digest", _("Digest of the rows"))

    @display(description=_("State"), label={"frozen": "warning", "loaded": "success"})
    def state_shown(self, batch: FactBatch) -> tuple[str, Any]:
        return batch.state, batch.get_state_display()

    @display(description=_("Deliveries from and to"))
    def sequences(self, batch: FactBatch) -> str:
        return f"{batch.first_sequence}–{batch.last_sequence}"

    @display(description=_("Lists"))
    def contents(self, batch: FactBatch) -> str:
        return links([("core_delivery", _("Deliveries of this batch"), {"batch_id": batch.pk})])
