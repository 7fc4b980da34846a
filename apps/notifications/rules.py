"""Arithmetic and yes/no answers about messages: places in texts, quiet hours, pauses, parts."""

import re
import secrets
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

ZONE = ZoneInfo("Europe/Moscow")
SUM = re.compile(r"-?\d+(\.\d+)?", re.ASCII)
PLACE = re.compile(r"\{([a-z_]+)\}")
# Seconds before the next attempt on the same channel; the last one repeats.
BACK_OFF = (15, 30, 60, 120, 300, 600)
# A provider that failed so many times in a row rests: 1, 5, then 15 minutes.
FAILURES_TO_REST = 5
RESTS = (60, 300, 900)
STOP_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
LEASE = 300  # seconds for which a worker owns what it took
SECOND_PERSON_ABOVE = 1_000  # people in a broadcast


def new_stop_code() -> str:
    """Ten letters and digits that are not mistaken for one another: 50 bits, nobody guesses one."""
    return "".join(secrets.choice(STOP_ALPHABET) for _ in range(10))


def fill(text: str, values: Mapping[str, object]) -> str:
    """The text with `{name}` replaced by its value, once: a value with braces brings in nothing,
    and `{0.__class__}`, `{name!r}` or an unknown `{name}` stay as they are."""
    return PLACE.sub(lambda found: str(values.get(found[1], found[0])), text)


def unknown_places(text: str, places: tuple[str, ...]) -> list[str]:
    """What stands in braces and is no place of this kind, in order."""
    return [name for name in re.findall(r"\{([^{}]*)\}", text) if name not in places]


def quiet_hours(text: str) -> tuple[time, time] | None:
    """From and until of `22:00-09:00`; None of an empty text: no hours are quiet."""
    if not text:
        return None
    since, _dash, until = text.partition("-")
    return time.fromisoformat(since), time.fromisoformat(until)


def morning_after(at: datetime, quiet: tuple[time, time] | None) -> datetime | None:
    """When quiet hours (by Moscow's clock, over midnight) end; None outside of them."""
    if quiet is None:
        return None
    since, until = quiet
    local = at.astimezone(ZONE)
    if until <= local.time() < since:
        return None
    day = local.date() + timedelta(days=1 if local.time() >= since else 0)
    return datetime.combine(day, until, ZONE)


def back_off(attempts: int) -> timedelta:
    """How long to wait after so many attempts on one channel."""
    return timedelta(seconds=BACK_OFF[min(attempts, len(BACK_OFF)) - 1])


def rest(failures: int) -> timedelta | None:
    """How long a provider rests after so many failures in a row; None: not yet."""
    if failures < FAILURES_TO_REST:
        return None
    return timedelta(seconds=RESTS[min(failures - FAILURES_TO_REST, len(RESTS) - 1)])


def moment_text(value: str) -> str:
    """`14.03.2026 9:05` in Moscow of an ISO moment; anything else as it is."""
    try:
        at = datetime.fromisoformat(value)
    except ValueError:
        return value
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    local = at.astimezone(ZONE)
    return f"{local:%d.%m.%Y} {local.hour}:{local:%M}"


def day_text(value: str) -> str:
    """`14.03.2026` of an ISO day or moment."""
    return moment_text(value).split(" ")[0] if "T" in value else _day(value)


def _day(value: str) -> str:
    try:
        return f"{date.fromisoformat(value):%d.%m.%Y}"
    except ValueError:
        return value


def sum_text(value: str) -> str:
    """`1 234,50`, and `300` without empty kopecks, of a signed sum as facts carry it;
    anything else as it is."""
    if not SUM.fullmatch(value):
        return value
    whole, _dot, part = value.lstrip("-").partition(".")
    grouped = f"{int(whole or 0):,}".replace(",", "\u00a0")
    tail = f",{part:0<2}" if part.strip("0") else ""
    return ("\u2212" if value.startswith("-") else "") + grouped + tail
