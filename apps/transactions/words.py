"""What is told of a sale in words, on the control pages and in the admin."""

import re
from decimal import Decimal

from django.utils.translation import gettext_lazy as _

from apps.core.money import format_rub

# What stands in the figures of a suspicion; a name that is missing here is shown as it is.
FIGURES = {
    "amount": _("sum"),
    "pairInWeek": _("this pair in a week"),
    "staffInHour": _("her sales in an hour"),
    "memberInHour": _("the member's sales in an hour"),
    "sameSums": _("same sums"),
    "spent": _("spent"),
    "owed": _("owed"),
    "today": _("today"),
    "hours": _("hours"),
    "limit": _("limit"),
}


def figures_in_words(facts: dict[str, object]) -> str:
    """`сумма 5 670 ₽, эта пара за неделю 1`: counts and sums that raised a suspicion."""
    return ", ".join(f"{FIGURES.get(name, name)} {_figure(value)}" for name, value in facts.items())


def _figure(value: object) -> object:
    """Sums are written as strings with kopecks, counts as numbers."""
    is_sum = isinstance(value, str) and re.fullmatch(r"\d+\.\d\d", value)
    return format_rub(Decimal(str(value)), always_kopecks=False) if is_sum else value
