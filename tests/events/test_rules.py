"""Arithmetic of events: nights, clocks that change, phases, the ladder of points."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from apps.events import rules

MOSCOW = "Europe/Moscow"


def local(text: str, zone: str = MOSCOW) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


def until(now: str, starts: str, zone: str = MOSCOW, closes: str = "") -> str:
    """The deadline of an offer on the clock of the event."""
    begins = local(starts, zone)
    found = rules.offer_deadline(
        now=local(now, zone),
        starts_at=begins,
        closes_at=local(closes, zone) if closes else begins,
        zone=zone,
    )
    return f"{found.astimezone(ZoneInfo(zone)):%d.%m %H:%M}"


@pytest.mark.parametrize(
    ("now", "starts", "deadline"),
    [
        ("2026-11-10 09:00", "2026-11-20 19:00", "10.11 21:00"),  # 12 h, all of them by day
        ("2026-11-10 12:00", "2026-11-20 19:00", "11.11 11:00"),  # 10 h, the night, 2 h
        ("2026-11-10 23:30", "2026-11-20 19:00", "11.11 21:00"),  # at night: from nine
        ("2026-11-10 22:00", "2026-11-20 19:00", "11.11 21:00"),  # the night begins at ten
        ("2026-11-10 21:00", "2026-11-12 19:00", "11.11 12:00"),  # 4 h: 1 in the evening, 3 later
        ("2026-11-10 21:30", "2026-11-11 19:00", "11.11 09:30"),  # 1 h over the night
        ("2026-11-10 14:00", "2026-11-10 19:00", "10.11 14:20"),  # near the start 20 min
        ("2026-11-10 23:00", "2026-11-11 02:00", "10.11 23:20"),  # within 12 h nights count
    ],
)
def test_offer_respects_the_night(now: str, starts: str, deadline: str) -> None:
    assert until(now, starts) == deadline


def test_offer_never_outlives_the_cut_off() -> None:
    assert until("2026-11-10 09:00", "2026-11-20 19:00", closes="2026-11-10 15:00") == "10.11 15:00"


@pytest.mark.parametrize(
    "zone",
    ["Europe/Kaliningrad", MOSCOW, "Asia/Yekaterinburg", "Asia/Vladivostok", "Asia/Kamchatka"],
)
def test_night_is_that_of_the_event_from_utc_2_to_utc_12(zone: str) -> None:
    assert until("2026-11-10 21:00", "2026-11-12 19:00", zone) == "11.11 12:00"


@pytest.mark.parametrize(
    ("now", "starts", "deadline"),
    [
        ("2026-03-28 20:00", "2026-03-30 19:00", "29.03 11:00"),  # 2 h, 23 hours of a day, 2 h
        ("2026-10-24 20:00", "2026-10-26 19:00", "25.10 11:00"),  # a day of 25 hours
    ],
)
def test_night_on_which_the_clock_changes(now: str, starts: str, deadline: str) -> None:
    """Russia keeps one clock; an event abroad does not."""
    assert until(now, starts, "Europe/Berlin") == deadline


def times() -> rules.Times:
    return rules.Times(
        opens_at=local("2026-11-01 12:00"),
        early_from=local("2026-10-31 12:00"),
        closes_at=local("2026-11-20 12:00"),
        starts_at=local("2026-11-20 22:00"),
        ends_at=local("2026-11-21 02:00"),
    )


@pytest.mark.parametrize(
    ("now", "free", "waiting", "phase"),
    [
        ("2026-10-30 12:00", 5, 0, "not_open"),
        ("2026-10-31 12:00", 5, 0, "early"),
        ("2026-11-01 12:00", 5, 0, "open"),
        ("2026-11-02 12:00", 0, 0, "full"),
        ("2026-11-02 12:00", 1, 3, "full"),  # a free seat belongs to the line
        ("2026-11-20 12:00", 5, 0, "closed"),
        ("2026-11-20 23:59", 5, 0, "live"),
        ("2026-11-21 00:01", 5, 0, "live"),  # across midnight
        ("2026-11-21 02:00", 5, 0, "over"),
    ],
)
def test_phases_of_an_event_across_midnight(now, free, waiting, phase) -> None:
    assert rules.phase_of(times(), free=free, waiting=waiting, now=local(now)) == phase


@pytest.mark.parametrize(
    ("points", "hours", "line_only", "talk"),
    [(0, 0, False, False), (1, 0, False, False), (2, 12, False, False)]
    + [(3, 0, True, False), (5, 0, True, True)],
)
def test_ladder_of_points(points: int, hours: int, line_only: bool, talk: bool) -> None:
    found = rules.standing(points)

    assert found.delay == timedelta(hours=hours)
    assert (found.waitlist_only, found.concierge) == (line_only, talk)


def test_over_invitation_is_safe_and_never_below_nothing() -> None:
    assert rules.over_invite([1.0] * 20, capacity=20) == 0
    assert rules.over_invite([], capacity=20) == 0
    assert 0 < rules.over_invite([0.5] * 20, capacity=20) < 20
