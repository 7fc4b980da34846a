"""Chains in plain words: what a coupon gives, what a step does, what the figures of a pair say."""

from decimal import Decimal
from typing import Any

from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from apps.core.money import NBSP, format_number, format_rub
from apps.coupons.enums import Benefit
from apps.crosspromo.enums import Words
from apps.crosspromo.services.index import PairFigures
from apps.crosspromo.winwin import Counters, Uplift


def rub(amount: Decimal) -> str:
    return format_rub(amount, always_kopecks=False)


def benefit_words(
    benefit: str, value: Decimal, *, gift: str = "", max_discount: Decimal | None = None
) -> str:
    """`−15 %, at most 700 ₽`, `−500 ₽`, `+300 bonuses`, `gift: dessert`."""
    if benefit == Benefit.GIFT:
        return _("gift: %(gift)s") % {"gift": gift or "…"}
    if benefit == Benefit.BONUS:
        return _("+%(value)s bonuses") % {"value": format_number(value, always_kopecks=False)}
    if benefit == Benefit.FIXED:
        return f"−{rub(value)}"
    percent = f"−{format_number(value, always_kopecks=False)}{NBSP}%"
    if max_discount is None:
        return percent
    return _("%(percent)s, at most %(most)s") % {"percent": percent, "most": rub(max_discount)}


def trigger_words(
    *, min_amount: Decimal, category: str, every_nth: int | None, first_visit: bool
) -> str:
    """Which purchase sets a step off, to stand behind «after»."""
    if first_visit:
        words = _("the first purchase")
    elif every_nth:
        words = pgettext("after", "every %(n)s-th purchase") % {"n": every_nth}
    else:
        words = _("a purchase")
    if min_amount:
        words = _("%(purchase)s from %(sum)s") % {"purchase": words, "sum": rub(min_amount)}
    if category:
        words = _("%(purchase)s with «%(category)s»") % {"purchase": words, "category": category}
    return words


def pair_words(pair: PairFigures) -> list[str]:
    """What the figures of a pair allow to say, a sentence each."""
    index = pair.index
    if index.words == Words.FEW:
        return [
            _(
                "Too early to tell: 30 guests with a coupon and 30 without are needed in each "
                "direction."
            )
        ]
    verdict = {
        Words.NONE: _("Both together gain nothing so far."),
        Words.LIKELY: _("Both probably gain."),
        Words.PROVEN: _("Both gain, and it is no chance."),
    }[Words(index.words)]
    value = number_format(round(index.value), decimal_pos=0)
    told = [_("%(verdict)s Index %(value)s of 100.") % {"verdict": verdict, "value": value}]
    ways = [(pair.a, pair.b, pair.ab, index.ab), (pair.b, pair.a, pair.ba, index.ba)]
    return told + [_way(*way) for way in ways if way[2].exposed]


def _way(sender: Any, receiver: Any, seen: Counters, up: Uplift) -> str:
    low, high = (number_format(100 * one, decimal_pos=1) for one in (up.low, up.high))
    return ngettext(
        "%(count)s guest of %(sender)s got a coupon for %(receiver)s: of 100 such guests "
        "%(low)s to %(high)s more came than without.",
        "%(count)s guests of %(sender)s got a coupon for %(receiver)s: of 100 such guests "
        "%(low)s to %(high)s more came than without.",
        seen.exposed,
    ) % {
        "count": seen.exposed,
        "sender": sender.name,
        "receiver": receiver.name,
        "low": low,
        "high": high,
    }
