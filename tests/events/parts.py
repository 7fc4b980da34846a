"""What tests of refusals ask again and again."""

from tests.factories.accounts import UserFactory


def moderator():
    return UserFactory(tier_code="inner_circle")


def now(event):
    event.refresh_from_db()
    return event.state
