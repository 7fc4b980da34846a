import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext as _

from apps.analytics.queries import freshness
from apps.businesses.queries import partners
from apps.core.clickhouse import Unavailable
from apps.core.errors import Refused
from apps.core.money import format_number
from apps.core.progress import Progress
from apps.transactions.imports.comparing import Comparison, compare_file
from apps.transactions.imports.reading import PurchaseFile


class Command(BaseCommand):
    help = (
        "Compare a CSV file of purchases with what was booked from it: sales, ledger, ClickHouse. "
        "Exit code 1 when they differ by a row or a kopeck."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--business", required=True, metavar="SLUG")

    def handle(self, *, file: Path, business: str, **options: Any) -> None:
        partner = partners().filter(slug=business).first()
        if partner is None:
            raise CommandError(_("There is no business “%(slug)s”.") % {"slug": business})
        try:
            source = PurchaseFile(file)
            with Progress(source.size, sys.stderr) as progress:
                result = compare_file(file=source, business=partner, progress=progress)
        except Unavailable as down:
            raise CommandError(_("ClickHouse does not answer.")) from down
        except Refused as refusal:
            raise CommandError(str(refusal)) from refusal
        self._show(result)
        if not result.agrees:
            raise CommandError(self._difference(result))
        self.stdout.write(_("They agree to the kopeck."))

    def _show(self, result: Comparison) -> None:
        for name, sums in (
            (_("file"), result.file),
            (_("sales (PostgreSQL)"), result.sales),
            (_("ledger"), result.ledger),
            (_("ClickHouse"), result.facts),
        ):
            self.stdout.write(f"{name:<22}{sums.count:>10}{format_number(sums.total):>20}")
        if result.repeated:
            self.stdout.write(_("Repeated rows, counted once: %(n)s") % {"n": result.repeated})
        if result.spoiled:
            self.stdout.write(_("Rows that cannot be read: %(n)s") % {"n": result.spoiled})

    def _difference(self, result: Comparison) -> str:
        words = [_("They differ.")]
        if result.differing:
            lines = ", ".join(map(str, result.differing))
            words.append(_("Not booked as in the file, first lines: %(lines)s.") % {"lines": lines})
        waiting = freshness().waiting
        if waiting:
            words.append(_("Facts still on the way to ClickHouse: %(n)s.") % {"n": waiting})
        return " ".join(words)
