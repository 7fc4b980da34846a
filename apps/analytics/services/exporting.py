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
from apps.core import clickhouse, disk, outbox, throttle
from apps.core.bells import ring_after_commit
from apps.core.errors import NotFound, TooMany
from apps.core.facts import ExportReady

log = structlog.get_logger(__name__)

AT_ONCE = 50_000  # rows; more go to a worker
PAGE = 10_000
KEPT = timedelta(days=7)
DAY = timedelta(days=1)
A_DAY, AT_A_TIME = 5, 2  # files of guests for one person (security.md part 5)
COLUMNS = ("guest", "recency_days", "frequency", "money", "r", "f", "m", "segment")


def guests(*, business: Business | None, by: User, form: str, at: datetime) -> Export | bytes:
    """The guests of the newest night, who stands where: the file itself, or what became of it.

    Guests are numbers of this file, as ClickHouse knows them: no names leave. Asked again while it
    is being written it is the same one, and one that failed is tried anew. Five files a day, two at
    a time. Raises NotFound before the first night, TooMany, clickhouse.Unavailable, DiskFull."""
    night = rfm_queries.snapshot_of(business=business)
    if night is None:
        raise NotFound
    begun = Export.objects.filter(business=business, asked_by=by, form=form, day=night.day)
    again = begun.exclude(state=Export.State.READY).order_by("-created_at").first()
    if again and again.state == Export.State.WAITING:
        return again
    disk.refuse_if_full()
    if again:
        return _tried_anew(again)
    _refuse_many(by, at=at)
    if night.rows <= AT_ONCE:
        return files.write(_rows(business, night.day), form)
    with transaction.atomic():
        export = Export.objects.create(
            business=business, asked_by=by, form=form, day=night.day, rows_total=night.rows,
            created_at=at,
        )  # fmt: skip
        _ring(export)
    return export


def _tried_anew(export: Export) -> Export:
    with transaction.atomic():
        failed = Export.objects.filter(pk=export.pk, state=Export.State.FAILED)
        if failed.update(state=Export.State.WAITING, rows_done=0):
            _ring(export)
    export.refresh_from_db()
    return export


def _ring(export: Export) -> None:
    ring_after_commit("apps.analytics.tasks.write_export", export_id=str(export.pk))


def _refuse_many(by: User, *, at: datetime) -> None:
    writing = Export.objects.filter(asked_by=by, state=Export.State.WAITING)
    if writing.filter(created_at__gt=at - DAY).count() >= AT_A_TIME:
        raise TooMany(retry_after=60)
    if wait := throttle.hit("analytics.export", str(by.pk), A_DAY, int(DAY.total_seconds())):
        raise TooMany(retry_after=wait)


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
    """Write it and tell who asked; a second run of a ready one does nothing. Raises DiskFull and
    clickhouse.Unavailable: the task tries again."""
    export = Export.objects.select_related("business").get(pk=export_id)
    if export.state != Export.State.WAITING:
        return
    disk.refuse_if_full()
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
    """ClickHouse stayed away or the disk full: she may ask again."""
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
