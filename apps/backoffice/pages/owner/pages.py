"""Keyset pages of lists, newest first: rows that arrive meanwhile shift nothing."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet

ROWS = 25


@dataclass(frozen=True)
class Page:
    """`next` is the cursor of the following page; empty at the end."""

    rows: list[Any]
    next: str


def page(queryset: QuerySet[Any], *, moment: str, after: str, rows: int = ROWS) -> Page:
    """The page after a cursor; a broken cursor is the first page."""
    if found := _read(after):
        at, last = found
        queryset = queryset.filter(Q(**{f"{moment}__lt": at}) | Q(**{moment: at, "pk__lt": last}))
    cut = list(queryset.order_by(f"-{moment}", "-pk")[: rows + 1])
    last_row = cut[rows - 1] if len(cut) > rows else None
    following = f"{getattr(last_row, moment).isoformat()}_{last_row.pk}" if last_row else ""
    return Page(cut[:rows], following)


def _read(text: str) -> tuple[datetime, UUID] | None:
    moment, _mark, pk = text.partition("_")
    try:
        at = datetime.fromisoformat(moment)
        return (at, UUID(pk)) if at.tzinfo else None
    except ValueError:
        return None
