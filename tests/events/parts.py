"""What tests of events do and ask again and again."""

from datetime import timedelta

from apps.events.enums import Place
from apps.events.models import Penalty
from tests.factories.accounts import UserFactory


def moderator():
    return UserFactory(tier_code="inner_circle")


def now(event):
    event.refresh_from_db()
    return event.state


def penalise(member, *, points, at, registration):
    """A late cancellation and an absence, of so many points each."""
    for cause in (Place.CANCELLED_LATE, Place.NO_SHOW):
        Penalty.objects.create(
            registration=registration,
            member=member,
            points=points,
            cause=cause,
            given_at=at,
            lapses_at=at + timedelta(days=60),
        )
