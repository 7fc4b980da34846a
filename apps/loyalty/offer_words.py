"""What an offer does, in plain words: one sentence built from its terms, and what an edit changed.

Terms are fields of OfferVersion, as a mapping; what is missing in a draft is left out.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django.utils.formats import date_format
from django.utils.text import get_text_list
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, pgettext

from apps.accounts.enums import TierCode
from apps.core.money import NBSP, format_number, format_rub
from apps.loyalty.enums import OfferKind
from apps.loyalty.models import OfferVersion

WORKDAYS, WEEKEND = {1, 2, 3, 4, 5}, {6, 7}
ON_DAYS = [
    gettext_lazy("on Mondays"),
    gettext_lazy("on Tuesdays"),
    gettext_lazy("on Wednesdays"),
    gettext_lazy("on Thursdays"),
    gettext_lazy("on Fridays"),
    gettext_lazy("on Saturdays"),
    gettext_lazy("on Sundays"),
]
Given = Mapping[str, Any]


def sentence(terms: Given, *, zone: str, at: datetime) -> str:
    """The offer in one sentence; days by the clock of the business (`zone`)."""
    core = " ".join(one for one in (_whom(terms), _what(terms), *_which_bills(terms)) if one)
    return f"{', '.join([core, *_limits(terms), *_dates(terms, zone=zone, at=at)])}."


def _whom(terms: Given) -> str:
    tiers = dict(TierCode.choices)
    named = [str(tiers.get(code, code)) for code in terms.get("tiers") or ()]
    whom = get_text_list(named, _("and")) if named else _("All guests")
    if terms.get("segment"):
        whom = _("%(whom)s from the list «%(list)s»") % {"whom": whom, "list": terms["segment"]}
    away = terms.get("away_days")
    if away:
        words = ngettext(
            "%(whom)s who have not been for %(days)d day or longer",
            "%(whom)s who have not been for %(days)d days or longer",
            away,
        )
        whom = words % {"whom": whom, "days": away}
    return whom


def number_of(value: Decimal) -> str:
    return f"{value.normalize():f}".replace(".", ",")


def _what(terms: Given) -> str:
    value = terms.get("value")
    if not value:
        return _("will get bonuses")
    if terms.get("kind") == OfferKind.MULTIPLIER:
        return _("will get their cashback × %(value)s") % {"value": number_of(value)}
    if terms.get("kind") == OfferKind.PERCENT:
        return _("will get %(value)s %% of the bill in bonuses") % {"value": number_of(value)}
    return _("will get %(bonuses)s") % {"bonuses": bonuses(value)}


def bonuses(value: Decimal) -> str:
    """`300 бонусов`, `1,5 бонуса`."""
    number = format_number(value, always_kopecks=False)
    if value != value.to_integral_value():
        return f"{number}{NBSP}{pgettext('after a fraction', 'bonuses')}"
    return f"{number}{NBSP}{ngettext('bonus', 'bonuses', int(value))}"


def _which_bills(terms: Given) -> list[str]:
    least, nth = terms.get("min_amount"), terms.get("every_nth")
    around = terms.get("birthday_days")
    said = [
        _("for the first purchase") if terms.get("first_purchase") else "",
        _("for every %(n)d-th purchase") % {"n": nth} if nth else "",
        _("from a bill of %(sum)s") % {"sum": format_rub(least, always_kopecks=False)}
        if least
        else "",
        _on_days(set(terms.get("weekdays") or ())),
        _in_hours(terms.get("hour_from"), terms.get("hour_to")),
        "" if around is None else _around_birthday(around),
    ]
    return [one for one in said if one]


def _around_birthday(days: int) -> str:
    if not days:
        return _("on the birthday")
    words = ngettext(
        "within %(days)d day of the birthday", "within %(days)d days of the birthday", days
    )
    return words % {"days": days}


def _on_days(days: set[int]) -> str:
    if not days or days == WORKDAYS | WEEKEND:
        return ""
    if days == WORKDAYS:
        return _("on working days")
    if days == WEEKEND:
        return _("at weekends")
    return get_text_list([str(ON_DAYS[day - 1]) for day in sorted(days)], _("and"))


def _in_hours(since: int | None, until: int | None) -> str:
    if since is None or until is None:
        return ""
    if since == 0:
        return _("until %(hour)d:00") % {"hour": until}
    if until == 24:
        return _("from %(hour)d:00 on") % {"hour": since}
    return _("from %(since)d:00 to %(until)d:00") % {"since": since, "until": until}


def _limits(terms: Given) -> list[str]:
    said = [
        (terms.get("cap_member"), _("at most %(sum)s to one guest")),
        (terms.get("cap_day"), _("at most %(sum)s a day to all")),
        (terms.get("budget"), _("at most %(sum)s altogether")),
    ]
    return [words % {"sum": bonuses(most)} for most, words in said if most]


def _dates(terms: Given, *, zone: str, at: datetime) -> list[str]:
    starts, ends = terms.get("starts_at"), terms.get("ends_at")
    said = []
    if starts and starts > at:
        said.append(_("from %(day)s") % {"day": _day(starts, zone)})
    if ends:
        said.append(_("until %(day)s") % {"day": _day(last_day_moment(ends), zone)})
    return [" ".join(said)] if said else []


def last_day_moment(ends: datetime) -> datetime:
    """A moment of the last day: the end itself is the midnight after it."""
    return ends - timedelta(microseconds=1)


def _day(moment: datetime, zone: str) -> str:
    return str(date_format(moment.astimezone(ZoneInfo(zone)), "j E Y"))


# --- what an edit changed ------------------------------------------------------------------------
LABELS = {
    "tiers": gettext_lazy("for which tiers"),
    "categories": gettext_lazy("categories of lines"),
    "weekdays": gettext_lazy("days of the week"),
}
SHOWN = [
    "name",
    "kind",
    "value",
    "tiers",
    "segment",
    "away_days",
    "first_purchase",
    "birthday_days",
    "min_amount",
    "every_nth",
    "categories",
    "weekdays",
    "hour_from",
    "hour_to",
    "starts_at",
    "ends_at",
    "cap_member",
    "cap_day",
    "budget",
    "exclusive_group",
    "priority",
]


def changes_between(
    before: OfferVersion, after: OfferVersion, *, zone: str
) -> list[tuple[str, str, str]]:
    """(field, what it was, what it is) of every field that differs, in words."""
    found = []
    for name in SHOWN:
        was, now = getattr(before, name), getattr(after, name)
        if was != now:
            label = str(LABELS.get(name) or getattr(OfferVersion, name).field.verbose_name)
            found.append((label, _shown(name, was, zone), _shown(name, now, zone)))
    return found


def _shown(name: str, value: Any, zone: str) -> str:
    if value in (None, "", []):
        return "—"
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, datetime):
        return _day(last_day_moment(value) if name == "ends_at" else value, zone)
    if name == "weekdays":
        return _on_days(set(value)) or "—"
    if name == "tiers":
        tiers = dict(TierCode.choices)
        return ", ".join(str(tiers.get(code, code)) for code in value)
    if name == "kind":
        return str(OfferKind(value).label)
    if isinstance(value, Decimal):
        return number_of(value) if name == "value" else format_number(value, always_kopecks=False)
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
