"""Changing the field keys: every value sealed with them is opened and sealed with the first one.

Works in batches of its own transactions, so it can be stopped and started again: what is sealed
with the first key already is never read. Only then the old key leaves FIELD_KEYS.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from django.conf import settings
from django.db import connection, transaction
from django.utils.module_loading import import_string

from apps.core import sealing

BATCH = 500


@dataclass(frozen=True)
class SealedColumn:
    """A column of values sealed with the context `<context>:<owner>`; the owner is the row's id,
    unless another column is named."""

    table: str
    column: str
    context: str
    owner: str = "id"


def columns() -> list[SealedColumn]:
    """Every such column, from the list that the settings point to."""
    listed: list[SealedColumn] = import_string(settings.SEALED_COLUMNS)
    return listed


def first_key() -> str:
    return next(iter(settings.FIELD_KEYS))


def left(place: SealedColumn) -> int:
    """How many values are still sealed with another key than the first."""
    with connection.cursor() as cursor:
        cursor.execute(_sql(place, "SELECT count(*) FROM {table} WHERE {old}"), [_prefix()])
        count: int = cursor.fetchone()[0]
    return count


def rotate(place: SealedColumn) -> Iterator[int]:
    """Re-seal a column; yields how many rows each batch had. Raises SealBroken and stops when a
    value does not open: nothing of its batch is changed."""
    while done := _rotate_batch(place):
        yield done


def _prefix() -> str:
    return f"{first_key()}.%"


def _sql(place: SealedColumn, text: str) -> str:
    """Names come from our own list, never from outside."""
    old = f"{place.column} <> '' AND {place.column} NOT LIKE %s"
    return text.format(table=place.table, column=place.column, owner=place.owner, old=old)


@transaction.atomic
def _rotate_batch(place: SealedColumn) -> int:
    take = "SELECT id, {owner}, {column} FROM {table} WHERE {old} ORDER BY id LIMIT %s FOR UPDATE"
    put = "UPDATE {table} SET {column} = %s WHERE id = %s"
    with connection.cursor() as cursor:
        cursor.execute(_sql(place, take), [_prefix(), BATCH])
        rows = cursor.fetchall()
        fresh = []
        for row_id, owner, sealed in rows:
            context = f"{place.context}:{owner}"
            plain = sealing.unseal(sealed, context=context)
            fresh.append((sealing.seal(plain, context=context), row_id))
        if fresh:
            cursor.executemany(_sql(place, put), fresh)
    return len(rows)
