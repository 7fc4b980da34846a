"""A copy of everything that cannot be made again, and back.

A backup is a folder: `database.dump` (pg_dump, custom format), one `facts/TABLE.native` for each
table of ClickHouse, and `manifest.json` with sizes, SHA-256 and the time. With a recipient each
file is encrypted with age (X25519): the machine that makes backups cannot read them.

Not in it, on purpose: keys, which would make the copy readable by whoever finds it, and the erasure
journal and audit anchors, which must be newer than any copy (docs/operations.md says where they
live).
"""

import hashlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import orjson
import pyrage
from django.conf import settings
from django.db import connection

from apps.core import clickhouse

MANIFEST, DUMP, FACTS = "manifest.json", "database.dump", "facts"
SEALED = ".age"
OWN_BOOKKEEPING = "_migrations"  # ClickHouse steps: a restore has made them already


class BackupFailed(Exception):
    """What went wrong, in words for whoever holds the terminal. Nothing half-made is left."""


def make(folder: Path, *, at: datetime, recipient: str = "") -> Path:
    """Write a backup into a new folder under `folder` and return it. Raises BackupFailed,
    clickhouse.Unavailable.

    PostgreSQL is copied first: facts that come later are loaded again from its outbox.
    """
    target = folder / at.strftime("%Y-%m-%dT%H%M%SZ")
    unfinished = target.with_name(f".{target.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    (unfinished / FACTS).mkdir(parents=True, mode=0o700)
    try:
        _pg("pg_dump", "--format=custom", "--no-owner", "--file", str(unfinished / DUMP))
        for table in fact_tables():
            clickhouse.save_file(table, unfinished / FACTS / f"{table}.native")
        files = [_sealed(path, recipient) for path in _files(unfinished)]
        manifest = {
            "at": at,
            "encrypted": bool(recipient),
            "files": {str(path.relative_to(unfinished)): _figures(path) for path in files},
        }
        (unfinished / MANIFEST).write_bytes(orjson.dumps(manifest, option=orjson.OPT_INDENT_2))
        unfinished.rename(target)
    except BaseException:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise
    return target


@contextmanager
def opened(folder: Path, *, identity: Path | None = None) -> Iterator[Path]:
    """The checked files of a backup in the clear, for as long as a restore takes.

    Raises BackupFailed when one is missing or changed, or the key does not open it.
    """
    read_manifest(folder)
    with TemporaryDirectory(dir=folder.parent, prefix=".opened-") as place:
        for path in _files(folder):
            if path.name != MANIFEST:
                _open(path, Path(place) / path.relative_to(folder), identity)
        yield Path(place)


def load_database(place: Path) -> None:
    """Into an empty database: a restore never writes over anything. Raises BackupFailed."""
    if connection.introspection.table_names():
        raise BackupFailed("The database is not empty. Restore into a new one.")
    _pg(
        "pg_restore",
        *("--no-owner", "--no-privileges", "--exit-on-error", "--single-transaction"),
        str(place / DUMP),
    )


def load_facts(place: Path) -> int:
    """Into the empty tables that `migrate_clickhouse` made; how many. Columns are matched by name,
    so an older backup fits newer tables. Raises BackupFailed."""
    files = sorted((place / FACTS).glob("*.native"))
    known = fact_tables()
    for path in files:
        if path.stem not in known:
            raise BackupFailed(f"There is no table {path.stem}: run migrate_clickhouse first.")
        if clickhouse.has_rows(path.stem):
            raise BackupFailed(f"The table {path.stem} is not empty. Restore into a new database.")
    for path in files:
        if path.stat().st_size:
            clickhouse.load_file(path.stem, path)
    return len(files)


def read_manifest(folder: Path) -> dict[str, Any]:
    """The manifest of a backup whose files are all there, unchanged. Raises BackupFailed."""
    try:
        manifest: dict[str, Any] = orjson.loads((folder / MANIFEST).read_bytes())
        for name, figures in manifest["files"].items():
            if _figures(folder / name) != figures:
                raise BackupFailed(f"{name} is not the file that was written.")
    except FileNotFoundError as missing:
        raise BackupFailed(f"{missing.filename} is missing.") from missing
    except (ValueError, KeyError) as broken:
        raise BackupFailed(f"{folder / MANIFEST} cannot be read.") from broken
    return manifest


def fact_tables() -> list[str]:
    """Tables with rows of their own; views and our own bookkeeping are made by migrations."""
    rows = clickhouse.read(
        "backup.tables",
        "SELECT name FROM system.tables WHERE database = {db:String}"
        " AND engine LIKE '%MergeTree' AND name NOT LIKE '.inner%' ORDER BY name",
        db=clickhouse.database(),
    )
    return [name for (name,) in rows if not name.endswith(OWN_BOOKKEEPING)]


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def _figures(path: Path) -> dict[str, Any]:
    with path.open("rb") as handle:
        digest = hashlib.file_digest(handle, "sha256").hexdigest()
    return {"bytes": path.stat().st_size, "sha256": digest}


def _sealed(path: Path, recipient: str) -> Path:
    if not recipient:
        return path
    sealed = path.with_name(path.name + SEALED)
    key = pyrage.x25519.Recipient.from_str(recipient)
    pyrage.encrypt_file(str(path), str(sealed), [key])
    path.unlink()
    return sealed


def _open(path: Path, target: Path, identity: Path | None) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix != SEALED:
        shutil.copyfile(path, target)
        return
    if identity is None:
        raise BackupFailed("This backup is encrypted: name the file with its key.")
    lines = identity.read_text().splitlines()
    keys = [pyrage.x25519.Identity.from_str(line) for line in lines if line.startswith("AGE-")]
    try:
        pyrage.decrypt_file(str(path), str(target.with_suffix("")), keys)
    except pyrage.DecryptError as wrong:
        raise BackupFailed(f"{identity} does not open {path.name}.") from wrong


def _pg(program: str, *arguments: str) -> None:
    """One of PostgreSQL's own programs against our database; the password is not an argument."""
    found = shutil.which(program, path=f"{settings.PG_BIN}{os.pathsep}{os.environ['PATH']}")
    if not found:
        raise BackupFailed(f"{program} is not here: install PostgreSQL's client or set PG_BIN.")
    words = [found, "--dbname", _database(), *arguments]
    done = subprocess.run(  # noqa: S603 - the program was looked up, the arguments are ours
        words, env={**os.environ, "PGPASSWORD": _setting("PASSWORD")}, capture_output=True
    )
    if done.returncode:
        raise BackupFailed(done.stderr.decode("utf-8", "replace")[-500:].strip())


def _database() -> str:
    return (
        f"host={_setting('HOST')} port={_setting('PORT') or 5432}"
        f" user={_setting('USER')} dbname={_setting('NAME')}"
    )


def _setting(name: str) -> str:
    return str(connection.settings_dict[name] or "")
