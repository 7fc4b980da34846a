"""Files of lists: the file itself, or past a limit one that a worker makes and a message tells of."""

import gzip
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import override

from apps.accounts.models import User
from apps.backoffice import guest_queries, sales_queries, spreadsheets
from apps.backoffice.models import Export, ExportKind
from apps.businesses.models import Business
from apps.core import audit, outbox
from apps.core.bells import ring_after_commit
from apps.core.errors import Refused
from apps.core.facts import ExportReady

AT_ONCE = 5_000  # rows of a file that a person waits for
MOST = 3  # files of one person in the making
LIVES = timedelta(days=7)


class TooManyExports(Refused):
    code = "CONFLICT"
    message = _("Three files are being made already. Wait for one of them.")


def _sales(business: Business, query: QueryDict, at: datetime) -> Iterator[list[Any]]:
    wanted, _wrong = sales_queries.read_wanted(query)
    found = sales_queries.wanted_sales(business, wanted)
    return sales_queries.file_rows(found, zone=business.zone)


def _guests(business: Business, query: QueryDict, at: datetime) -> Iterator[list[Any]]:
    wanted = guest_queries.read_wanted(query)
    found = guest_queries.guests_of(business, wanted, at=at)
    return guest_queries.file_rows(business, found)


ROWS: dict[str, Callable[[Business, QueryDict, datetime], Iterator[list[Any]]]] = {
    ExportKind.SALES: _sales,
    ExportKind.GUESTS: _guests,
}


def rows_of(business: Business, *, kind: str, query: str, at: datetime) -> Iterator[list[Any]]:
    """The rows of a file, the heading first. Raises clickhouse.Unavailable for guests of a segment
    while their store is away."""
    return ROWS[kind](business, QueryDict(query), at)


@transaction.atomic
def ask_export(
    *, business: Business, query: str, rows: int, by: User, kind: str = ExportKind.SALES
) -> Export:
    """A file to be made in the background; the audit log says who asked. Raises TooManyExports."""
    now = timezone.now()
    waiting = Export.objects.filter(user=by, made_at__isnull=True, ends_at__gt=now)
    if waiting.count() >= MOST:
        raise TooManyExports
    asked = Export.objects.create(
        user=by,
        business=business,
        kind=kind,
        query=query,
        rows=rows,
        asked_at=now,
        ends_at=now + LIVES,
    )
    note_export(business=business, kind=kind, by=by)
    ring_after_commit("apps.backoffice.tasks.make_export", export_id=str(asked.pk))
    return asked


@transaction.atomic
def note_export(*, business: Business, kind: str, by: User) -> None:
    """Who took which list away stays in the audit log."""
    action = f"backoffice.{kind}_exported"
    audit.record(by, action, "business", business.pk, business_id=business.pk)


def make_export(*, export_id: UUID) -> bool:
    """Write the file and tell who asked, once; whether this call did. Files past their days are
    thrown away."""
    now = timezone.now()
    Export.objects.filter(ends_at__lte=now).delete()
    rows = Export.objects.select_related("business", "user")
    asked = rows.filter(pk=export_id, made_at=None).first()
    if asked is None:
        return False
    with override(asked.user.locale):
        found = rows_of(asked.business, kind=asked.kind, query=asked.query, at=now)
        body = gzip.compress("".join(spreadsheets.lines(found)).encode())
    with transaction.atomic():
        at = timezone.now()
        done = Export.objects.filter(pk=export_id, made_at=None).update(file=body, made_at=at)
        if done:
            outbox.publish(
                ExportReady(
                    export_id=str(export_id),
                    member_id=str(asked.user_id),
                    rows=asked.rows,
                    at=at.isoformat(),
                )
            )
    return done == 1


def live_exports(
    *, by: User, business: Business, at: datetime, kind: str | None = None
) -> QuerySet[Export]:
    """Her files that are still there, the newest first."""
    mine = Export.objects.filter(user=by, business=business, ends_at__gt=at)
    if kind:
        mine = mine.filter(kind=kind)
    return mine.defer("file").order_by("-asked_at")


def opened(export: Export) -> bytes:
    """The bytes of a file that is ready."""
    return gzip.decompress(bytes(export.file or b""))
