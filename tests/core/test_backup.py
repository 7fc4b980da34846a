"""Backups: whole, unchanged, unreadable without the key, never over anything."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import psycopg
import pyrage
import pytest
from django.conf import settings as house
from django.core.management import CommandError, call_command
from django.utils import timezone

from apps.accounts import services
from apps.core import backup
from svoykrug.dev import drill
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
