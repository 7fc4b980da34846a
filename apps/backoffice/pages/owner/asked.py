"""What a page of figures was asked for: days, step, form. Anything odd is the usual."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from django.http import QueryDict

from apps.businesses.models import Business
from apps.core.days import day_of

PERIODS = (7, 30, 90, 365)
USUAL = 30
LONGEST = 731  # days
STEPS = ("day", "week", "month")


@dataclass(frozen=True)
class Asked:
    """Both days included, of the business's own calendar. `days` is 0 for days of her own."""

    since: date
    until: date
    today: date
    days: int
    step: str
    show: str = ""

    @property
    def length(self) -> int:
        return (self.until - self.since).days + 1

    @property
    def is_partial(self) -> bool:
        return self.until >= self.today

    @property
    def buckets(self) -> list[date]:
        """First days of all the steps, so that a step without sales is there as zero."""
        found = [_start(self.since + timedelta(days=n), self.step) for n in range(self.length)]
        return list(dict.fromkeys(found))


def _start(day: date, step: str) -> date:
    if step == "week":
        return day - timedelta(days=day.weekday())
    return day.replace(day=1) if step == "month" else day


def read(query: QueryDict, *, business: Business, at: datetime) -> Asked:
    """The period of an address: `days`, or `from` and `to`."""
    today = at.astimezone(ZoneInfo(business.zone)).date()
    since, until = day_of(query.get("from", "")), day_of(query.get("to", ""))
    days = next((one for one in PERIODS if str(one) == query.get("days", "")), USUAL)
    if since and until and since <= until <= today and (until - since).days < LONGEST:
        days = 0
    else:
        since, until = today - timedelta(days=days - 1), today
    step = query.get("by", "")
    if step not in STEPS:
        length = (until - since).days + 1
        step = "day" if length <= 92 else "week" if length <= 366 else "month"
    return Asked(since, until, today, days, step, query.get("show", "")[:20])
