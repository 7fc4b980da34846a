"""A line becomes a purchase with a natural key, or faults in words. Nothing is written here."""

import csv
import hashlib
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django.utils.translation import gettext_lazy as _

from apps.accounts.rules import normalize_phone
from apps.accounts.services import PhoneInvalid
from apps.core.errors import Refused
from apps.core.money import parse_amount
from apps.core.sealing import blind_indexes, lasting_index
from apps.transactions import rules
from apps.transactions.imports.reading import COLUMNS, Line
from apps.transactions.services import AmountOverLimit, MomentInvalid

LONGEST_RECEIPT = 60
SHOWN = 300  # signs of an original line in a report
MOMENT = re.compile(
    r"[0-9]{4}-?[0-9]{2}-?[0-9]{2}(?:[T ][0-9:]+(?:[.,][0-9]+)?(?:Z|[+-][0-9:]+)?)?", re.ASCII
)
# A Russian mobile number in any usual form, wherever it stands in a spoiled line.
PHONE = re.compile(
    r"(?<!\d)(?:\+?7|8)?[\s(\-.]*9\d{2}[\s)\-.]*\d{3}[\s\-.]*\d{2}[\s\-.]*\d{2}(?!\d)"
)


@dataclass(frozen=True)
class Fault:
    """Why a row is refused: the column (empty: the whole row) and a sentence."""

    line: int
    field: str
    message: str
    original: str


@dataclass(frozen=True)
class Purchase:
    """A row that can be recorded; `original` is its line with the phone masked.

    `phone_indexes` begin with today's, the one before follows while the index key is rotated.
    `keys` begin with the one that a new sale gets; others are those that sales got before.
    """

    line: int
    phone: str
    phone_indexes: tuple[str, ...]
    occurred_at: datetime
    amount: Decimal
    receipt_number: str
    keys: tuple[str, ...]
    original: str

    @property
    def key(self) -> str:
        return self.keys[0]


class RowReader:
    """Reads the lines of one file for one business. Remembers which equal row this is."""

    def __init__(
        self, *, columns: tuple[str, ...], zone: str, limit: Decimal, now: datetime
    ) -> None:
        self.columns = columns
        self.zone = ZoneInfo(zone)
        self.limit = limit
        self.now = now
        self._equal: dict[bytes, int] = {}

    def read(self, line: Line) -> Purchase | list[Fault] | None:
        """A purchase, its faults, or None for an empty line."""
        try:
            # An overlong line comes cut off, maybe in the middle of a letter.
            spoilt = "replace" if line.too_long else "strict"
            text = line.raw.decode("utf-8", errors=spoilt).rstrip("\r\n")
            fields = self._split(text, too_long=line.too_long)
        except _Broken as broken:
            return [Fault(line.number, "", str(broken), _hidden(text))]
        except UnicodeDecodeError:
            text = line.raw.decode("utf-8", errors="backslashreplace")
            return [Fault(line.number, "", str(_("The line is not in UTF-8.")), _hidden(text))]
        if fields is None:
            return None
        return self._purchase(line.number, fields, original=_shown(text, fields["phone"]))

    def _split(self, text: str, *, too_long: bool) -> dict[str, str] | None:
        if too_long:
            raise _Broken(_("The line is too long."))
        if "\0" in text:
            raise _Broken(_("The line contains zero bytes."))
        if not text.strip():
            return None
        try:
            values = next(csv.reader([text], strict=True))
        except csv.Error as wrong:
            problem = (
                _("A quote is opened and not closed on this line.")
                if text.count('"') % 2
                else _("The quotes on this line are not in pairs around a value.")
            )
            raise _Broken(problem) from wrong
        if len(values) != len(COLUMNS):
            raise _Broken(_wrong_count(len(values)))
        return dict(zip(self.columns, (value.strip() for value in values), strict=True))

    def _purchase(
        self, number: int, fields: dict[str, str], *, original: str
    ) -> Purchase | list[Fault]:
        found: dict[str, Any] = {}
        faults = []
        for name, read in (
            ("phone", _phone),
            ("occurred_at", self._moment),
            ("amount", self._amount),
            ("receipt_number", _receipt),
        ):
            try:
                found[name] = read(fields[name])
            except (Refused, _Broken) as wrong:
                faults.append(Fault(number, name, str(wrong), original))
        if faults:
            return faults
        indexes = tuple(blind_indexes(found["phone"], purpose="phone"))
        return Purchase(
            line=number,
            phone_indexes=indexes,
            keys=self._keys(indexes, found),
            original=original,
            **found,
        )

    def _moment(self, text: str) -> datetime:
        if not MOMENT.fullmatch(text):
            raise _Broken(_("Write the date as 2026-05-31 or 2026-05-31T14:30."))
        try:
            moment = datetime.fromisoformat(text)
            if moment.tzinfo is None:
                moment = moment.replace(tzinfo=self.zone)
            moment = moment.astimezone(UTC)
        except (ValueError, OverflowError):
            raise _Broken(_("There is no such date or time.")) from None
        if not rules.is_believable_moment(moment, now=self.now):
            raise MomentInvalid
        return moment

    def _amount(self, text: str) -> Decimal:
        if text.startswith(("-", "\u2212")):
            raise _Broken(_("The sum is negative: returns are not imported."))
        amount = parse_amount(text, zero_allowed=True)
        if amount > self.limit:
            raise AmountOverLimit(limit=f"{self.limit:.0f}")
        return amount

    def _keys(self, indexes: tuple[str, ...], found: dict[str, Any]) -> tuple[str, ...]:
        """What makes the row itself: its receipt, or everything else and which such row it is."""
        if found["receipt_number"]:
            return (f"import:{found['receipt_number']}",)
        # The first does not change with the index key; rows of before were keyed by that one.
        lasting = lasting_index(found["phone"], purpose="import.row")
        digests = [
            _digest(index, found["occurred_at"], found["amount"]) for index in (lasting, *indexes)
        ]
        nth = self._equal.get(digests[0], 0) + 1
        self._equal[digests[0]] = nth
        return tuple(f"import-row:{digest.hex()}:{nth}" for digest in digests)


