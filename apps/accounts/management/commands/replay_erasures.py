from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.accounts import services
from apps.core import append_file


class Command(BaseCommand):
    help = (
        "Erase again everybody whom the erasure journal names. Run it after every restore, before "
        "the doors open: otherwise erased people are back. Running it twice changes nothing."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", nargs="?", type=Path, help="default: ERASURE_JOURNAL")

    def handle(self, *, file: Path | None = None, **options: Any) -> None:
        path = file or settings.ERASURE_JOURNAL
        if file and not file.exists():
            raise CommandError(f"{file} does not exist.")
        try:
            lines = append_file.read(path)
        except ValueError as broken:
            raise CommandError(f"{path} has a line that is not JSON: {broken}") from broken
        done = services.replay_erasures(lines=lines)
        self.stdout.write(
            f"erased again: {done.erased}, already erased: {done.already}, "
            f"not in this database: {done.unknown}"
        )
