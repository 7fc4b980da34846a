"""The limit of guesses around a view."""

import functools
from collections.abc import Callable
from typing import Any

from rest_framework.response import Response

from apps.coupons import services


def limited(action: Callable[..., Response]) -> Callable[..., Response]:
    """Wrap a view method, outside of `@idempotent`: its refusal must not undo the counting."""

    @functools.wraps(action)
    def wrapped(view: Any, request: Any, *args: Any, **kwargs: Any) -> Response:
        with services.guesses_counted(by=request.user):
            return action(view, request, *args, **kwargs)

    return wrapped
