"""Backups: whole, unchanged, unreadable without the key, never over anything."""

import os
import subprocess
import sys
from io import StringIO
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pyrage
import pytest
from django.conf import settings as house
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from apps.accounts import services
from apps.core import backup, clickhouse
from svoykrug.dev import drill
from tests import fact_tables
from tests.factories.accounts import UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _programs(settings: Any) -> None:
    settings.PG_BIN = drill._programs()


@pytest.fixture
def key(tmp_path: Path) -> pyrage.x25519.Identity:
    made = pyrage.x25519.Identity.generate()
    (tmp_path / "key").write_text(f"# made for a test\n{made}\n")
    return made


@pytest.fixture
def copy(tmp_path: Path, key: pyrage.x25519.Identity, _clickhouse_ready: None) -> Path:
    return backup.make(tmp_path / "to", at=timezone.now(), recipient=str(key.to_public()))


def test_a_copy_opens_with_its_key_alone(copy: Path, tmp_path: Path) -> None:
    assert b"PGDMP" not in (copy / "database.dump.age").read_bytes()[:100]
    with backup.opened(copy, identity=tmp_path / "key") as place:
        assert (place / "database.dump").read_bytes().startswith(b"PGDMP")
        assert {path.stem for path in (place / "facts").iterdir()} >= {"transaction_facts"}
    assert [path.name for path in copy.parent.iterdir()] == [copy.name], "nothing open is left"

    with pytest.raises(backup.BackupFailed, match="encrypted"), backup.opened(copy):
        pass
    (tmp_path / "other").write_text(str(pyrage.x25519.Identity.generate()))
    with (
        pytest.raises(backup.BackupFailed, match="does not open"),
        backup.opened(copy, identity=tmp_path / "other"),
    ):
        pass


def test_a_changed_or_missing_file_is_noticed(copy: Path) -> None:
    dump = copy / "database.dump.age"
    whole = dump.read_bytes()
    dump.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    with pytest.raises(backup.BackupFailed, match="not the file that was written"):
        backup.read_manifest(copy)
    dump.unlink()
    with pytest.raises(backup.BackupFailed, match="is missing"):
        backup.read_manifest(copy)


def test_a_restore_never_writes_over_anything(copy: Path, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="not empty"):
        call_command("restore", folder=copy, identity=tmp_path / "key", reason="test")


def test_without_the_programs_it_says_so(tmp_path: Path, settings: Any, monkeypatch: Any) -> None:
    settings.PG_BIN = ""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(CommandError, match="pg_dump is not here"):
        call_command("backup", to=tmp_path / "to")
    assert list((tmp_path / "to").iterdir()) == []


# --- the fact tables -----------------------------------------------------------------------------
SEGMENTS = "SELECT kind, count() FROM engagement_facts GROUP BY kind ORDER BY kind"


@pytest.fixture
def plain(tmp_path: Path, facts: None) -> Path:
    """A copy in the clear, of a database with three facts; the tables are empty by now."""
    for number, kind in enumerate(("vote", "vote", "checkin")):
        clickhouse.command(
            "INSERT INTO engagement_facts (kind, subject, local_day, version)"
            f" VALUES ('{kind}', toUUID('{uuid4()}'), '2026-11-22', {number})"
        )
    call_command("backup", to=tmp_path / "to", stdout=StringIO(), stderr=StringIO())
    fact_tables.empty()
    [made] = (tmp_path / "to").iterdir()
    return made


def test_facts_come_back_and_never_over_others(plain: Path) -> None:
    with backup.opened(plain) as place:
        assert (place / "database.dump").read_bytes().startswith(b"PGDMP")
        loaded = backup.load_facts(place)
        with pytest.raises(backup.BackupFailed, match="engagement_facts is not empty"):
            backup.load_facts(place)

    assert loaded == len(backup.fact_tables())
    assert clickhouse.read("test", SEGMENTS) == [("checkin", 1), ("vote", 2)]


def test_facts_wait_for_the_tables_that_take_them(plain: Path) -> None:
    with backup.opened(plain) as place:
        newer = place / "facts" / "z_of_tomorrow.native"
        newer.write_bytes(b"")
        with pytest.raises(backup.BackupFailed, match="no table z_of_tomorrow"):
            backup.load_facts(place)

    assert clickhouse.read("test", SEGMENTS) == []


# --- the command ---------------------------------------------------------------------------------
@pytest.mark.usefixtures("_clickhouse_ready")
@pytest.mark.parametrize("sealed", [True, False])
def test_the_command_says_what_it_made_and_whether_others_can_read_it(
    sealed: bool, tmp_path: Path, key: pyrage.x25519.Identity, settings: Any
) -> None:
    settings.BACKUP_RECIPIENT = str(key.to_public()) if sealed else ""
    out, err = StringIO(), StringIO()

    call_command("backup", to=tmp_path / "to", stdout=out, stderr=err)

    [made] = (tmp_path / "to").iterdir()
    files = backup.read_manifest(made)["files"]
    assert f"{made}: {len(files)} files" in out.getvalue()
    assert all(name.endswith(".age") == sealed for name in files)
    assert ("Not encrypted" in err.getvalue()) == (not sealed)


def test_a_copy_that_failed_leaves_nothing_behind(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setitem(connection.settings_dict, "NAME", "no_such_place")

    with pytest.raises(CommandError, match='"no_such_place" does not exist'):
        call_command("backup", to=tmp_path / "to")
    assert list((tmp_path / "to").iterdir()) == []


@pytest.mark.parametrize("manifest", [b"{", b"{}", b'{"files": {"a": 1}}'])
def test_a_manifest_that_is_none_is_told_as_such(tmp_path: Path, manifest: bytes) -> None:
    (tmp_path / "manifest.json").write_bytes(manifest)

    with pytest.raises(backup.BackupFailed, match="cannot be read|is missing"):
        backup.read_manifest(tmp_path)


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_who_was_erased_after_the_copy_does_not_come_back(
    copy: Path, tmp_path: Path, settings: Any
) -> None:
    """The whole drill by the commands of operations.md, each a process of its own."""
    gone, stays = UserFactory(), UserFactory()
    key = pyrage.x25519.Identity.from_str((tmp_path / "key").read_text().splitlines()[1])
    copy = backup.make(tmp_path / "later", at=timezone.now(), recipient=str(key.to_public()))
    services.erase_person(user=gone, at=timezone.now(), because="asked")
    url = os.environ["DATABASE_URL"]

    with drill.empty_database(url) as place:
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "manage.py", "restore", "--from", str(copy)]
            + ["--identity", str(tmp_path / "key"), "--reason", "drill"],
            cwd=house.BASE_DIR,
            env={
                **os.environ,
                "PG_BIN": settings.PG_BIN,
                "DATABASE_URL": place,
                "CLICKHOUSE_URL": f"chdb://{tmp_path}/facts?database=svoykrug",
                "ERASURE_JOURNAL": str(settings.ERASURE_JOURNAL),
                "AUDIT_ANCHOR_FILE": str(tmp_path / "anchors.jsonl"),
            },
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        assert "erased again: 1" in done.stdout
        assert "restored in" in done.stdout
        with psycopg.connect(place) as restored:
            rows = restored.execute("SELECT id, erased_at IS NULL FROM accounts_user").fetchall()
    assert dict(rows) == {gone.pk: False, stays.pk: True}