def _digest(index: str, occurred_at: datetime, amount: Decimal) -> bytes:
    body = f"{index}|{occurred_at.isoformat()}|{amount:.2f}"
    return hashlib.sha256(body.encode()).digest()[:16]


class _Broken(Exception):
    def __str__(self) -> str:
        return str(self.args[0])


def _wrong_count(found: int) -> str:
    problem = (
        _("Too many columns: %(found)s instead of %(expected)s. A sum with a comma needs quotes.")
        if found > len(COLUMNS)
        else _("Too few columns: %(found)s instead of %(expected)s.")
    )
    return str(problem) % {"found": found, "expected": len(COLUMNS)}


def _phone(text: str) -> str:
    phone = normalize_phone(text)
    if phone is None:
        raise PhoneInvalid
    return phone


def _receipt(text: str) -> str:
    if len(text) > LONGEST_RECEIPT:
        problem = str(_("The receipt number is longer than %(limit)s signs."))
        raise _Broken(problem % {"limit": LONGEST_RECEIPT})
    if any(ord(sign) < 32 or ord(sign) == 127 for sign in text):
        raise _Broken(_("The receipt number contains signs that cannot be printed."))
    return text


# --- what a report may show ----------------------------------------------------------------------
def _hide_digits(text: str) -> str:
    """The first four digits and the last two stay; a short number stays as it is."""
    places = [n for n, sign in enumerate(text) if sign.isdigit()]
    if len(places) < 7:
        return text
    hidden = set(places[4:-2])
    return "".join("·" if n in hidden else sign for n, sign in enumerate(text))


def _hidden(text: str) -> str:
    return PHONE.sub(lambda found: _hide_digits(found.group()), text)[:SHOWN].replace("\0", "␀")


def _shown(text: str, phone: str) -> str:
    """The line with its phone masked; only the phone, when it can be told apart."""
    if phone and phone in text:
        return text.replace(phone, _hide_digits(phone))[:SHOWN]
    return _hidden(text)
