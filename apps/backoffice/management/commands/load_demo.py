import sys
import time
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from apps.analytics import loader
from apps.backoffice.demo.loading import Size, is_loaded, load
from apps.core.bulk import unlogged
from apps.core.clickhouse import Unavailable
from apps.core.progress import Progress

MOST_MEMBERS = 900  # what the made-up phones have room for


class Command(BaseCommand):
    help = (
        "Fill a development stand with five partners, their people and two years of purchases. "
        "Does nothing when the demo is there; goes on when it was interrupted."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        usual = Size()
        parser.add_argument("--seed", type=int, default=usual.seed)
        parser.add_argument("--members", type=int, default=usual.members)
        parser.add_argument("--days", type=int, default=usual.days)

    def handle(self, *, seed: int, members: int, days: int, **options: Any) -> None:
        if not settings.DEVELOPMENT:
            raise CommandError("Made-up people and money belong to development only.")
        if not (4 <= members <= MOST_MEMBERS and 1 <= days <= 2000):
            raise CommandError(f"From 4 to {MOST_MEMBERS} members, from 1 to 2000 days.")
        if is_loaded():
            self.stdout.write("The demo is there already.")
            return
        began = time.monotonic()
        with unlogged(), Progress(round(days * members * 0.029), sys.stderr) as progress:
            size = Size(seed=seed, members=members, days=days)
            world = load(size=size, at=timezone.now(), progress=progress)
        self._load_facts()
        self.stdout.write(
            f"Demo: {len(world.guests)} members, {len(world.visits)} sales, "
            f"{time.monotonic() - began:.0f} s. Who can sign in: manage.py demo_logins"
        )

    def _load_facts(self) -> None:
        try:
            loader.load_waiting()
        except Unavailable:
            self.stdout.write("ClickHouse does not answer; the worker will load the facts later.")
