"""Restoring: what must follow the copy before the doors open, in order; what fails stops it."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache
from django.core.management import CommandError, call_command

from apps.backoffice.management.commands import restore
from apps.core import backup

pytestmark = pytest.mark.django_db


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """A copy that is already in its place: the programs of PostgreSQL have tests of their own."""
    done: list[str] = []

    @contextmanager
    def opened(folder: Path, *, identity: Path | None) -> Iterator[Path]:
        done.append(f"opened {folder.name}")
        yield tmp_path

    def command(name: str, **given: Any) -> None:
        done.append(f"{name} {given.get('after_restore', '')}".strip())

    monkeypatch.setattr(backup, "opened", opened)
    monkeypatch.setattr(backup, "load_database", lambda place: done.append("database"))
    monkeypatch.setattr(backup, "load_facts", lambda place: done.append("facts"))
    monkeypatch.setattr(restore, "call_command", command)
    return done


def test_erasures_and_proofs_follow_the_copy_and_nothing_old_is_cached(steps: list[str]) -> None:
    cache.set("balance of the lost database", 100)
    out = io.StringIO()

    call_command("restore", folder=Path("night"), reason="учения", stdout=out)

    assert steps == [
        "opened night", "database", "migrate", "migrate_clickhouse", "facts", "replay_erasures",
        "verify_audit учения",
    ]  # fmt: skip
    assert cache.get("balance of the lost database") is None
    told = [line.partition(":")[0] for line in out.getvalue().splitlines()]
    assert told[:-1] == ["database", "migrations", "facts", "erasures", "audit chain", "ledger"]
    assert told[-1].startswith("restored in ")


def test_a_ledger_that_does_not_add_up_is_no_restore(
    steps: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(restore, "ledger_faults", lambda: {"wallets": "7"})

    with pytest.raises(CommandError, match="not whole: {'wallets': '7'}"):
        call_command("restore", folder=Path("night"), reason="учения", stdout=io.StringIO())


def test_a_copy_that_does_not_open_stops_before_anything_is_touched(
    steps: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(place: Path) -> None:
        raise backup.BackupFailed("the database is not empty")

    monkeypatch.setattr(backup, "load_database", broken)

    with pytest.raises(CommandError, match="not empty"):
        call_command("restore", folder=Path("night"), reason="учения", stdout=io.StringIO())
    assert steps == ["opened night"]
