from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.accounts.services import index_keys


class Command(BaseCommand):
    help = (
        "Reckon the blind indexes of phones and e-mails anew. Put the old INDEX_KEY into "
        "INDEX_KEY_PREVIOUS and the new one into INDEX_KEY, restart, run this, then remove "
        "INDEX_KEY_PREVIOUS and restart. May be stopped and started again."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--after", type=UUID, help="continue after this id, as printed")

    def handle(self, *, after: UUID | None = None, **options: Any) -> None:
        if not settings.INDEX_KEY_PREVIOUS:
            raise CommandError(
                "INDEX_KEY_PREVIOUS is not set: without it nobody is found meanwhile."
            )
        seen = changed = 0
        for batch in index_keys.refill_indexes(after=after):
            seen, changed = seen + batch.seen, changed + batch.changed
            self.stdout.write(f"{seen} people, {changed} changed, up to {batch.last_id}")
        self.stdout.write(f"Done: {changed} of {seen} changed. INDEX_KEY_PREVIOUS can go.")
