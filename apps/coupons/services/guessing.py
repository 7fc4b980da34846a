"""Guessing codes: whoever names too many that do not exist waits, at whichever entrance."""

from collections.abc import Iterator
from contextlib import contextmanager

from apps.accounts.models import User
from apps.core import throttle
from apps.core.errors import TooMany
from apps.coupons.services.issuing import PromoUnknown
from apps.coupons.services.redeeming import CouponUnknown

NAME, MOST, SECONDS = "coupons.guess", 20, 600


@contextmanager
def guesses_counted(*, by: User, codes: object = True) -> Iterator[None]:
    """Count an unknown code that the body is refused for; without `codes` nobody guesses. Stands
    outside of the transaction, whose rollback must not undo the counting. Raises TooMany."""
    if codes:
        refuse_guesser(by=by)
    try:
        yield
    except (CouponUnknown, PromoUnknown):
        count_guess(by=by)
        raise


def refuse_guesser(*, by: User) -> None:
    """Raises TooMany when she has named 20 unknown codes within 10 minutes."""
    if throttle.used(NAME, str(by.pk)) >= MOST:
        raise TooMany(retry_after=SECONDS)


def count_guess(*, by: User) -> None:
    throttle.hit(NAME, str(by.pk), MOST, SECONDS)
