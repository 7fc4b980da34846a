"""Time does not tell whether a number is known: 2,000 pairs, through the whole HTTP stack."""

import gc
import math
import random
import statistics
import time
from typing import Any

import pytest
import structlog
from django.test import Client

from apps.accounts import services
from tests.factories.accounts import UserFactory

PAIRS, ROUNDS = 2000, 3
log = structlog.get_logger(__name__)  # `-rA` shows how many rounds were needed, and every p


def p_value(left: list[float], right: list[float]) -> float:
    """Mann-Whitney, two-sided, by the normal approximation (n is in the thousands)."""
    both = sorted([(t, 0) for t in left] + [(t, 1) for t in right])
    ranks = sum(rank for rank, (_t, side) in enumerate(both, 1) if side == 0)
    n, m = len(left), len(right)
    u = ranks - n * (n + 1) / 2
    z = (u - n * m / 2) / math.sqrt(n * m * (n + m + 1) / 12)
    return math.erfc(abs(z) / math.sqrt(2))


def test_the_measure_sees_a_difference() -> None:
    """A seventh of the spread: the proof below would not miss it."""
    noise = random.Random(7)
    left = [noise.gauss(10.0, 2.0) for _ in range(PAIRS)]
    right = [noise.gauss(10.3, 2.0) for _ in range(PAIRS)]

    assert p_value(left, right) < 0.05 < p_value(left, list(reversed(left)))


def seconds(client: Client, phone: str) -> float:
    started = time.perf_counter()
    answer = client.post(
        "/api/v1/auth/send-code", {"phone": phone}, content_type="application/json"
    )
    spent = time.perf_counter() - started
    assert answer.status_code == 200
    return spent


@pytest.mark.slow
@pytest.mark.django_db
def test_known_and_unknown_numbers_take_the_same_time(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three rounds at most: where nothing differs one round in twenty shows p < 0.05, and a busy
    machine adds its own; three in a row are one in eight thousand. A difference of a seventh of
    the spread fails all three."""
    # The worker's part is somebody else's time: handing over is measured, sending is not.
    monkeypatch.setattr("apps.core.gateways.sms.send_sealed", lambda sealed: None)
    monkeypatch.setattr("apps.core.http.throttles.ByCaller.allow_request", lambda *a: True)
    services.change_code_limits(
        changes={"cap_hour_rub": 10**6, "cap_day_rub": 10**6}, by=None, reason="test"
    )
    settings.DEVELOPMENT = True  # one loopback address asks for thousands of numbers
    client = Client()
    seen = []
    for number in range(ROUNDS):
        known, unknown = measure(client, number)
        seen.append((p_value(known, unknown), statistics.median(known), statistics.median(unknown)))
        log.info("enumeration.known_unknown", p=seen[-1][0], round=number + 1, medians=seen[-1][1:])
        if seen[-1][0] > 0.05:
            return
    pytest.fail(f"p, median of known, median of unknown, in seconds: {seen}")


def measure(client: Client, round_number: int) -> tuple[list[float], list[float]]:
    known: list[float] = []
    unknown: list[float] = []
    base = 1_000_000 + round_number * 4 * PAIRS
    members = [f"+7915{base + 2 * n:07d}" for n in range(PAIRS)]
    for phone in members:
        UserFactory(phone=phone)
    for _warm in range(20):
        seconds(client, f"+7925{random.randrange(10**7):07d}")
    gc.collect()
    gc.disable()
    try:
        for n, phone in enumerate(members):
            stranger = f"+7915{base + 2 * n + 1:07d}"
            pair = [(phone, known), (stranger, unknown)]
            random.shuffle(pair)  # whoever comes first is not always the same
            for asked, times in pair:
                times.append(seconds(client, asked))
    finally:
        gc.enable()
    return known, unknown


@pytest.mark.slow
@pytest.mark.django_db
def test_blocked_numbers_take_the_same_time(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A quarter of the pairs, known against blocked: the same path, the message dropped last."""
    monkeypatch.setattr("apps.core.gateways.sms.send_sealed", lambda sealed: None)
    monkeypatch.setattr("apps.core.http.throttles.ByCaller.allow_request", lambda *a: True)
    services.change_code_limits(
        changes={"cap_hour_rub": 10**6, "cap_day_rub": 10**6}, by=None, reason="test"
    )
    settings.DEVELOPMENT = True
    client, seen = Client(), []
    for number in range(ROUNDS):
        known, blocked = [], []
        for n in range(PAIRS // 4):
            people = [UserFactory(phone=f"+791{7 + k}{number}{n:06d}") for k in (0, 1)]
            type(people[1]).objects.filter(pk=people[1].pk).update(blocked_at=people[1].joined_at)
            pair = [(people[0].phone, known), (people[1].phone, blocked)]
            random.shuffle(pair)
            for asked, times in pair:
                times.append(seconds(client, asked))
        seen.append(p_value(known, blocked))
        log.info("enumeration.known_blocked", p=seen[-1], round=number + 1)
        if seen[-1] > 0.05:
            return
    pytest.fail(f"p: {seen}")
