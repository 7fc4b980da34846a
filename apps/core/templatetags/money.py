"""How money and bonuses are written in templates: `{{ sum|rub }}`, `{{ sum|bonus }}`."""

from decimal import Decimal

from django import template
from django.utils.translation import ngettext, pgettext

from apps.core.money import NBSP, format_number, format_rub

register = template.Library()


@register.filter
def rub(amount: Decimal | None) -> str:
    """`1 234,50 ₽`; a dash for what is not known, since missing is not zero."""
    return "—" if amount is None else format_rub(Decimal(amount))


@register.filter
def rub_short(amount: Decimal | None) -> str:
    """As `rub`, whole roubles without kopecks: for lists and headings."""
    return "—" if amount is None else format_rub(Decimal(amount), always_kopecks=False)


@register.filter
def bonus(amount: Decimal | None) -> str:
    """`1 234,50 бонуса`: a fraction takes the fourth Russian plural form."""
    if amount is None:
        return "—"
    value = Decimal(amount)
    number = format_number(value, always_kopecks=False)
    if value != value.to_integral_value():
        # Translators: the word after a fractional number, «1,5 бонуса».
        word = pgettext("after a fraction", "bonuses")
    else:
        word = ngettext("bonus", "bonuses", abs(int(value)))
    return f"{number}{NBSP}{word}"
