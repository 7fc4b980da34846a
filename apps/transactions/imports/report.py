"""Refused rows for the person who sent the file: CSV that opens in a Russian spreadsheet."""

import csv
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType

from django.utils.translation import gettext as _

from apps.transactions.imports.reading import FileRefused, reason
from apps.transactions.imports.rows import Fault

# A cell that begins like a formula is run by a spreadsheet; an apostrophe makes it text.
FORMULA = ("=", "+", "-", "@", "\t", "\r")


class Report:
    """Opened before the first write, so that a folder without rights is known in time; removed
    at the end when nothing was refused. Raises FileRefused."""

    def __init__(self, path: Path, *, source: Path) -> None:
        self.path = path
        self.faults = 0
        if path.exists() and path.samefile(source):
            raise FileRefused(_("The report would overwrite the file itself: %(path)s."), path=path)
        try:
            self._file = path.open("w", encoding="utf-8-sig", newline="")
        except OSError as wrong:
            raise FileRefused(
                _("The report cannot be written to %(path)s: %(why)s."),
                path=path,
                why=reason(wrong),
            ) from wrong
        self._rows = csv.writer(self._file, delimiter=";")
        self._rows.writerow([_("line"), _("column"), _("what is wrong"), _("the row as it was")])

    def add(self, faults: Iterable[Fault]) -> None:
        """Write faults down at once: an interrupted import leaves those that it met."""
        for fault in faults:
            self._rows.writerow([fault.line, fault.field, fault.message, _as_text(fault.original)])
            self.faults += 1
        self._file.flush()

    def __enter__(self) -> "Report":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        failure: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()
        if not self.faults:
            self.path.unlink(missing_ok=True)


def _as_text(original: str) -> str:
    return f"'{original}" if original.startswith(FORMULA) else original
