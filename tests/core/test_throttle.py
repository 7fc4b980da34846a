"""Limits counted in PostgreSQL."""

from datetime import timedelta

import pytest
import time_machine
from django.core.cache import cache
from django.utils import timezone

from apps.core import throttle
from apps.core.models import Counter

pytestmark = pytest.mark.django_db
PHONE = "+79161234567"


@pytest.fixture
def now():
    """A clock that stands still."""
    moment = timezone.now()
    with time_machine.travel(moment, tick=False):
        yield moment


def later(moment, **delta):
    return time_machine.travel(moment + timedelta(**delta), tick=False)


def test_a_limit_lets_so_many_through_and_then_names_the_wait(now):
    answers = [throttle.hit("test", PHONE, 3, 60) for _ in range(5)]

    assert answers == [0, 0, 0, 60, 60]


def test_the_wait_shrinks_and_a_new_window_opens(now):
    for _ in range(2):
        throttle.hit("test", PHONE, 1, 60)

    waits = []
    for seconds in (1, 30, 59, 59.5, 60, 60, 119, 121):
        with later(now, seconds=seconds):
            waits.append(throttle.hit("test", PHONE, 1, 60))

    assert waits == [59, 30, 1, 1, 0, 60, 1, 0]


def test_names_and_keys_count_apart(now):
    throttle.hit("test", PHONE, 1, 60)

    assert throttle.hit("test", "+79161234568", 1, 60) == 0
    assert throttle.hit("other", PHONE, 1, 60) == 0
    assert throttle.hit("test", PHONE, 1, 60) == 60


def test_success_forgets_the_attempts(now):
    throttle.hit("test", PHONE, 1, 60)
    throttle.clear("test", PHONE)

    assert throttle.hit("test", PHONE, 1, 60) == 0


def test_limits_hold_without_redis(now, settings):
    settings.CACHES = {"default": {**settings.CACHES["default"], "LOCATION": "redis://127.0.0.1:1"}}
    cache.clear()

    assert [throttle.hit("test", PHONE, 1, 60) for _ in range(2)] == [0, 60]


def test_a_key_is_stored_as_a_keyed_digest(now, settings):
    throttle.hit("test", PHONE, 1, 60)
    stored = Counter.objects.get()
    settings.INDEX_KEY = b"x" * 32

    assert len(stored.key) == 64
    assert throttle.hit("test", PHONE, 1, 60) == 0  # under another key it is another digest
    assert Counter.objects.count() == 2


@pytest.mark.parametrize("key", ["", "ключ", "a" * 10_000, "\x00", "'; DROP TABLE core_counter"])
def test_any_text_is_a_key(now, key):
    assert [throttle.hit("test", key, 1, 60) for _ in range(2)] == [0, 60]


def test_one_attempt_costs_one_statement(now, django_assert_num_queries):
    with django_assert_num_queries(1):
        throttle.hit("test", PHONE, 1, 60)
