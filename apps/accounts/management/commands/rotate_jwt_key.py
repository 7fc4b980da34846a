from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from apps.accounts import keys, rules


class Command(BaseCommand):
    help = "Add a key that signs tokens from now on; older keys stay accepted until retired."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--retire-older-than",
            metavar="31d",
            help="also remove keys that stopped signing so long ago (at least 30d)",
        )
        parser.add_argument(
            "--force", action="store_true", help="a leaked key: allow less than 30d, ends sessions"
        )

    def handle(self, *, retire_older_than: str | None, force: bool, **options: Any) -> None:
        age = self._age(retire_older_than, force=force) if retire_older_than else None
        at = timezone.now()
        self.stdout.write(f"Added {keys.add(at=at)}: it signs within a minute.")
        if age is not None:
            gone = keys.retire(older_than=age, at=at)
            self.stdout.write(f"Removed: {', '.join(gone) or 'none'}.")

    @staticmethod
    def _age(text: str, *, force: bool) -> timedelta:
        try:
            age = keys.parse_age(text)
        except ValueError as wrong:
            raise CommandError(str(wrong)) from wrong
        if age < timedelta(seconds=rules.REFRESH_LIFE) and not force:
            raise CommandError("Refresh tokens live 30 days: say 31d, or --force to end sessions.")
        return age
