"""Four steps of questions. A draft keeps what was typed, these say what it means."""

from collections.abc import Mapping
from datetime import datetime, time, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.utils.translation import gettext_lazy as _

from apps.accounts.enums import TierCode
from apps.backoffice.pages.owner.fields import MUST, WEEKDAYS, DayField, SumField, WholeField, bound
from apps.businesses.models import Business
from apps.loyalty import offer_rules
from apps.loyalty.enums import OfferKind
from apps.loyalty.models import OfferVersion
from apps.loyalty.offer_words import last_day_moment, number_of

GOALS = [
    ("return", _("Bring back those who stay away")),
    ("bill", _("Raise the bill")),
    ("hours", _("Fill quiet hours")),
    ("meet", _("Win new guests")),
    ("own", _("My own idea")),
]
# What a goal suggests; what she typed already stays.
PRESETS: dict[str, dict[str, Any]] = {
    "return": {"away_days": "45", "kind": "fixed", "value": "300", "cap_member": "300"},
    "bill": {"kind": "percent", "value": "5", "min_amount": "3000"},
    "hours": {
        "kind": "multiplier",
        "value": "2",
        "weekdays": ["1", "2", "3", "4", "5"],
        "hour_from": "10",
        "hour_to": "15",
    },
    "meet": {"first_purchase": "on", "kind": "fixed", "value": "300", "min_amount": "1000"},
    "own": {"kind": "percent", "value": "5"},
}
HOURS_FROM = [("", "—"), *((str(hour), f"{hour}:00") for hour in range(24))]
HOURS_TO = [("", "—"), *((str(hour), f"{hour}:00") for hour in range(1, 25))]


class GoalForm(forms.Form):
    goal = forms.ChoiceField(
        label=_("What should it do"), choices=GOALS, widget=forms.RadioSelect, error_messages=MUST
    )
    name = forms.CharField(
        label=_("Name"),
        max_length=80,
        error_messages=MUST,
        help_text=_("Guests see it in the app, for example «Утро в будни»."),
    )


class WhoForm(forms.Form):
    tiers = forms.MultipleChoiceField(
        label=_("Statuses"),
        choices=TierCode.choices,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("None chosen: everybody."),
    )
    away_days = WholeField(
        label=_("Have not been for, days"),
        required=False,
        help_text=_("Only those who bought before, but not within so many days: 7 to 730."),
    )
    birthday_days = WholeField(
        label=_("Days before and after the birthday"),
        required=False,
        help_text=_("Once a year. 0 is the day itself, at most 14."),
    )
    segment = forms.ChoiceField(
        label=_("List of guests"),
        required=False,
        help_text=_("Lists are made by the administrator."),
    )
    first_purchase = forms.BooleanField(label=_("Only for the first purchase"), required=False)

    def __init__(self, *args: Any, segments: list[str] | None = None, **given: Any) -> None:
        super().__init__(*args, **given)
        known = segments or []
        self.fields["segment"].choices = [("", _("any guest")), *((one, one) for one in known)]
        if not known:
            self.fields["segment"].widget = forms.HiddenInput()

    def clean(self) -> dict[str, Any]:
        said = super().clean() or {}
        if said.get("first_purchase") and said.get("away_days"):
            self.add_error("away_days", _("Nobody is new and away for long at once. Choose one."))
        return said


class WhatForm(forms.Form):
    kind = forms.ChoiceField(
        label=_("What the guest gets"),
        choices=OfferKind.choices,
        widget=forms.RadioSelect,
        error_messages=MUST,
    )
    value = SumField(
        label=_("How much"), help_text=_("Times, percent of the bill, or bonuses for a purchase.")
    )
    min_amount = SumField(label=_("Bill from, ₽"), required=False, zero_allowed=True)
    every_nth = WholeField(
        label=_("Every n-th purchase"), required=False, help_text=_("5 is every fifth one.")
    )
    cap_member = SumField(
        label=_("At most to one guest, bonuses"),
        required=False,
        help_text=_("For the whole time of the offer."),
    )


class WhenForm(forms.Form):
    starts = DayField(label=_("First day"))
    ends = DayField(label=_("Last day"))
    weekdays = forms.MultipleChoiceField(
        label=_("Days of the week"),
        choices=WEEKDAYS,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("None chosen: every day."),
    )
    hour_from = forms.ChoiceField(label=_("Hours from"), choices=HOURS_FROM, required=False)
    hour_to = forms.ChoiceField(label=_("Hours until"), choices=HOURS_TO, required=False)
    budget = SumField(
        label=_("Budget, bonuses"),
        required=False,
        help_text=_("When it is used up the offer stops by itself. 1 bonus costs you 1 ₽."),
    )
    cap_day = SumField(label=_("At most a day, bonuses"), required=False)
    exclusive_group = forms.CharField(
        label=_("Group of which only one applies"), max_length=40, required=False
    )
    priority = WholeField(label=_("Priority"), required=False, min_value=1, max_value=1_000_000)


