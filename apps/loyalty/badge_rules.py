"""What a member has reached of each badge, reckoned from what happened. No database here."""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date, timedelta

from apps.loyalty.offer_rules import birthday_in

AROUND_BIRTHDAY = timedelta(days=3)
Reached = dict[tuple[str, str], int]  # (badge, period) → how far


def quarter(day: date) -> str:
    return f"{day.year}Q{(day.month + 2) // 3}"


def reached(
    *,
    purchases: Iterable[tuple[str, date]],
    marks: Mapping[str, int],
    friends: int,
    born: date | None,
) -> Reached:
    """Every badge and period with a number to hold against its target.

    `purchases` are (partner, day in Moscow) of those not returned whole, `marks` how many facts of
    each badge, `friends` invitations that were rewarded.
    """
    bought = list(purchases)
    found: Reached = {
        ("first_purchase", ""): len(bought),
        ("three_partners", ""): len({place for place, _day in bought}),
        ("half_year", ""): longest_run({(day.year, day.month) for _place, day in bought}),
        ("friends", ""): friends,
    }
    found |= {(badge, ""): count for badge, count in marks.items()}
    in_quarter = {(quarter(day), place) for place, day in bought}
    for period, count in Counter(period for period, _place in in_quarter).items():
        found["whole_circle", period] = count
    for (year, _place), count in Counter((day.year, place) for place, day in bought).items():
        key = ("regular", str(year))
        found[key] = max(count, found.get(key, 0))
    for year in _birthday_years(bought, born):
        found["birthday_visit", str(year)] = 1
    return found


def longest_run(months: set[tuple[int, int]]) -> int:
    """The most months in a row."""
    numbers = {year * 12 + month for year, month in months}
    best = 0
    for number in numbers:
        if number - 1 not in numbers:
            end = number
            while end in numbers:
                end += 1
            best = max(best, end - number)
    return best


def _birthday_years(bought: list[tuple[str, date]], born: date | None) -> set[int]:
    if born is None:
        return set()
    return {
        year
        for _place, day in bought
        for year in (day.year - 1, day.year, day.year + 1)
        if year > born.year and abs(birthday_in(year, born) - day) <= AROUND_BIRTHDAY
    }


def current_period(kind: str, day: date) -> str:
    return {"quarter": quarter(day), "year": str(day.year)}.get(kind, "")
