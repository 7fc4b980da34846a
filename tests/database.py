"""The test database of a run: a copy of one that was migrated before.

Migrating takes half a minute of one core, a copy takes a second. The migrated one stays on the
server under a name made of all migrations and locked versions, so any change of them makes a new
one. Names of both begin with `test_`.
"""

import hashlib
from pathlib import Path

from django.conf import settings
from django.db import connection

ROOT = Path(__file__).parents[1]
LOCK = 5_316_021  # any number that nobody else on this server locks
KEPT = 2  # migrated databases, for going back and forth between two branches


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