STEPS: list[tuple[str, Any, type[forms.Form] | None]] = [
    ("goal", _("Goal"), GoalForm),
    ("who", _("For whom"), WhoForm),
    ("what", _("What"), WhatForm),
    ("when", _("When and how much"), WhenForm),
    ("check", _("Last look"), None),
]
NAMES = [name for name, _label, _form in STEPS]
FORMS = {name: form for name, _label, form in STEPS if form}
STEP_OF = {field: name for name, form in FORMS.items() for field in form.base_fields}
# Faults of the rules, by the field where they are typed.
TYPED_IN = {"starts_at": "starts", "ends_at": "ends"}


def filled(name: str, data: Mapping[str, Any], *, segments: list[str]) -> forms.Form:
    """A step's form with what the draft holds."""
    given = {"segments": segments} if name == "who" else {}
    return bound(FORMS[name], data, **given)


def faults_of(
    data: Mapping[str, Any], *, business: Business, segments: list[str]
) -> dict[str, list[str]]:
    """Field → messages, of all steps; empty when the draft makes an offer."""
    found: dict[str, list[str]] = {}
    for name in FORMS:
        form = filled(name, data, segments=segments)
        for field, errors in form.errors.items():
            found[field] = [str(error) for error in errors]
    terms = terms_of(data, business=business, segments=segments)
    if all(terms.get(name) for name in ("name", "kind", "value", "starts_at", "ends_at")):
        for field, words in offer_rules.faults(terms).items():
            found.setdefault(TYPED_IN.get(field, field), [str(words)])
    return found


def terms_of(data: Mapping[str, Any], *, business: Business, segments: list[str]) -> dict[str, Any]:
    """Terms of the offer from a draft, as far as it goes: a field that is wrong is left out."""
    said: dict[str, Any] = {}
    for name in FORMS:
        form = filled(name, data, segments=segments)
        form.is_valid()
        said |= form.cleaned_data
    terms = {name: said.get(name) for name in PLAIN if name in said}
    terms["min_amount"] = said.get("min_amount") or Decimal(0)
    terms["tiers"] = said.get("tiers") or []
    terms["weekdays"] = [int(day) for day in said.get("weekdays") or []]
    for name in ("hour_from", "hour_to"):
        terms[name] = int(said[name]) if said.get(name) else None
    zone = ZoneInfo(business.zone)
    if said.get("starts"):
        terms["starts_at"] = datetime.combine(said["starts"], time(), tzinfo=zone)
    if said.get("ends"):
        terms["ends_at"] = datetime.combine(said["ends"] + timedelta(days=1), time(), tzinfo=zone)
    if said.get("priority"):
        terms["priority"] = said["priority"]
    return terms


PLAIN = (
    "name",
    "kind",
    "value",
    "segment",
    "away_days",
    "birthday_days",
    "first_purchase",
    "every_nth",
    "cap_member",
    "cap_day",
    "budget",
    "exclusive_group",
)


def data_of(version: OfferVersion, *, zone: str) -> dict[str, Any]:
    """A draft that says what a version says."""
    local = ZoneInfo(zone)
    sums = ("min_amount", "cap_member", "cap_day", "budget", "value")
    data: dict[str, Any] = {
        name: number_of(getattr(version, name)) if getattr(version, name) else "" for name in sums
    }
    for name in ("away_days", "birthday_days", "every_nth", "hour_from", "hour_to", "priority"):
        value = getattr(version, name)
        data[name] = "" if value is None else str(value)
    return data | {
        "goal": "own",
        "name": version.name,
        "kind": version.kind,
        "tiers": list(version.tiers),
        "segment": version.segment,
        "first_purchase": "on" if version.first_purchase else "",
        "exclusive_group": version.exclusive_group,
        "weekdays": [str(day) for day in version.weekdays],
        "starts": version.starts_at.astimezone(local).date().isoformat(),
        "ends": last_day_moment(version.ends_at).astimezone(local).date().isoformat(),
    }


def preset(goal: str, data: Mapping[str, Any], *, at: datetime, zone: str) -> dict[str, Any]:
    """What the chosen goal suggests for fields that nobody has touched."""
    today = at.astimezone(ZoneInfo(zone)).date()
    suggested = PRESETS.get(goal, {}) | {
        "starts": today.isoformat(),
        "ends": (today + timedelta(days=30)).isoformat(),
        "budget": "30000",
    }
    return {name: value for name, value in suggested.items() if not data.get(name)}
