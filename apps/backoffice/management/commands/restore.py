import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.core.cache import cache
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.core import backup
from apps.core.clickhouse import Unavailable
from apps.loyalty.queries import ledger_faults


class Command(BaseCommand):
    help = (
        "Put a backup into an empty place: database, newest migrations, fact tables, erasures once "
        "more, then verify the audit chain and the ledger. Prints how long each step took."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--from", dest="folder", type=Path, required=True, metavar="BACKUP")
        parser.add_argument("--identity", type=Path, help="file with the age key of the backup")
        parser.add_argument("--reason", required=True, help="kept with the audit chain")

    def handle(
        self, *, folder: Path, reason: str, identity: Path | None = None, **options: Any
    ) -> None:
        began = time.monotonic()
        try:
            with backup.opened(folder, identity=identity) as place:
                with self._timed("database"):
                    backup.load_database(place)
                with self._timed("migrations"):
                    call_command("migrate", interactive=False, verbosity=0)
                    call_command("migrate_clickhouse", stdout=self.stdout)
                with self._timed("facts"):
                    backup.load_facts(place)
        except backup.BackupFailed as wrong:
            raise CommandError(str(wrong)) from wrong
        except Unavailable as down:
            raise CommandError(
                "ClickHouse does not answer. The database is loaded, the facts are not: empty both, "
                "restore again when it is back."
            ) from down
        cache.clear()  # balances and lists of the database that was lost
        # Before the doors open: whoever was erased since then must not come back.
        with self._timed("erasures"):
            call_command("replay_erasures", stdout=self.stdout)
        with self._timed("audit chain"):
            call_command("verify_audit", after_restore=reason, stdout=self.stdout)
        with self._timed("ledger"):
            faults = ledger_faults()
        if faults:
            raise CommandError(f"The ledger is not whole: {faults}")
        self.stdout.write(f"restored in {time.monotonic() - began:.1f} s")

    @contextmanager
    def _timed(self, step: str) -> Iterator[None]:
        began = time.monotonic()
        yield
        self.stdout.write(f"{step}: {time.monotonic() - began:.1f} s")
