"""A test browser of somebody who has signed in, second factor and all."""

import time

from django.test import Client
from django_otp import DEVICE_ID_SESSION_KEY

from apps.accounts.freshness import CONFIRMED
from apps.accounts.models import TOTPDevice, User


def enter(
    client: Client, user: User, *, second_factor: bool = True, confirmed_ago: float = 0
) -> Client:
    """This browser with her in it; her `second_factor` was shown so many seconds ago."""
    client.force_login(user, backend="apps.accounts.auth.LoginBackend")
    if second_factor:
        device, _made = TOTPDevice.objects.get_or_create(user=user, name="app", confirmed=True)
        session = client.session
        session[DEVICE_ID_SESSION_KEY] = device.persistent_id
        session[CONFIRMED] = time.time() - confirmed_ago
        session.save()
    return client
