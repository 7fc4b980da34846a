"""Days as people and addresses write them."""

from datetime import date

from django.utils.dateparse import parse_date

YEARS = range(2000, 2200)  # others have no neighbouring day, or no moment that a database knows


def day_of(text: str) -> date | None:
    """`2026-11-22` as a day; None for what is no day (`2026-02-30` among it) or far from ours."""
    try:
        found = parse_date(text)
    except ValueError:
        return None
    return found if found and found.year in YEARS else None
