"""Guests one a row, as a file: at once, or past 50,000 rows by a worker."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import structlog
from django.db import transaction

from apps.accounts.models import User
from apps.analytics import files, rfm_queries, sql
from apps.analytics.models import Export
from apps.businesses.models import Business
from apps.core import clickhouse, outbox
from apps.core.bells import ring_after_commit
from apps.core.errors import NotFound
from apps.core.facts import ExportReady

log = structlog.get_logger(__name__)

AT_ONCE = 50_000  # rows; more go to a worker
PAGE = 10_000
KEPT = timedelta(days=7)
COLUMNS = ("guest", "recency_days", "frequency", "money", "r", "f", "m", "segment")


def guests(*, business: Business | None, by: User, form: str, at: datetime) -> Export | bytes:
    """The guests of the newest night, who stands where: the file itself, or what became of it.

    Guests are numbers of this file, as ClickHouse knows them: no names leave. Raises NotFound
    before the first night, clickhouse.Unavailable."""
    night = rfm_queries.snapshot_of(business=business)
    if night is None:
        raise NotFound
    if night.rows <= AT_ONCE:
        return files.write(_rows(business, night.day), form)
    with transaction.atomic():
        export = Export.objects.create(
            business=business, asked_by=by, form=form, day=night.day, rows_total=night.rows,
            created_at=at,
        )  # fmt: skip
        ring_after_commit("apps.analytics.tasks.write_export", export_id=str(export.pk))
    return export


def export_of(export_id: str, *, by: User) -> Export:
    """Her own export. Raises NotFound."""
    try:
        found = Export.objects.filter(pk=UUID(export_id), asked_by=by).first()
    except ValueError:
        found = None
    if found is None:
        raise NotFound
    return found


@clickhouse.patient()
def write(*, export_id: UUID, at: datetime) -> None:
    """Write it and tell who asked; a second run of a ready one does nothing. Raises
    clickhouse.Unavailable: the task tries again."""
    export = Export.objects.select_related("business").get(pk=export_id)
    if export.state != Export.State.WAITING:
        return
    body = files.write(_counted(export), export.form)
    with transaction.atomic():
        Export.objects.filter(pk=export_id).update(
            state=Export.State.READY, body=body, rows_done=export.rows_total
        )
        outbox.publish(
            ExportReady(
                export_id=str(export_id),
                member_id=str(export.asked_by_id),
                rows=export.rows_total,
                at=at.isoformat(),
            )
        )
    log.info("export.ready", rows=export.rows_total)


def give_up(*, export_id: UUID) -> None:
    """ClickHouse stayed away: she may ask again."""
    waiting = Export.objects.filter(pk=export_id, state=Export.State.WAITING)
    waiting.update(state=Export.State.FAILED)


def forget_old(*, at: datetime) -> int:
    """Files older than a week go."""
    return Export.objects.filter(created_at__lt=at - KEPT).delete()[0]


def _counted(export: Export) -> Iterator[dict[str, Any]]:
    for number, row in enumerate(_rows(export.business, export.day), start=1):
        if number % PAGE == 0:  # how far it is, for whoever asks
            Export.objects.filter(pk=export.pk).update(rows_done=number)
        yield row


def _rows(business: Business | None, day: Any) -> Iterator[dict[str, Any]]:
    last, scope = UUID(int=0), rfm_queries.scope_of(business)
    while True:
        page = clickhouse.read(
            "analytics.rfm_page", sql.RFM_PAGE, day=day, after=str(last), limit=PAGE, **scope
        )
        for row in page:
            values = [str(row[0])[:8], *row[1:3], f"{row[3]:.2f}", *row[4:]]
            yield dict(zip(COLUMNS, values, strict=True))
        if len(page) < PAGE:
            return
        last = page[-1][0]
