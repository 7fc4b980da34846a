"""A file of purchases as numbered lines, and what it must be before its first row is read.

One line is one row: no column of ours can hold a line break, so a quote left open spoils its own
line and no other. The file is never in memory as a whole.
"""

import codecs
import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from django.utils.translation import gettext_lazy as _

from apps.core.errors import Refused

COLUMNS = ("phone", "occurred_at", "amount", "receipt_number")
LONGEST_LINE = 16 * 1024  # bytes
CHUNK = 1024 * 1024  # bytes
WIDE_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
CYRILLIC = frozenset("абвгдеёжзийклмнопрстуфхцчшщъыьэюя№«»–—…\u00a0")


class FileRefused(Refused):
    """The file as a whole cannot be imported. Nothing was changed."""

    code = "VALIDATION_ERROR"

    def __init__(self, message: Any, **details: Any) -> None:
        super().__init__(**details)
        self.message = message


def reason(wrong: OSError) -> Any:
    """Why the system refused a file, in words."""
    words = {
        FileNotFoundError: _("there is no such folder"),
        PermissionError: _("no rights"),
        IsADirectoryError: _("it is a folder"),
    }
    return words.get(type(wrong), wrong.strerror)


@dataclass(frozen=True)
class Line:
    """A line after the header: its number in the file, its bytes, and where it ends."""

    number: int
    raw: bytes
    end: int
    too_long: bool = False


class PurchaseFile:
    """A file that passed the checks of the whole: place, encoding, delimiter, header.

    `columns` are the names in the order of this file. Raises FileRefused.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            if not path.is_file():
                problem = _("%(path)s is not a file.") if path.exists() else _("No file %(path)s.")
                raise FileRefused(problem, path=path)
            with path.open("rb") as file:
                self.columns = _columns(_first_line(file))
                file.seek(0)
                _check_encoding(file)
                self.size = file.tell()
        except OSError as wrong:
            raise FileRefused(
                _("%(path)s cannot be read: %(why)s."), path=path, why=reason(wrong)
            ) from wrong

    def lines(self) -> Iterator[Line]:
        """Lines after the header, one at a time. An overlong one comes cut off."""
        with self.path.open("rb") as file:
            file.readline()
            number = 1
            while raw := file.readline(LONGEST_LINE):
                number += 1
                too_long = _is_cut(raw)
                if too_long:
                    _skip_rest(file)
                yield Line(number, raw, file.tell(), too_long)


def _is_cut(raw: bytes) -> bool:
    return len(raw) == LONGEST_LINE and not raw.endswith(b"\n")


def _skip_rest(file: BinaryIO) -> None:
    while (rest := file.readline(LONGEST_LINE)) and not rest.endswith(b"\n"):
        pass


# --- encoding ------------------------------------------------------------------------------------
def _first_line(file: BinaryIO) -> bytes:
    raw = file.readline(LONGEST_LINE)
    if raw.startswith(WIDE_MARKS) or b"\0" in raw:
        raise FileRefused(_("The file is in UTF-16. Save it as “CSV UTF-8”."))
    if _is_cut(raw):
        raise FileRefused(_("The first line is too long: this is not a CSV file of purchases."))
    body = raw.removeprefix(codecs.BOM_UTF8)
    if not body.strip() and not file.read(CHUNK).strip():
        raise FileRefused(_("The file is empty."))
    return body


def _check_encoding(file: BinaryIO) -> None:
    """Read the file through once: a wrong letter at its end must be known before the first write."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    before = 1
    try:
        while chunk := file.read(CHUNK):
            decoder.decode(chunk)
            before += chunk.count(b"\n")
        if decoder.getstate()[0]:
            raise FileRefused(_("The file ends in the middle of a letter: it is not whole."))
    except UnicodeDecodeError as wrong:
        line = before + wrong.object[: wrong.start].count(b"\n")
        raise _wrong_encoding(wrong.object, line) from wrong


def _wrong_encoding(sample: bytes, line: int) -> FileRefused:
    if _looks_like_cp1251(sample):
        return FileRefused(
            _(
                "The file is not in UTF-8 (line %(line)s). It looks like Windows-1251 (cp1251): "
                "save it as “CSV UTF-8”."
            ),
            line=line,
        )
    return FileRefused(
        _("The file is not in UTF-8 (line %(line)s). Save it as “CSV UTF-8”."), line=line
    )


def _looks_like_cp1251(sample: bytes) -> bool:
    try:
        text = sample.decode("cp1251")
    except UnicodeDecodeError:
        return False
    foreign = [sign for sign in text.lower() if not sign.isascii()]
    return sum(sign in CYRILLIC for sign in foreign) > 0.9 * len(foreign)


# --- header --------------------------------------------------------------------------------------
def _columns(raw: bytes) -> tuple[str, ...]:
    text = raw.decode("utf-8", errors="replace").rstrip("\r\n")
    _check_shape(text)
    try:
        found = [name.strip() for name in next(csv.reader([text], strict=True), [])]
    except csv.Error:
        found = []
    if sorted(found) == sorted(COLUMNS):
        return tuple(found)
    expected = ",".join(COLUMNS)
    missing = [name for name in COLUMNS if name not in found]
    if len(missing) == len(COLUMNS):
        raise FileRefused(
            _("The first line must name the columns: %(expected)s."), expected=expected
        )
    if missing:
        raise FileRefused(
            _("The header lacks: %(missing)s. Expected: %(expected)s."),
            missing=", ".join(missing),
            expected=expected,
        )
    raise FileRefused(
        _("The header has columns too many: %(extra)s. Expected: %(expected)s."),
        extra=", ".join(_surplus(found)),
        expected=expected,
    )


def _surplus(found: list[str]) -> list[str]:
    rest = list(found)
    for name in COLUMNS:
        rest.remove(name)
    return rest


def _check_shape(text: str) -> None:
    if "\r" in text:
        raise FileRefused(_("Lines end in the old Macintosh way. Save the file as “CSV UTF-8”."))
    if "," not in text and any(name in text for name in COLUMNS):
        for sign, name in ((";", _("semicolons")), ("\t", _("tabs")), ("|", _("bars"))):
            if sign in text:
                raise FileRefused(
                    _("Columns are separated by %(found)s; a comma is expected."), found=name
                )
