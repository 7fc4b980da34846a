from datetime import date, timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from apps.analytics.services import reconciling
from apps.core import clickhouse


class Command(BaseCommand):
    help = (
        "Compare facts in ClickHouse with the books of PostgreSQL for each business and day, and "
        "rebuild the months that differ. Exit code 1 when they still differ by a row or a kopeck."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--days", type=int, default=reconciling.DAYS, help="35, back from today"
        )
        parser.add_argument(
            "--since", type=date.fromisoformat, metavar="DATE", help="from this day"
        )
        parser.add_argument("--check", action="store_true", help="compare only, rebuild nothing")

    def handle(self, *, days: int, since: date | None, **options: Any) -> None:
        at = timezone.now()
        until = timezone.localdate(at) + timedelta(days=1)  # zones to the east are a day ahead
        start = since or until - timedelta(days=days)
        try:
            left = reconciling.reconcile(since=start, until=until, at=at, mend=not options["check"])
        except clickhouse.Unavailable as down:
            raise CommandError("ClickHouse does not answer") from down
        except reconciling.Busy as busy:
            raise CommandError("facts are being loaded by another process; try again") from busy
        done = reconciling.newest()
        for name in done.summary["rebuilt"] if done else []:
            self.stdout.write(f"rebuilt {name}")
        for one in left:
            self.stdout.write(
                f"{one.table} {one.business} {one.day}: books {one.books[0]} rows {one.books[1]:.2f}"
                f", facts {one.facts[0]} rows {one.facts[1]:.2f}"
            )
        if left:
            raise CommandError(f"{len(left)} days differ")
        self.stdout.write(f"facts and books agree from {start} on")
