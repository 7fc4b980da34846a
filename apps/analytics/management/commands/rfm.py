import csv
from datetime import date
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.analytics import rfm_queries
from apps.businesses.models import Business
from apps.core import clickhouse

HEAD = ("member", "recency_days", "frequency", "money", "r", "f", "m", "segment")


class Command(BaseCommand):
    help = "Guests of a partner, or of the network, by recency, frequency and money on a day."

    def add_arguments(self, parser: CommandParser) -> None:
        scope = parser.add_mutually_exclusive_group(required=True)
        scope.add_argument("--business", metavar="SLUG")
        scope.add_argument("--network", action="store_true")
        parser.add_argument("--on", required=True, type=date.fromisoformat, metavar="DATE")
        parser.add_argument("--csv", action="store_true", help="one guest a row; else segments")

    @clickhouse.patient()
    def handle(self, *, business: str | None, on: date, **options: Any) -> None:
        place = Business.objects.filter(slug=business).first() if business else None
        if business and place is None:
            raise CommandError(f"no business {business}")
        try:
            guests = rfm_queries.guests(business=place, day=on)
        except clickhouse.Unavailable as down:
            raise CommandError("ClickHouse does not answer") from down
        if options["csv"]:
            self._rows(guests)
        else:
            self._segments(guests)

    def _rows(self, guests: list[rfm_queries.Guest]) -> None:
        names = dict(rfm_queries.members_by_surrogate())
        out = csv.writer(self.stdout, lineterminator="\n")
        out.writerow(HEAD)
        rows = [
            (names.get(one.member, str(one.member)), one.recency, one.frequency, f"{one.money:.2f}")
            + (one.r, one.f, one.m, one.segment)
            for one in guests
        ]
        out.writerows(sorted(rows))

    def _segments(self, guests: list[rfm_queries.Guest]) -> None:
        counts: dict[str, int] = {}
        for one in guests:
            counts[one.segment] = counts.get(one.segment, 0) + 1
        for segment, count in sorted(counts.items(), key=lambda item: -item[1]):
            self.stdout.write(f"{segment:20} {count}")
        self.stdout.write(f"{'guests':20} {len(guests)}")
