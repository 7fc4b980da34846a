"""Small things the page templates share."""

from decimal import Decimal
from typing import Any

from django import template
from django.apps import apps
from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from apps.businesses.zones import ZONES
from apps.core.ids import new_id, short
from apps.core.money import MINUS, NBSP, format_number
from apps.core.outbox import BATCH
from apps.transactions.words import figures_in_words

register = template.Library()

SPRITE = "vendor/lucide/sprite.svg"


@register.simple_tag
def icon(name: str) -> SafeString:
    """One icon of the sprite. Decorative: a word always stands beside it."""
    return format_html(
        '<svg class="icon" aria-hidden="true" focusable="false"><use href="{}#{}"></use></svg>',
        static(SPRITE),
        name,
    )


@register.simple_tag
def nonce() -> str:
    """A form's own number: sent twice, it is the same act."""
    return str(new_id())


@register.filter
def of(by_key: dict[Any, Any], key: Any) -> Any:
    """What a dictionary holds under a key; None without one."""
    return by_key.get(key)


@register.filter
def percent(hundredths: int) -> str:
    """`7 %`, `7,5 %` from hundredths of a percent, as rates are stored."""
    number = f"{hundredths / 100:.2f}".rstrip("0").rstrip(".").replace(".", ",")
    return f"{number}{NBSP}%"


@register.filter
def signed_percent(change: int) -> str:
    """`+12 %`, `−8 %` with a true minus."""
    return f"{'+' if change > 0 else MINUS}{abs(change)}{NBSP}%"


@register.filter
def plain(amount: Decimal) -> str:
    """`1 234,50`: a sum whose unit stands beside it."""
    return format_number(amount, always_kopecks=False)


@register.filter
def exact(amount: Decimal) -> str:
    """`405,00`: always with kopecks, for columns where figures stand under figures."""
    return format_number(amount)


@register.filter
def least(one: Decimal, other: Decimal) -> Decimal:
    """The smaller of two sums."""
    return min(one, other)


@register.filter
def typed(amount: Decimal) -> str:
    """`1234,50` or `1234`, as a person would type it into a field."""
    return f"{amount:.2f}".removesuffix(".00").replace(".", ",")


@register.filter
def listener(dotted: str) -> str:
    """`loyalty · event_voted` of `apps.loyalty.consumers.event_voted`."""
    parts = dotted.removesuffix(BATCH).split(".")
    return f"{parts[1]} · {parts[-1]}" if len(parts) > 2 else dotted


# Words that services leave as a reason in the audit log.
REASONS = {
    "reached": _("paid enough"),
    "fell_short": _("paid too little for too long"),
    "by_hand": _("set by hand"),
    "invited": _("invited"),
    "erased": _("her data was erased"),
}


@register.filter
def why(reason: str) -> object:
    """A reason of the audit log in words; what a person wrote stays as it is."""
    return REASONS.get(reason, reason)


# Objects of the log that are no records.
KINDS = {"demo": _("demo data"), "audit": _("audit log")}


@register.filter
def object_kind(name: str) -> object:
    """`участница` of `user`: the kind of an object in the audit log, as its model calls itself."""
    plain = name.replace("_", "")
    known = [one for one in apps.get_models() if one._meta.model_name == plain]
    ours = [one for one in known if one.__module__.startswith("apps.")]
    return (ours or known)[0]._meta.verbose_name if known else KINDS.get(name, name)


@register.filter
def zone_name(zone: str) -> object:
    """`Москва, UTC+3` of `Europe/Moscow`."""
    return dict(ZONES).get(zone, zone)


register.filter("end_of_id", short)
register.filter("flag_figures", figures_in_words)
