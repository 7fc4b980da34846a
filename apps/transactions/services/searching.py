"""Asking about people by phone. A till is no directory: the numbers that one person and one business
may ask about are counted, at whichever entrance."""

from uuid import UUID

from apps.accounts.models import User
from apps.core import throttle

HOUR, DAY = 3600, 86400
SEARCHES = ((60, HOUR), (300, DAY))  # numbers that one person may ask about
BUSINESS_SEARCHES = 3000  # a day, all people of a business together
ANY = 1_000_000


def search_wait(*, by: User, business_id: UUID, phone: str) -> int:
    """Count a number; 0 when she may ask about it, else the seconds to wait. The number that she
    asked about within the hour, as a quote and its sale do, is not counted again. Stands outside
    of the transaction that a refusal takes back."""
    asked = throttle.Bucket("till.searched", f"{by.pk}:{phone}", ANY, HOUR)
    if throttle.used(asked.name, asked.key):
        return 0
    hers = [
        throttle.Bucket(f"till.search.{seconds}", str(by.pk), limit, seconds)
        for limit, seconds in SEARCHES
    ]
    here = throttle.Bucket("till.search.business", str(business_id), BUSINESS_SEARCHES, DAY)
    return throttle.take([*hers, here, asked]).wait
