"""Every write of sales: one transaction over money, coupons and promo."""

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from apps.accounts import rights
from apps.accounts.models import StatusTier, User
from apps.businesses.models import Business, Location, State
from apps.core import audit, outbox, rows, sealing
from apps.core.errors import Forbidden, Invalid, NotFound, Refused
from apps.core.facts import PurchaseRecorded
from apps.core.ids import new_id
from apps.loyalty.queries import balance_of
from apps.loyalty.services import (
    Posted,
    earn_for_purchase,
    lock_wallet_and_stops,
    update_status_tier,
)
from apps.transactions import rules
from apps.transactions.models import Source, Transaction, TransactionItem
from apps.transactions.services import promo
from apps.transactions.services.flags import flag_owner_spend, flag_sale
from apps.transactions.services.spending import Agreed, Spend, agree, most_of, note, take

ZERO = Decimal("0.00")
TWIN = "SELECT id FROM transactions_transaction WHERE business_id = %s AND key = %s"


class MomentInvalid(Invalid):
    field = "occurredAt"
    message = _("The date of the sale lies in the future or too far back.")


class AmountOverLimit(Invalid):
    field = "amount"
    message = _("The sum is over this partner's limit for one sale: %(limit)s ₽.")


class NotAtOwnTill(Forbidden):
    message = _("A sale to oneself is entered by a colleague.")


class CardPaused(Refused):
    """Her account is blocked. What a partner's own system brings still counts: it has happened,
    and she cannot spend it."""

    code = "WRONG_STATE"
    message = _(
        "The guest's card is paused: nothing is earned or paid with it until support helps."
    )


class BusinessClosed(Refused):
    code = "WRONG_STATE"
    message = _("This partner does not take sales now.")


class SaleKeyReused(Refused):
    code = "IDEMPOTENCY_MISMATCH"
    message = _("This sale was recorded with other data. Nothing was changed.")


class PriceChanged(Refused):
    code = "STALE"
    message = _("The sum has changed since it was shown. Look at it again.")


@dataclass(frozen=True)
class Item:
    """One line of a receipt."""

    name: str
    category: str
    quantity: Decimal
    price: Decimal


