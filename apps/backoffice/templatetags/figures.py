"""Numbers of figures as people read them, by kind of column."""

from datetime import date
from decimal import Decimal
from typing import Any

from django import template
from django.utils.formats import date_format

from apps.core.money import MINUS, NBSP, format_number, format_rub
from apps.loyalty.enums import Kind

register = template.Library()


@register.filter
def shown(value: Any, kind: str) -> str:
    """A dash for what is not known: missing is not zero."""
    if value is None or value == "":
        return "—"
    if isinstance(value, str):
        return value
    if kind == "rub":
        return format_rub(Decimal(value), always_kopecks=False)
    if kind == "bonus":
        return format_number(Decimal(value), always_kopecks=False)
    if kind == "percent":
        return (
            f"{Decimal(str(value)).normalize():f}".replace(".", ",").replace("-", MINUS)
            + f"{NBSP}%"
        )
    if isinstance(value, date):
        return date_format(value, "F Y").lower() if kind == "month" else date_format(value, "j E Y")
    if kind == "number":
        return f"{value:,}".replace(",", NBSP).replace("-", MINUS)
    return str(value)


@register.filter
def change(value: int) -> str:
    """`+12 %`, `−8 %` with a true minus."""
    return f"{'+' if value > 0 else MINUS if value < 0 else ''}{abs(value)}{NBSP}%"


@register.simple_tag(takes_context=True)
def querystring_without(context: template.Context, *names: str) -> str:
    """The address's own query without these names, ready for one more: `days=30&`."""
    query = context["request"].GET.copy()
    for name in (*names, "format"):
        query.pop(name, None)
    kept = query.urlencode()
    return f"{kept}&" if kept else ""


@register.simple_tag
def kind_words(kind: str) -> str:
    """What a line of the ledger was, in words."""
    return str(Kind(kind).label)
