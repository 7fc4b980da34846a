"""What was typed or scanned into the one input: a card, a phone, a hold, a receipt, a name."""

import re
from dataclasses import dataclass
from enum import Enum

from apps.accounts import rules as people
from apps.transactions import rules as sales

# The keys of the Russian layout by their place, for old cards with letters and for codes that a
# scanner typed while it was on. Upper case and Caps Lock come out right by themselves.
RUSSIAN = "йцукенгшщзхъфывапролджэячсмитьбю.ё"
LATIN = "qwertyuiop[]asdfghjkl;'zxcvbnm,./`"
TO_RUSSIAN = str.maketrans(LATIN + LATIN.upper(), RUSSIAN + RUSSIAN.upper())
TO_LATIN = str.maketrans(RUSSIAN + RUSSIAN.upper(), LATIN + LATIN.upper())
# Digits with Shift held: Caps on some scanners.
SHIFTED = str.maketrans('!"№;%:?*()', "1234567890")
SHIFTED_LATIN = str.maketrans("!@#$%^&*()", "1234567890")
SPACES = dict.fromkeys(map(ord, " \u00a0\u202f\u2009-"), None)
NAME = re.compile(r"([^\W\d_]+(?:-[^\W\d_]+)?)?\s*([0-9]{4})")


class Kind(Enum):
    CARD = "card"
    TOKEN = "token"  # noqa: S105 - a kind of text
    PHONE = "phone"
    HOLD = "hold"
    SALE = "sale"
    NAME = "name"


@dataclass(frozen=True)
class Read:
    """`text` is cleaned: digits of a code, E.164, the end of a sale's id. `name` may be empty."""

    kind: Kind
    text: str
    name: str = ""


def digits_of(text: str) -> str:
    """The digits of a scan whatever layout was on; empty when it is not made of digits."""
    plain = text.translate(SPACES)
    for table in ({}, SHIFTED, SHIFTED_LATIN):
        digits = plain.translate(table)
        if re.fullmatch(r"[0-9]+", digits, re.ASCII):
            return digits
    return ""


def repaired(text: str) -> str:
    """Latin letters from what the Russian layout made of them."""
    return text.translate(TO_LATIN)


def to_russian(text: str) -> str:
    """Russian letters from what the Latin layout made of them."""
    return text.translate(TO_RUSSIAN)


def read(text: str) -> Read | None:
    """What a text means at the till; None when it is nothing that we know."""
    phone = people.normalize_phone(text)
    digits = digits_of(text)
    if people.is_card_token(digits):
        return Read(Kind.TOKEN, digits)
    if people.is_card_number(digits):
        return Read(Kind.CARD, digits)
    if phone:
        return Read(Kind.PHONE, phone)
    if len(digits) == sales.CODE_DIGITS + 1 and (end := sales.end_of_id(digits)):
        return Read(Kind.SALE, end)
    if len(digits) == 6:
        return Read(Kind.HOLD, digits)
    named = NAME.fullmatch(text.strip())
    if named and named[2].isascii():
        return Read(Kind.NAME, named[2], named[1] or "")
    return None


def is_mistyped_card(text: str) -> bool:
    """As long as a card, but its digits do not fit together."""
    return len(digits_of(text)) in (people.CARD_DIGITS, people.CARD_TOKEN_DIGITS)
