"""Fields that the owner's forms share: sums as people type them, and forms drawn from a draft."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.datastructures import MultiValueDict
from django.utils.translation import gettext_lazy as _

from apps.core.days import of_our_years
from apps.core.errors import Refused
from apps.core.money import parse_amount

WEEKDAYS = [
    ("1", _("Mon")),
    ("2", _("Tue")),
    ("3", _("Wed")),
    ("4", _("Thu")),
    ("5", _("Fri")),
    ("6", _("Sat")),
    ("7", _("Sun")),
]
MUST = {"required": _("Fill in this field.")}


class SumField(forms.CharField):
    """₽, bonuses, percents or times: `1234`, `1 234,50`. Empty is None."""

    def __init__(self, *, zero_allowed: bool = False, **given: Any) -> None:
        self.zero_allowed = zero_allowed
        given.setdefault("max_length", 20)
        given.setdefault("error_messages", MUST)
        super().__init__(**given)
        self.widget.attrs.update(inputmode="decimal", autocomplete="off")

    def clean(self, value: Any) -> Decimal | None:
        text = super().clean(value)
        if not text:
            return None
        try:
            return parse_amount(text, zero_allowed=self.zero_allowed)
        except Refused as refused:
            raise forms.ValidationError(str(refused)) from refused


class WholeField(forms.IntegerField):
    """A whole number in a plain field: no arrows that a wheel turns by mistake."""

    widget = forms.TextInput

    def __init__(self, **given: Any) -> None:
        given.setdefault("error_messages", {**MUST, "invalid": _("A whole number, digits only.")})
        super().__init__(**given)
        self.widget.attrs.update(inputmode="numeric", autocomplete="off")


class DayField(forms.DateField):
    """The browser's own calendar, which sends 2026-11-22; typed by hand 22.11.2026 is fine too."""

    default_validators = [of_our_years]

    def __init__(self, **given: Any) -> None:
        wrong = {**MUST, "invalid": _("Write the day as 22.11.2026.")}
        super().__init__(
            widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
            input_formats=["%Y-%m-%d", "%d.%m.%Y"],
            error_messages=wrong,
            **given,
        )


def raw_of(form: type[forms.Form], posted: QueryDict) -> dict[str, Any]:
    """What was typed into the fields of a form, right or wrong, as a draft keeps it."""
    kept: dict[str, Any] = {}
    for name, field in form.base_fields.items():
        if isinstance(field, forms.MultipleChoiceField):
            kept[name] = posted.getlist(name)[:50]
        else:
            kept[name] = posted.get(name, "")[:500]
    return kept


def bound(form: type[forms.Form], data: Mapping[str, Any], **given: Any) -> forms.Form:
    """The form filled from a draft: lists are many values, the rest is one."""
    pairs = {name: value if isinstance(value, list) else [value] for name, value in data.items()}
    return form(MultiValueDict(pairs), **given)
