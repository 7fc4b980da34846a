import re
from argparse import ArgumentTypeError
from datetime import date
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.core.errors import Refused
from apps.core.money import format_number, format_rub
from apps.loyalty import rules, services, settlement_queries
from apps.loyalty.settlement_csv import state_words


def month(text: str) -> date:
    if not re.fullmatch(r"20[0-9]{2}-(0[1-9]|1[0-2])", text, re.ASCII):
        raise ArgumentTypeError("YYYY-MM")
    return date(int(text[:4]), int(text[5:]), 1)


class Command(BaseCommand):
    help = (
        "Close a month of mutual settlement: the last whole one unless another is named. A closed "
        "month stays as it is. With --dry-run nothing is written."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("month", type=month, nargs="?", metavar="YYYY-MM")
        parser.add_argument("--dry-run", action="store_true", help="show it and write nothing")

    def handle(self, *, month: date | None, dry_run: bool, **options: Any) -> None:
        at = timezone.now()
        asked = month or rules.month_before(at)
        if not dry_run:
            try:
                services.close_month(month=asked, by=None, at=at)
            except Refused as refusal:
                raise CommandError(str(refusal)) from refusal
        self._show(settlement_queries.matrix_of(asked, at=at))

    def _show(self, matrix: settlement_queries.Matrix) -> None:
        state = _("closed") if matrix.statement else state_words("draft")
        self.stdout.write(f"{matrix.month:%m.%Y} · {state} · {format_rub(matrix.total)}")
        for line in matrix.lines:
            if not line.is_own:
                pair = f"{line.debtor} → {line.creditor} · {line.kind_words}"
                self.stdout.write(f"  {pair:<60}{format_number(line.amount):>16}")
        for net in matrix.nets:
            self.stdout.write(f"  {net.business.name:<60}{format_number(net.net):>16}")
