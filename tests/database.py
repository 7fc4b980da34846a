"""The test database of a run: a copy of one that was migrated before.

Migrating takes half a minute of one core, a copy takes a second. The migrated one stays on the
server under a name made of all migrations and locked versions, so any change of them makes a new
one. Names of both begin with `test_`.

A test with real commits ends with `restore()` in place of Django's flush: that truncates every
table and makes all permissions anew, near a second each time, and loses the rows of data
migrations. Here only tables with rows are emptied, and what migrating left comes back.
"""

import hashlib
from pathlib import Path

from django.conf import settings
from django.db import OperationalError, connection, transaction

ROOT = Path(__file__).parents[1]
LOCK = 5_316_021  # any number that nobody else on this server locks
KEPT = 2  # migrated databases, for going back and forth between two branches
LEFT_ALONE = {"django_content_type", "auth_permission", "django_migrations"}  # made by migrating


def create() -> None:
    """Make this process's own database and point Django at it."""
    own = connection.creation._get_test_db_name()
    template = f"test_migrated_{fingerprint()}"
    with connection.creation._nodb_cursor() as cursor:
        cursor.execute("SET statement_timeout = 0; SET lock_timeout = 0")
        cursor.execute("SELECT pg_advisory_lock(%s)", [LOCK])  # until the cursor closes
        if not _oid(cursor, template):
            _migrate(cursor, template)
            _forget_old(cursor)
        cursor.execute(f'DROP DATABASE IF EXISTS "{own}"')
        cursor.execute(f'CREATE DATABASE "{own}" TEMPLATE "{template}"')
    _point_at(own)


def drop() -> None:
    own = connection.settings_dict["NAME"]
    connection.close()
    with connection.creation._nodb_cursor() as cursor:
        cursor.execute(f'DROP DATABASE IF EXISTS "{own}" WITH (FORCE)')


def remember() -> None:
    """Keep a copy of the rows that are there before any test: tiers, badges, words, limits."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("DROP SCHEMA IF EXISTS kept CASCADE; CREATE SCHEMA kept")
        for table in _filled(cursor, _tables(cursor)):
            cursor.execute(f'CREATE TABLE kept."{table}" AS TABLE public."{table}"')


def restore() -> None:
    """Make the tables as `remember()` found them. Triggers are off meanwhile: journals refuse a
    DELETE. Foreign keys are looked at when all is back.

    A browser may still have a request under way that takes its locks in another order."""
    for _try in range(4):
        try:
            _restore()
        except OperationalError:
            continue
        return
    _restore()


def _restore() -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        tables = _tables(cursor)
        cursor.execute(f"LOCK TABLE {', '.join(tables)} IN EXCLUSIVE MODE")
        filled, columns = _filled(cursor, tables), _kept_columns(cursor)
        guarded = _guarded(cursor, filled)
        orders = ["SET CONSTRAINTS ALL DEFERRED"]
        orders += [f'ALTER TABLE "{table}" DISABLE TRIGGER USER' for table in guarded]
        orders += [f'DELETE FROM "{table}"' for table in filled]
        orders += [
            f'INSERT INTO "{table}" ({names}) SELECT {names} FROM kept."{table}"'
            for table, names in columns.items()
        ]
        orders.append("SET CONSTRAINTS ALL IMMEDIATE")
        orders += [f'ALTER TABLE "{table}" ENABLE TRIGGER USER' for table in guarded]
        cursor.execute("; ".join(orders))


def _kept_columns(cursor) -> dict[str, str]:
    cursor.execute(
        "SELECT table_name, string_agg(quote_ident(column_name), ', ')"
        " FROM information_schema.columns JOIN pg_tables ON tablename = table_name"
        " AND schemaname = 'kept' WHERE table_schema = 'public' AND is_generated = 'NEVER'"
        " GROUP BY table_name"
    )
    return dict(cursor.fetchall())


def _guarded(cursor, tables: list[str]) -> list[str]:
    """Those with triggers of ours, on themselves or their partitions."""
    cursor.execute(
        "SELECT DISTINCT relname FROM pg_trigger JOIN pg_class c ON c.oid = tgrelid"
        " WHERE NOT tgisinternal AND relnamespace = 'public'::regnamespace"
        " AND relname = ANY(%s)",
        [tables],
    )
    return [name for (name,) in cursor.fetchall()]


def _filled(cursor, tables: list[str]) -> list[str]:
    """Those with at least one row, in one question; partitions answer through their parent."""
    cursor.execute(
        " UNION ALL ".join(
            f"(SELECT '{table}' FROM public.\"{table}\" LIMIT 1)" for table in tables
        )
    )
    return [name for (name,) in cursor.fetchall()]


def _tables(cursor) -> list[str]:
    cursor.execute(
        "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace"
        " AND relkind IN ('r', 'p') AND NOT relispartition ORDER BY relname"
    )
    return [name for (name,) in cursor.fetchall() if name not in LEFT_ALONE]


def fingerprint() -> str:
    """All that a migrated database is made of."""
    seen = hashlib.sha256()
    sources = sorted(ROOT.glob("apps/*/migrations/*.py"))
    for source in [ROOT / "requirements/local.txt", *sources]:
        seen.update(str(source.relative_to(ROOT)).encode() + source.read_bytes())
    return seen.hexdigest()[:16]


def _migrate(cursor, template: str) -> None:
    """Under another name until it is whole: a run that was killed leaves nothing to copy."""
    unfinished = f"{template}_unfinished"
    test = connection.settings_dict["TEST"]
    test["NAME"], before = unfinished, test["NAME"]
    try:
        connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
    finally:
        test["NAME"] = before
        connection.close()
    cursor.execute(f'ALTER DATABASE "{unfinished}" RENAME TO "{template}"')


def _forget_old(cursor) -> None:
    cursor.execute(
        "SELECT datname FROM pg_database WHERE datname LIKE 'test\\_migrated\\_%%'"
        " ORDER BY oid DESC OFFSET %s",
        [KEPT],
    )
    for (name,) in cursor.fetchall():
        cursor.execute(f'DROP DATABASE IF EXISTS "{name}"')


def _oid(cursor, name: str) -> int | None:
    cursor.execute("SELECT oid FROM pg_database WHERE datname = %s", [name])
    row = cursor.fetchone()
    return row[0] if row else None


def _point_at(name: str) -> None:
    settings.DATABASES["default"]["NAME"] = name
    connection.settings_dict["NAME"] = name
