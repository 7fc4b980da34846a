"""Days as people and addresses write them, and the moments at which they begin."""

from datetime import date, datetime, time

from django import forms
from django.utils import timezone
from django.utils.dateparse import parse_date

YEARS = range(2000, 2200)  # others have no neighbouring day, or no moment that a database knows


def of_our_years(day: date) -> None:
    """A validator of date fields; it says what the field says of anything that is no day."""
    if day.year not in YEARS:
        wrong = forms.DateField.default_error_messages["invalid"]
        raise forms.ValidationError(wrong, code="invalid")


def day_of(text: str) -> date | None:
    """`2026-11-22` as a day; None for what is no day (`2026-02-30` among it) or far from ours."""
    try:
        found = parse_date(text)
    except ValueError:
        return None
    return found if found and found.year in YEARS else None


def midnight(day: date) -> datetime:
    """The moment at which a day begins here."""
    return timezone.make_aware(datetime.combine(day, time()))
