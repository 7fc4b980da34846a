"""Objects of models out of statements of ours, and back: the hottest paths without the ORM.

Composing a query of three joined models takes more of our processor than PostgreSQL takes to answer
it (measured: half of an authenticated request). Here the text is made once for a model.
"""

from collections.abc import Sequence
from functools import cache
from typing import Any

from django.db import connection
from django.db.models import Model


class Columns[M: Model]:
    """All columns of a model in a SELECT under an alias, and the object that a row holds."""

    def __init__(self, model: type[M], alias: str, *, start: int = 0) -> None:
        self.model = model
        self.start = start
        fields = model._meta.concrete_fields
        self.names = [field.attname for field in fields]
        self.end = start + len(fields)
        self.sql = ", ".join(f'{alias}."{field.column}"' for field in fields)
        self.read = [
            (number, field)
            for number, field in enumerate(fields)
            if hasattr(field, "from_db_value")
        ]

    def of(self, row: Sequence[Any]) -> M:
        """The object, as the ORM would make it."""
        values = list(row[self.start : self.end])
        for number, field in self.read:
            values[number] = field.from_db_value(values[number], None, connection)
        return self.model.from_db("default", self.names, values)


def first(statement: str, values: Any) -> tuple[Any, ...] | None:
    """The first row of a statement."""
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        row: tuple[Any, ...] | None = cursor.fetchone()
    return row


@cache
def _insert_of(model: type[Model], count: int) -> tuple[str, list[Any], bool]:
    fields = list(model._meta.concrete_fields)
    pk = model._meta.pk
    is_numbered = pk.db_returning
    if is_numbered:
        fields.remove(pk)
    table, key = model._meta.db_table, pk.column
    columns = ", ".join(f'"{field.column}"' for field in fields)
    values = ", ".join([f"({', '.join(['%s'] * len(fields))})"] * count)
    statement = f'INSERT INTO "{table}" ({columns}) VALUES {values}'  # noqa: S608 - names of ours
    return statement + (f' RETURNING "{key}"' if is_numbered else ""), fields, is_numbered


def insert[M: Model](row: M) -> M:
    """Write one new object, as `save(force_insert=True)` would; constraints raise the same."""
    insert_all([row])
    return row


def insert_all(rows: Sequence[Model]) -> None:
    """The same for some of one model, in one statement; for none of them in none."""
    if not rows:
        return
    statement, fields, is_numbered = _insert_of(type(rows[0]), len(rows))
    values = [
        field.get_db_prep_save(field.pre_save(row, add=True), connection=connection)
        for row in rows
        for field in fields
    ]
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        keys = cursor.fetchall() if is_numbered else ()
    for row, (key,) in zip(rows, keys, strict=False):
        row.pk = key
    for row in rows:
        row._state.adding = False
        row._state.db = "default"
