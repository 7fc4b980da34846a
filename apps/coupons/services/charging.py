"""Who owes whom for a discount: written here, settled with the bonuses of the month."""

from collections.abc import Sequence
from datetime import datetime

from apps.coupons.enums import ChargeKind
from apps.coupons.models import Charge, Redemption
from apps.loyalty.models import LineKind
from apps.loyalty.services import Owed, claim, unclaim

KINDS = {ChargeKind.SHARE: LineKind.DISCOUNT, ChargeKind.FEE: LineKind.FEE}


def charge(redemption: Redemption, charges: Sequence[Charge], *, at: datetime) -> None:
    """Write what a use of a coupon makes partners owe each other."""
    Charge.objects.bulk_create(charges)
    claim(owed=[_owed(one) for one in charges], ref=redemption.pk, at=at)


def discharge(redemption: Redemption, charges: Sequence[Charge], *, at: datetime) -> None:
    """These charges of a use no longer stand: nobody owes anybody for them."""
    unclaim(owed=[_owed(one) for one in charges], ref=redemption.pk, at=at)


def _owed(one: Charge) -> Owed:
    return Owed(one.payer_id, one.payee_id, KINDS[ChargeKind(one.kind)], one.amount)
