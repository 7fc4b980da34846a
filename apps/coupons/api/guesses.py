"""Guessing codes: a caller who names too many that do not exist waits."""

import functools
from collections.abc import Callable
from typing import Any

from rest_framework.response import Response

from apps.core import throttle
from apps.core.errors import TooMany
from apps.coupons.services import CouponUnknown, PromoUnknown

NAME, MOST, SECONDS = "coupons.guess", 20, 600


def limited(action: Callable[..., Response]) -> Callable[..., Response]:
    """Wrap a view method, outside of `@idempotent`: its refusal must not undo the counting."""

    @functools.wraps(action)
    def wrapped(view: Any, request: Any, *args: Any, **kwargs: Any) -> Response:
        refuse_guesser(request)
        try:
            return action(view, request, *args, **kwargs)
        except (CouponUnknown, PromoUnknown):
            count_guess(request)
            raise

    return wrapped


def refuse_guesser(request: Any) -> None:
    if throttle.used(NAME, str(request.user.pk)) >= MOST:
        raise TooMany(retry_after=SECONDS)


def count_guess(request: Any) -> None:
    throttle.hit(NAME, str(request.user.pk), MOST, SECONDS)
