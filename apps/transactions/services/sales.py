"""Every write of sales: one transaction over money, coupons and promo."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.db import IntegrityError, connection, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from apps.accounts import rights
from apps.accounts.models import StatusTier, User
from apps.businesses.models import Business, Location, State
from apps.core import audit, outbox
from apps.core.errors import Forbidden, Invalid, NotFound, Refused
from apps.core.facts import PurchaseRecorded
from apps.core.ids import new_id
from apps.loyalty.queries import balance_of
from apps.loyalty.services import (
    Posted,
    calculate_bonus,
    earn_for_purchase,
    lock_wallet,
    update_status_tier,
)
from apps.transactions import rules
from apps.transactions.models import Source, Transaction, TransactionItem

TWIN = "SELECT id FROM transactions_transaction WHERE business_id = %s AND key = %s"


class MomentInvalid(Invalid):
    field = "occurredAt"
    message = _("The date of the sale lies in the future or too far back.")


class AmountOverLimit(Invalid):
    field = "amount"
    message = _("The sum is over this partner's limit for one sale: %(limit)s ₽.")


class NotAtOwnTill(Forbidden):
    message = _("A sale to oneself is entered by a colleague.")


class BusinessClosed(Refused):
    code = "WRONG_STATE"
    message = _("This partner does not take sales now.")


class SaleKeyReused(Refused):
    code = "IDEMPOTENCY_MISMATCH"
    message = _("This sale was recorded with other data. Nothing was changed.")


@dataclass(frozen=True)
class Quote:
    """What a sale would do: sums in ₽, bonuses, the rate in basis points. Nothing is written."""

    amount: Decimal
    to_pay: Decimal
    bonus_accrued: Decimal
    rate_bp: int
    tier: StatusTier
    available: Decimal


@dataclass(frozen=True)
class Item:
    """One line of a receipt."""

    name: str
    category: str
    quantity: Decimal
    price: Decimal


def quote_purchase(
    *, business: Business, member: User, amount: Decimal, at: datetime, by: User | None
) -> Quote:
    """What would be charged and earned. Raises as `record_purchase` would."""
    _check(business=business, member=member, amount=amount, occurred_at=at, by=by)
    return Quote(
        amount=amount,
        to_pay=amount,
        bonus_accrued=calculate_bonus(amount, member, business),
        rate_bp=member.tier.rate_bp,
        tier=member.tier,
        available=balance_of(member.pk, at=at).available,
    )


def record_purchase(  # noqa: PLR0913 - the columns of a sale
    *,
    business: Business,
    member: User,
    amount: Decimal,
    occurred_at: datetime,
    by: User | None,
    key: str,
    source: Source | str = Source.TILL,
    receipt_number: str = "",
    location: Location | None = None,
    items: Sequence[Item] = (),
) -> Transaction:
    """Record a sale of `amount` ₽: accrue bonuses, move the tier, tell the listeners.

    The same (business, key) again answers with the first sale and writes nothing. `by` None is
    the machine room (imports, CRM). Raises Forbidden, AmountOverLimit, MomentInvalid,
    BusinessClosed, SaleKeyReused.
    """
    _check(business=business, member=member, amount=amount, occurred_at=occurred_at, by=by)
    try:
        return _record(
            business=business,
            member=member,
            amount=amount,
            occurred_at=occurred_at,
            by=by,
            key=key,
            source=source,
            receipt_number=receipt_number,
            location=location,
            items=items,
        )
    except IntegrityError as clash:
        # Another member's sale took this key while we waited on our own wallet.
        if "one_sale_per_key" in str(clash):
            raise SaleKeyReused from clash
        raise


@transaction.atomic
def _record(  # noqa: PLR0913 - the columns of a sale
    *,
    business: Business,
    member: User,
    amount: Decimal,
    occurred_at: datetime,
    by: User | None,
    key: str,
    source: Source | str,
    receipt_number: str,
    location: Location | None,
    items: Sequence[Item],
) -> Transaction:
    # The lock serialises the member: a twin of this call waits here and then finds our row.
    lock_wallet(member.pk)
    first = _twin(business, key)
    if first:
        return _same_sale(first, member=member, amount=amount)
    recorded_at = timezone.now()
    sale_id = new_id()
    earned = earn_for_purchase(
        member=member,
        business=business,
        paid=amount,
        key=str(sale_id),
        occurred_at=occurred_at,
        posted_at=recorded_at,
    )
    sale = Transaction.objects.create(
        id=sale_id,
        business=business,
        location=location,
        member=member,
        amount=amount,
        to_pay=amount,
        bonus_accrued=earned.amount,
        source=source,
        key=key,
        receipt_number=receipt_number,
        entered_by=by,
        pending_until=_pending_until(earned, recorded_at),
        occurred_at=occurred_at,
        recorded_at=recorded_at,
    )
    if items and not business.is_clinic:
        TransactionItem.objects.bulk_create(
            TransactionItem(transaction=sale, **vars(item)) for item in items
        )
    update_status_tier(member, at=max(occurred_at, recorded_at))
    audit.record(
        by,
        "transactions.record",
        "transaction",
        sale.pk,
        business_id=business.pk,
        changed={"amount": str(amount), "accrued": str(earned.amount)},
    )
    outbox.publish(_fact(sale))
    return sale


def _check(
    *, business: Business, member: User, amount: Decimal, occurred_at: datetime, by: User | None
) -> None:
    if by is not None:
        if not by.has_perm(rights.SELL, business):
            raise NotFound  # another tenant's business does not exist for her
        if by.pk == member.pk:
            raise NotAtOwnTill
    if business.state != State.ACTIVE:
        raise BusinessClosed
    if amount > business.max_sale:
        raise AmountOverLimit(limit=f"{business.max_sale:.0f}")
    if not rules.is_believable_moment(occurred_at, now=timezone.now()):
        raise MomentInvalid


def _twin(business: Business, key: str) -> Transaction | None:
    # Asked at every sale and almost always in vain: building this query and reading its columns
    # was a quarter of the processor time that a sale costs here.
    with connection.cursor() as cursor:
        cursor.execute(TWIN, [business.pk, key])
        row = cursor.fetchone()
    return Transaction.objects.get(pk=row[0]) if row else None


def _same_sale(first: Transaction, *, member: User, amount: Decimal) -> Transaction:
    if first.member_id != member.pk or first.amount != amount:
        raise SaleKeyReused
    return first


def _pending_until(earned: Posted, now: datetime) -> datetime | None:
    return earned.activates_at if earned.activates_at and earned.activates_at > now else None


def _fact(sale: Transaction) -> PurchaseRecorded:
    return PurchaseRecorded(
        transaction_id=str(sale.pk),
        business_id=str(sale.business_id),
        location_id=str(sale.location_id) if sale.location_id else None,
        member_id=str(sale.member_id),
        category=sale.business.category,
        kind="purchase",
        amount=f"{sale.amount:.2f}",
        to_pay=f"{sale.to_pay:.2f}",
        bonus_accrued=f"{sale.bonus_accrued:.2f}",
        bonus_spent=f"{sale.bonus_spent:.2f}",
        occurred_at=sale.occurred_at.isoformat(),
        zone=sale.business.zone,
        source=str(sale.source),
    )


def find_sale(*, sale_id: UUID, user: User) -> Transaction:
    """A sale that this person may see: her own, or one of a business where she works.

    Raises NotFound for anything else: another tenant's sale does not exist for her.
    """
    sale = Transaction.objects.select_related("business", "member__tier").filter(pk=sale_id).first()
    if sale is None:
        raise NotFound
    if sale.member_id != user.pk and not user.has_perm(rights.SELL, sale.business):
        raise NotFound
    return sale
