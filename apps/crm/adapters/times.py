"""Moments in the many hands of outside systems, and days that cover a window."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

EARLIEST_YEAR = 1990


def moment(text: Any, zone: ZoneInfo) -> datetime:
    """UTC from ISO 8601 with any offset or none (then it is local). Raises ValueError."""
    found = datetime.fromisoformat(str(text).strip())
    return _utc(found, zone)


def dotted(text: Any, zone: ZoneInfo) -> datetime:
    """UTC from `14.09.2026 17:20`, also without a time or with seconds. Raises ValueError."""
    body = str(text).strip()
    shape = {10: "%d.%m.%Y", 16: "%d.%m.%Y %H:%M", 19: "%d.%m.%Y %H:%M:%S"}.get(len(body))
    if shape is None:
        raise ValueError("no moment")
    return _utc(datetime.strptime(body, shape), zone)  # noqa: DTZ007 - the zone comes next


def unix(seconds: Any) -> datetime:
    """UTC from Unix seconds. Raises ValueError."""
    try:
        return datetime.fromtimestamp(int(seconds), tz=UTC)
    except (TypeError, OverflowError, OSError) as wrong:
        raise ValueError("no moment") from wrong


def milliseconds(found: datetime) -> int:
    return int(found.timestamp() * 1000)


def _utc(found: datetime, zone: ZoneInfo) -> datetime:
    if found.year < EARLIEST_YEAR:
        raise ValueError("no moment")
    if found.tzinfo is None:
        found = found.replace(tzinfo=zone)
    return found.astimezone(UTC)


def days(since: datetime, until: datetime, zone: ZoneInfo) -> tuple[date, date]:
    """First and last local day that [since, until) touches."""
    last = (until - timedelta(microseconds=1)).astimezone(zone).date()
    return since.astimezone(zone).date(), last


def spans(first: date, last: date, most: int) -> Iterator[tuple[date, date]]:
    """[first, last] in pieces of at most `most` days."""
    while first <= last:
        end = min(first + timedelta(days=most - 1), last)
        yield first, end
        first = end + timedelta(days=1)
