"""A test browser of somebody who has signed in, second factor and all."""

import time

from django.test import Client
from django_otp import DEVICE_ID_SESSION_KEY

from apps.accounts.freshness import CONFIRMED
from apps.accounts.models import TOTPDevice, User


def enter(client: Client, user: User, *, second_factor: bool) -> Client:
    """This browser with her in it; with `second_factor` it was shown just now."""
    client.force_login(user, backend="apps.accounts.auth.LoginBackend")
    if second_factor:
        device = TOTPDevice.objects.create(user=user, name="app", confirmed=True)
        session = client.session
        session[DEVICE_ID_SESSION_KEY] = device.persistent_id
        session[CONFIRMED] = time.time()
        session.save()
    return client
