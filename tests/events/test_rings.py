"""Rings of voters: what an admin should look at. No vote is ever taken back by it."""

from datetime import timedelta

import pytest
from django.utils import timezone

from apps.accounts.models import Session, User
from apps.events import rings
from apps.events.rings import Pattern
from apps.events.services import process_vote
from apps.loyalty.models import Referral
from tests.factories.accounts import UserFactory
from tests.factories.events import in_voting

pytestmark = pytest.mark.django_db


def old_member() -> User:
    return UserFactory(joined_at=timezone.now() - timedelta(days=60))


def found(event) -> dict[str, tuple[int, int]]:
    seen = rings.suspicions(at=timezone.now(), event=event)
    return {one.pattern: (one.people, one.points) for one in seen}


def test_honest_votes_raise_nothing() -> None:
    event, at = in_voting(), timezone.now()
    for number in range(12):
        voter = old_member()
        Session.objects.create(user=voter, address=f"10.0.0.{number}", device_key=f"d{number}")
        process_vote(voter, event, 1, at=at)

    assert found(event) == {}


def test_one_device_within_minutes_but_not_on_another_day() -> None:
    event, at = in_voting(), timezone.now()
    for number, minutes in enumerate((0, 4, 24 * 60)):
        voter = old_member()
        Session.objects.create(user=voter, address=f"10.0.0.{number}", device_key="shared")
        process_vote(voter, event, 1, at=at + timedelta(minutes=minutes))

    assert found(event) == {Pattern.SHARED: (2, 2)}


def test_accounts_younger_than_a_week() -> None:
    event, at = in_voting(), timezone.now()
    for _ in range(3):
        process_vote(UserFactory(joined_at=at - timedelta(days=2)), event, 1, at=at)

    assert found(event) == {Pattern.YOUNG: (3, 3)}


def test_one_inviter_behind_too_large_a_share() -> None:
    event, at, inviter = in_voting(), timezone.now(), old_member()
    for number in range(9):
        voter = old_member()
        if number < 3:
            Referral.objects.create(
                inviter=inviter, invited=voter, lapses_at=at + timedelta(days=30)
            )
        process_vote(voter, event, 1, at=at)

    assert found(event) == {Pattern.REFERRER: (3, 3)}
    process_vote(old_member(), event, 1, at=at)  # three of ten are no more than 30 %
    assert found(event) == {}
    assert event.votes.filter(is_current=True).count() == 10


def test_all_proposals_cost_the_same_as_one(django_assert_num_queries) -> None:
    at = timezone.now()
    for _ in range(3):
        process_vote(old_member(), in_voting(), 1, at=at)

    with django_assert_num_queries(4):
        rings.suspicions(at=at)
