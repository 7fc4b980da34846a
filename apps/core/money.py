"""Roubles and bonuses: one parser for what people type, one form for what they read.

1 bonus = 1 ₽. In Python money is `Decimal` roubles with two decimals; in the ledger and inside
this module kopecks are integers.
"""

import re
from decimal import ROUND_DOWN, Decimal

from django.utils.translation import gettext_lazy as _

from apps.core.errors import Invalid

KOPECK = Decimal("0.01")
NBSP = "\u00a0"
MINUS = "\u2212"
# Ordinary, no-break and narrow no-break spaces are what people and spreadsheets put between groups.
SPACES = dict.fromkeys(map(ord, " \u00a0\u202f\u2009"), None)
# A cell copied from a spreadsheet brings a tab or a line end along; other invisible signs do not
# belong to a sum, although Python would strip them.
AROUND = " \u00a0\u202f\u2009\t\r\n"
PLAIN = re.compile(r"[0-9]{1,8}(?:[.,][0-9]{1,2})?", re.ASCII)
GROUPED = re.compile(r"[0-9]{1,3}(?:[ \u00a0\u202f\u2009][0-9]{3})*(?:[.,][0-9]{1,2})?", re.ASCII)


class AmountInvalid(Invalid):
    """The text is not an amount of money. Nothing was recorded."""

    field = "amount"
    message = _("Enter a sum such as 1234,50: digits, at most two after the comma.")


class AmountTooLong(AmountInvalid):
    message = _("The sum is too large: at most 8 digits before the comma.")


class AmountNotPositive(AmountInvalid):
    message = _("The sum must be greater than zero.")


def parse_amount(text: str, *, zero_allowed: bool = False) -> Decimal:
    """Roubles from what a person typed: `1234`, `1234,5`, `1 234,50`, `1234.50 ₽`.

    Refuses (`AmountInvalid`) exponents, signs, two separators, more than two decimals, foreign
    digits, a ₽ that is not the last sign, and more than 8 digits before the separator.
    """
    body = text.strip(AROUND).removesuffix("₽").rstrip(AROUND)
    digits = body.translate(SPACES)
    if not (PLAIN.fullmatch(digits) and (body == digits or GROUPED.fullmatch(body))):
        whole = re.match(r"[0-9]*", digits, re.ASCII)
        if whole and len(whole.group()) > 8 and re.fullmatch(r"[0-9]+(?:[.,][0-9]*)?", digits):
            raise AmountTooLong
        raise AmountInvalid
    amount = Decimal(digits.replace(",", ".")).quantize(KOPECK)
    if amount == 0 and not zero_allowed:
        raise AmountNotPositive
    return amount


def to_kopecks(amount: Decimal) -> int:
    """Whole kopecks of an amount that has at most two decimals. Raises ValueError otherwise."""
    kopecks = amount * 100
    if kopecks != kopecks.to_integral_value():
        raise ValueError(f"{amount} has more than two decimals")
    return int(kopecks)


def from_kopecks(kopecks: int) -> Decimal:
    """Roubles with two decimals."""
    return Decimal(kopecks).scaleb(-2).quantize(KOPECK)


def round_down(amount: Decimal) -> Decimal:
    """To the kopeck, downwards: we never promise a kopeck that we did not mean."""
    return amount.quantize(KOPECK, rounding=ROUND_DOWN)


def format_number(amount: Decimal, *, always_kopecks: bool = True) -> str:
    """`1 234,50` with no-break spaces, a true minus; whole sums without kopecks on request."""
    quantized = amount.quantize(KOPECK)
    whole = not always_kopecks and quantized == quantized.to_integral_value()
    text = f"{abs(quantized):,.0f}" if whole else f"{abs(quantized):,.2f}"
    return (MINUS if quantized < 0 else "") + text.replace(",", NBSP).replace(".", ",")


def format_rub(amount: Decimal, *, always_kopecks: bool = True) -> str:
    """`1 234,50 ₽` as design and backoffice pages want it."""
    return f"{format_number(amount, always_kopecks=always_kopecks)}{NBSP}₽"
