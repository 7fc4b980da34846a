from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from apps.core import backup, clickhouse


class Command(BaseCommand):
    help = "Copy the database and the fact tables into a new folder."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--to", type=Path, required=True, metavar="FOLDER")

    def handle(self, *, to: Path, **options: Any) -> None:
        try:
            folder = backup.make(to, at=timezone.now(), recipient=settings.BACKUP_RECIPIENT)
        except (backup.BackupFailed, clickhouse.Unavailable) as wrong:
            raise CommandError(str(wrong)) from wrong
        files = backup.read_manifest(folder)["files"]
        size = sum(figures["bytes"] for figures in files.values())
        self.stdout.write(f"{folder}: {len(files)} files, {size / 1024 / 1024:.1f} MiB")
        if not settings.BACKUP_RECIPIENT:
            self.stderr.write("Not encrypted: BACKUP_RECIPIENT is not set.")