@dataclass(frozen=True)
class Quote:
    """What a sale would do: sums in ₽, bonuses, the rate in basis points; `most_spendable` of the
    bill after coupons; `price` is what a sale must still come to. Nothing is written."""

    amount: Decimal
    discount: Decimal
    bonus_spent: Decimal
    to_pay: Decimal
    bonus_accrued: Decimal
    rate_bp: int
    tier: StatusTier
    available: Decimal
    most_spendable: Decimal
    pending_until: datetime | None
    price: str


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A sale as its caller asks for it."""

    business: Business
    member: User
    amount: Decimal
    occurred_at: datetime
    by: User | None
    key: str
    source: Source | str = Source.TILL
    receipt_number: str = ""
    location: Location | None = None
    items: Sequence[Item] = ()
    spend: Spend | None = None
    coupon_codes: Sequence[str] = ()
    price: str = ""
    is_all: bool = False
    recorded_at: datetime | None = None


def quote_purchase(
    *,
    business: Business,
    member: User,
    amount: Decimal,
    at: datetime,
    by: User | None,
    items: Sequence[Item] = (),
    spend: Spend | None = None,
    coupon_codes: Sequence[str] = (),
) -> Quote:
    """What would be charged and earned: the sale itself, rolled back. It asks for no proof of a
    spending yet. Raises as `record_purchase` would."""
    asked = Asked(
        business=business,
        member=copy(member),  # her tier may move inside, and moves back with the rest
        amount=amount,
        occurred_at=at,
        by=by,
        key=f"quote:{new_id()}",
        items=items,
        spend=spend,
        coupon_codes=coupon_codes,
    )
    check_sale(asked)
    available = balance_of(member.pk, at=timezone.now()).available
    with transaction.atomic():
        done = _record(asked, only_quote=True)
        transaction.set_rollback(True)
    sale = done.sale
    return Quote(
        amount=sale.amount,
        discount=sale.discount,
        bonus_spent=sale.bonus_spent,
        to_pay=sale.to_pay,
        bonus_accrued=sale.bonus_accrued,
        rate_bp=done.rate_bp,
        tier=member.tier,
        available=available,
        most_spendable=most_of(business, sale.amount - sale.discount),
        pending_until=sale.pending_until,
        price=price_of(sale),
    )


def price_of(sale: Transaction) -> str:
    """What a quote promised and a sale must keep: a digest of its sums."""
    sums = (sale.amount, sale.discount, sale.bonus_spent, sale.to_pay, sale.bonus_accrued)
    said = "|".join([str(sale.business_id), str(sale.member_id), *(f"{one:.2f}" for one in sums)])
    return sealing.pepper_hash(said, purpose="transactions.price")[:32]


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
    spend: Spend | None = None,
    coupon_codes: Sequence[str] = (),
    price: str = "",
    is_all: bool = False,
    recorded_at: datetime | None = None,
) -> Transaction:
    """Record a sale of `amount` ₽: coupons, payment with bonuses, accrual on the money actually
    paid, the tier, the listeners; all of it or nothing. The same (business, key) again answers with
    the first sale and writes nothing. `by` None is the machine room (imports, CRM), `recorded_at` a
    made-up past. With `price` of a quote it must come to the same sums. `is_all`: a refusal ends
    the transaction around, so a savepoint is not needed in it.
    Raises Forbidden, CardPaused, AmountOverLimit, MomentInvalid, BusinessClosed, SaleKeyReused,
    PriceChanged, and for `spend` what `spending.agree` and `spending.take` raise.
    """
    asked = Asked(
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
        spend=spend,
        coupon_codes=coupon_codes,
        price=price,
        is_all=is_all,
        recorded_at=recorded_at,
    )
    check_sale(asked)
    return _all_or_nothing(asked)


def _all_or_nothing(asked: Asked) -> Transaction:
    try:
        with transaction.atomic(savepoint=not asked.is_all):
            return _record(asked).sale
    except IntegrityError as clash:
        # Another member's sale took this key while we waited on our own wallet.
        if "one_sale_per_key" in str(clash):
            raise SaleKeyReused from clash
        raise


@dataclass(frozen=True)
class _Done:
    sale: Transaction
    rate_bp: int = 0


def _record(asked: Asked, *, only_quote: bool = False) -> _Done:
    business, member, by = asked.business, asked.member, asked.by
    # The lock serialises the member: a twin of this call waits here and then finds our row.
    locked = lock_wallet_and_stops(member.pk)
    first = _twin(business, asked.key)
    if first:
        return _Done(same_sale(first, member=member, amount=asked.amount))
    now, sale_id = asked.recorded_at or timezone.now(), new_id()
    coupons = promo.redeem(
        codes=asked.coupon_codes,
        business=business,
        member=member,
        amount=asked.amount,
        sale_id=sale_id,
        by=by,
        at=now,
    )
    bill = asked.amount - coupons.discount
    agreed, spent = _spend(asked, bill=bill, sale_id=sale_id, at=now, only_quote=only_quote)
    to_pay = bill - (agreed.amount if agreed else ZERO)
    earned = earn_for_purchase(
        member=member,
        business=business,
        paid=to_pay,
        key=str(sale_id),
        occurred_at=asked.occurred_at,
        posted_at=now,
        categories=[] if business.is_clinic else [item.category for item in asked.items],
        locked=locked,
    )
    sale = Transaction(
        id=sale_id,
        business=business,
        location=asked.location,
        member=member,
        amount=asked.amount,
        discount=coupons.discount,
        bonus_spent=agreed.amount if agreed else ZERO,
        to_pay=to_pay,
        bonus_accrued=earned.amount,
        source=asked.source,
        key=asked.key,
        receipt_number=asked.receipt_number,
        entered_by=by,
        pending_until=pending_until_of(earned, now),
        occurred_at=asked.occurred_at,
        recorded_at=now,
    )
    rows.insert(sale)
    if asked.price and asked.price != price_of(sale):
        raise PriceChanged
    if agreed and spent:
        note(agreed, sale=sale, posted=spent, at=now)
    _finish(asked, sale)
    return _Done(sale, earned.rate_bp)


def _spend(
    asked: Asked, *, bill: Decimal, sale_id: UUID, at: datetime, only_quote: bool
) -> tuple[Agreed | None, Posted | None]:
    if asked.spend is None:
        return None, None
    business, member = asked.business, asked.member
    agreed = agree(
        asked.spend,
        business=business,
        member=member,
        bill=bill,
        by=asked.by,
        at=at,
        only_quote=only_quote,
    )
    return agreed, take(agreed, business=business, member=member, sale_id=sale_id, at=at)


def _finish(asked: Asked, sale: Transaction) -> None:
    """What follows from a sale that is in the books."""
    if asked.items and not sale.business.is_clinic:
        TransactionItem.objects.bulk_create(
            TransactionItem(transaction=sale, **vars(item)) for item in asked.items
        )
    update_status_tier(sale.member, at=max(sale.occurred_at, sale.recorded_at))
    sale.brought = promo.give_new(sale)
    if asked.by:
        flag_sale(sale, by=asked.by)
        if asked.spend and asked.spend.reason:
            flag_owner_spend(sale, by=asked.by)
    audit.record(
        asked.by,
        "transactions.record",
        "transaction",
        sale.pk,
        business_id=sale.business_id,
        reason=asked.spend.reason if asked.spend else "",
        changed={"amount": str(sale.amount), "accrued": str(sale.bonus_accrued)},
    )
    outbox.publish(fact_of(sale))


def check_sale(asked: Asked) -> None:
    if asked.by is not None:
        if not asked.by.has_perm(rights.SELL, asked.business):
            raise NotFound  # another tenant's business does not exist for her
        if asked.by.pk == asked.member.pk:
            raise NotAtOwnTill
        if not asked.member.is_active:
            raise CardPaused
    if asked.business.state != State.ACTIVE:
        raise BusinessClosed
    if asked.amount > asked.business.max_sale:
        raise AmountOverLimit(limit=f"{asked.business.max_sale:.0f}")
    if not rules.is_believable_moment(asked.occurred_at, now=timezone.now()):
        raise MomentInvalid


def _twin(business: Business, key: str) -> Transaction | None:
    row = rows.first(TWIN, [business.pk, key])  # almost always in vain
    return Transaction.objects.get(pk=row[0]) if row else None


def same_sale(first: Transaction, *, member: User, amount: Decimal) -> Transaction:
    if first.member_id != member.pk or first.amount != amount:
        raise SaleKeyReused
    return first


def pending_until_of(earned: Posted, now: datetime) -> datetime | None:
    return earned.activates_at if earned.activates_at and earned.activates_at > now else None


def fact_of(sale: Transaction) -> PurchaseRecorded:
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
