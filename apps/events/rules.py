"""Arithmetic of events: moments and numbers come in, answers come out. No clock, no database."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_DOWN, Decimal
from zoneinfo import ZoneInfo

THRESHOLD_POINTS, THRESHOLD_VOTERS = 30, 12  # product.md: points and people
VOTING_DAYS = 21
OPEN_PROPOSALS = 3
CHANGE_ROUNDS = 3
CLAIM_MINUTES = 30
TYPO_MINUTES = 15
APPEAL_DAYS = 14
RESUBMIT_DAYS = 30
DECIDE_DAYS = 14  # a supported proposal waits for the curator no longer than this
EARLY_HOURS = 24
OVER_HOURS = 2  # an event completes by itself this long after its end
GRACE_HOURS = 24  # attendance may be mended before it becomes final
CORRECT_DAYS = 14
ANNUL_MINUTES = 15
FEEDBACK_DAYS = 7
FEEDBACK_EDIT_HOURS = 24
FEEDBACK_SHOWN_FROM = 5
AUTHOR_SEES_GROUPS_FROM = 5
AUTO_ACCEPT_HOURS = 3  # closer to the start a freed seat goes only to those who said yes before
LAST_CHANCE_HOURS = 24  # when those with three points or more are asked too
POINTS_LAPSE_DAYS = 60
COMFORT_MOST = Decimal(1000)  # bonuses to each whose event was cancelled, beside what she paid
LATE_CANCEL_POINTS, NO_SHOW_POINTS, MOST_POINTS_OF_EVENT = 1, 2, 2
LATE_SCAN_MINUTES = 2
CLOCK_OFF_SECONDS = 120  # a device whose clock is further off is shown to the organiser
DEPOSIT_SPARE_DAYS = 60  # a deposit outlives its event so long: postponing does not free it
LAPSED_AGAIN_DAYS = 14  # what lapsed while it was paid for a seat comes back for so long
NIGHT_FROM, NIGHT_TO = 22, 9

# Which state an event may leave for which. Anything else is refused.
MOVES: dict[str, tuple[str, ...]] = {
    "draft": ("submitted", "published", "cancelled", "withdrawn", "removed"),
    "submitted": ("voting", "changes_requested", "rejected", "withdrawn", "removed"),
    "changes_requested": ("submitted", "withdrawn", "removed"),
    "voting": ("threshold_reached", "expired", "withdrawn", "submitted", "removed"),
    "threshold_reached": ("scheduled", "declined_by_admin", "removed"),
    "scheduled": ("published", "cancelled", "removed"),
    "published": ("completed", "cancelled"),
    "rejected": ("submitted",),  # one appeal
    "expired": ("draft",),  # once more after 30 days
}
# The same for a registration; "" is the beginning.
STEPS: dict[str, tuple[str, ...]] = {
    "": ("confirmed", "waitlisted"),
    "waitlisted": ("offered", "confirmed", "left_waitlist", "removed", "event_cancelled"),
    "offered": ("confirmed", "offer_declined", "offer_expired", "removed", "event_cancelled"),
    "confirmed": (
        "cancelled",
        "cancelled_late",
        "removed",
        "event_cancelled",
        "attended",
        "no_show",
        "excused",  # by the organiser, in the day of grace
    ),
    "attended": ("confirmed", "no_show", "excused", "event_cancelled"),
    "no_show": ("attended", "excused"),
    "excused": ("attended", "no_show"),
}


@dataclass(frozen=True)
class Times:
    """The moments of a published event that phases are derived from."""

    opens_at: datetime
    early_from: datetime | None
    closes_at: datetime
    starts_at: datetime
    ends_at: datetime


def phase_of(times: Times, *, free: int, waiting: int, now: datetime) -> str:
    """The one place where a phase is decided: API, admin and jobs share it."""
    if now >= times.ends_at:
        return "over"
    if now >= times.starts_at:
        return "live"
    if now >= times.closes_at:
        return "closed"
    if now < times.opens_at:
        is_early = times.early_from is not None and now >= times.early_from
        return "early" if is_early else "not_open"
    return "open" if free > 0 and waiting == 0 else "full"


def offer_deadline(
    *, now: datetime, starts_at: datetime, closes_at: datetime, zone: str
) -> datetime:
    """Until when an offered seat waits for its answer (events.md part 5).

    12 h, 4 h, 1 h or 20 min by the time left, never past the cut-off. Hours between 22:00 and
    9:00 of the event's zone do not count, unless the event begins within 12 h.
    """
    left = starts_at - now
    if left > timedelta(hours=72):
        length = timedelta(hours=12)
    elif left > timedelta(hours=24):
        length = timedelta(hours=4)
    elif left > timedelta(hours=6):
        length = timedelta(hours=1)
    else:
        length = timedelta(minutes=20)
    if left > timedelta(hours=12):
        return min(_by_day(now, length, ZoneInfo(zone)), closes_at)
    return min(now + length, closes_at)


def _by_day(now: datetime, length: timedelta, zone: ZoneInfo) -> datetime:
    """`length` of daytime after `now`; the night is jumped over."""
    moment, left = now.astimezone(zone), length
    while True:
        if moment.hour < NIGHT_TO:
            moment = moment.replace(hour=NIGHT_TO, minute=0, second=0, microsecond=0)
        evening = moment.replace(hour=NIGHT_FROM, minute=0, second=0, microsecond=0)
        if moment < evening:
            # Subtraction in UTC: a day on which the clock changes has 23 or 25 hours.
            daytime = evening.astimezone(ZoneInfo("UTC")) - moment.astimezone(ZoneInfo("UTC"))
            if left <= daytime:
                return (moment.astimezone(ZoneInfo("UTC")) + left).astimezone(now.tzinfo)
            left -= daytime
        tomorrow = moment.date() + timedelta(days=1)
        moment = datetime.combine(tomorrow, datetime.min.time(), tzinfo=zone).replace(hour=NIGHT_TO)


@dataclass(frozen=True)
class Standing:
    """What penalty points mean: `delay` before registration opens for her, or the line only."""

    points: int
    delay: timedelta = timedelta(0)
    waitlist_only: bool = False
    concierge: bool = False


def standing(points: int) -> Standing:
    """The ladder: 2 points open 12 h later, from 3 the waiting list only, from 5 a talk."""
    return Standing(
        points=points,
        delay=timedelta(hours=12) if points == 2 else timedelta(0),
        waitlist_only=points >= 3,
        concierge=points >= 5,
    )


@dataclass(frozen=True)
class CancelPreview:
    """What cancelling now would do: bonuses back and lost, points, and the free deadline."""

    returned: Decimal
    forfeited: Decimal
    points: int
    free_until: datetime | None
    outcome: str


def cancel_preview(
    *, state: str, paid: Decimal, late_return_percent: int, free_until: datetime, now: datetime
) -> CancelPreview:
    """Consequences before the tap. Leaving a line is always free."""
    if state == "waitlisted":
        return CancelPreview(paid, Decimal(0), 0, None, "left_waitlist")
    if state == "offered":
        return CancelPreview(paid, Decimal(0), 0, None, "offer_declined")
    if now < free_until:
        return CancelPreview(paid, Decimal(0), 0, free_until, "cancelled")
    share = paid * late_return_percent / 100
    back = share.quantize(Decimal("0.01"), rounding=ROUND_DOWN)
    return CancelPreview(back, paid - back, LATE_CANCEL_POINTS, free_until, "cancelled_late")


def is_enough(*, points: int, voters: int, need_points: int, need_voters: int) -> bool:
    """Points and people: ten elite voices alone do not suffice."""
    return points >= need_points and voters >= need_voters


def may_step(before: str, after: str) -> bool:
    return after in STEPS.get(before, ())


def may_move(before: str, after: str) -> bool:
    return after in MOVES.get(before, ())


def seats_band(free: int, capacity: int) -> str:
    """Free seats in words: exact numbers invite to wait for the last one."""
    if free <= 0:
        return "none"
    return "few" if free <= max(2, math.ceil(capacity * 0.2)) else "many"


def expected_share(*, came: int, did_not: int) -> float:
    """Share of the confirmed who are likely to come: past behaviour, shrunk to 85 % of 20."""
    return (came + 17) / (came + did_not + 20)


def over_invite(chances: Sequence[float], *, capacity: int) -> int:
    """How many guests more could be invited so that fewer than one in twenty such evenings is
    over capacity: normal approximation of a sum of independent yes/no."""
    if not chances:
        return 0
    mean = sum(chances)
    spread = math.sqrt(sum(p * (1 - p) for p in chances))
    average = mean / len(chances)
    return max(0, math.floor((capacity - mean - 1.645 * spread) / max(average, 0.5)))
