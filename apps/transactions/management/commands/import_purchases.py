import sys
import time
from argparse import ArgumentTypeError
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import InterfaceError, OperationalError
from django.utils.translation import gettext as _

from apps.analytics import loader
from apps.analytics.queries import freshness
from apps.businesses.models import Business, State
from apps.businesses.queries import partners
from apps.core.bulk import unlogged
from apps.core.clickhouse import Unavailable
from apps.core.errors import Refused
from apps.core.money import format_rub
from apps.core.progress import Progress
from apps.transactions.imports.reading import PurchaseFile
from apps.transactions.imports.report import Report
from apps.transactions.imports.running import BATCH, Tally, import_file

SOME_REFUSED = 2  # exit code
INTERRUPTED = 130
LOAD_WAIT = 30  # seconds for another loader to finish


def batch_size(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 5000:
        raise ArgumentTypeError("1 to 5000")
    return int(text)


class Command(BaseCommand):
    help = (
        "Import purchases from a CSV file with the columns phone,occurred_at,amount,receipt_number. "
        "Running it again adds nothing; an interrupted import goes on. "
        "Exit code: 0 all rows are in, 1 the file was refused as a whole, 2 some rows were refused."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--business", required=True, metavar="SLUG")
        parser.add_argument(
            "--report", type=Path, metavar="FILE", help="refused rows (FILE.errors.csv)"
        )
        parser.add_argument(
            "--batch", type=batch_size, default=BATCH, metavar="N", help="rows per transaction"
        )
        parser.add_argument(
            "--no-load", action="store_true", help="leave ClickHouse to the worker's next round"
        )

    def handle(
        self,
        *,
        file: Path,
        business: str,
        report: Path | None,
        batch: int,
        no_load: bool,
        **options: Any,
    ) -> None:
        tally = Tally()
        path = report or file.parent / f"{file.name}.errors.csv"
        try:
            self._import(file, self._partner(business), path, batch, tally)
        except Refused as refusal:
            raise CommandError(str(refusal)) from refusal
        except (OperationalError, InterfaceError, KeyboardInterrupt) as stop:
            self._say(tally)
            raise self._stopped(stop) from stop
        self._say(tally)
        if not no_load:
            self._load()
        if tally.refused:
            raise CommandError(
                _("Some rows were refused; the report says why: %(path)s") % {"path": path},
                returncode=SOME_REFUSED,
            )

    def _import(
        self, path: Path, business: Business, report_path: Path, size: int, tally: Tally
    ) -> None:
        file = PurchaseFile(path)
        with (
            unlogged(),
            Report(report_path, source=path) as report,
            Progress(file.size, sys.stderr) as progress,
        ):
            import_file(
                file=file,
                business=business,
                report=report,
                tally=tally,
                progress=progress,
                size=size,
            )

    def _partner(self, slug: str) -> Business:
        partner = partners().filter(slug=slug).first()
        if partner is None:
            known = ", ".join(partners().order_by("slug").values_list("slug", flat=True)[:20])
            raise CommandError(
                _("There is no business “%(slug)s”. There are: %(known)s.")
                % {"slug": slug, "known": known or "—"}
            )
        if partner.state != State.ACTIVE:
            raise CommandError(
                _("%(business)s does not take sales now.") % {"business": partner.name}
            )
        return partner

    def _stopped(self, stop: BaseException) -> CommandError:
        again = _("Run the same command again: it goes on from here.")
        if isinstance(stop, KeyboardInterrupt):
            return CommandError(_("Interrupted.") + " " + again, returncode=INTERRUPTED)
        return CommandError(_("The database does not answer.") + " " + again)

    def _say(self, tally: Tally) -> None:
        line = _(
            "Rows read: %(read)s. Sales added: %(added)s for %(total)s. "
            "Already there: %(known)s. Refused: %(refused)s."
        )
        numbers = vars(tally) | {"total": format_rub(tally.total)}
        self.stdout.write(line % numbers)

    def _load(self) -> None:
        loaded = 0
        try:
            for _second in range(LOAD_WAIT):
                loaded += loader.load_waiting()
                if not freshness().waiting:  # the worker's loader may have been at it
                    break
                time.sleep(1)
        except Unavailable:
            self.stdout.write(
                _("ClickHouse does not answer: the sales will get there with the next round.")
            )
        else:
            self.stdout.write(_("Facts loaded to ClickHouse: %(count)s.") % {"count": loaded})
