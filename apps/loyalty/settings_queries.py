"""The numbers of the programme, kept in the process for a few seconds: every purchase asks."""

from datetime import datetime
from time import monotonic

from apps.loyalty import rules
from apps.loyalty.models import LoyaltySettings

KEPT_FOR = 5.0  # seconds: a change is felt everywhere after so long
_kept: list[tuple[float, LoyaltySettings]] = []


def current() -> LoyaltySettings:
    """The row that an admin may change; the defaults while it is missing."""
    for until, row in _kept:
        if monotonic() < until:
            return row
    row = LoyaltySettings.objects.filter(pk=1).first() or LoyaltySettings(pk=1)
    _kept[:] = [(monotonic() + KEPT_FOR, row)]
    return row


def forget() -> None:
    """Read it anew next time."""
    _kept.clear()


def share_of_bill(business_share: int) -> int:
    """Percent of a bill that bonuses may pay: the stricter of the partner's share and the
    network's."""
    return min(business_share, current().bonus_share)


def expiry_of(activates_at: datetime) -> datetime:
    """The first moment at which bonuses that wake at `activates_at` can no longer be spent."""
    return rules.expiry(activates_at=activates_at, life_days=current().life_days)
