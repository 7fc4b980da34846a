"""A browser of somebody who signed in fully: her second factor shown, just now or long ago."""

from django.test import Client

from apps.accounts.models import User
from tests.signed_in import enter


def desk_of(user: User, *, confirmed_ago: float = 0) -> Client:
    return enter(Client(raise_request_exception=False), user, confirmed_ago=confirmed_ago)
