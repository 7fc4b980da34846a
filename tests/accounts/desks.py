"""A browser of somebody who signed in fully: her second factor shown, just now or long ago."""

import time

from django.test import Client
from django_otp import DEVICE_ID_SESSION_KEY

from apps.accounts.freshness import CONFIRMED
from apps.accounts.models import TOTPDevice, User


def desk_of(user: User, *, confirmed_ago: float = 0) -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(user, backend="apps.accounts.auth.LoginBackend")
    device, _made = TOTPDevice.objects.get_or_create(user=user, name="app", confirmed=True)
    session = client.session
    session[DEVICE_ID_SESSION_KEY] = device.persistent_id
    session[CONFIRMED] = time.time() - confirmed_ago
    session.save()
    return client
