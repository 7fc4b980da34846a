"""A chain tried out: one guest played through its live path."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import connection
from django.db import transaction as db

from apps.accounts.models import User
from apps.businesses.models import Business
from apps.core.errors import NotFound
from apps.core.ids import new_id
from apps.coupons.models import Charge, Coupon, Redemption
from apps.coupons.services import redeem_for_sale
from apps.crosspromo import queries, sql
from apps.crosspromo.enums import Arm, ChainState, VersionState
from apps.crosspromo.models import Chain, Run, Version
from apps.crosspromo.services.triggers import evaluate_chain_trigger, mint_next_steps, why_not
from apps.loyalty.services import lock_wallet

ZERO = Decimal("0.00")
BILL = Decimal("3000.00")


@dataclass
class _Purchase:
    """A purchase that nobody made: what a chain needs to know of one."""

    pk: UUID
    business: Business
    member_id: UUID
    to_pay: Decimal
    occurred_at: datetime
    items: Any


@dataclass(frozen=True)
class Payment:
    """Who pays whom how many ₽, and whether for a discount or as a fee."""

    payer: Business
    payee: Business
    kind: str
    amount: Decimal


@dataclass(frozen=True)
class Played:
    """A station of the path. `outcome`: coupon, held_out, fork (another of its coupons was used) or
    nothing: the purchase sets nothing off, for `reason` (amount, visit, or given: the budget or a
    missing consent)."""

    sender: Business
    receiver: Business | None
    outcome: str
    discount: Decimal = ZERO
    bonus: Decimal = ZERO
    payments: list[Payment] = field(default_factory=list)
    reason: str = ""


def play_chain(
    *, version: Version, member: User, amount: Decimal | None = None, at: datetime
) -> list[Played]:
    """What this member would go through: the live code itself, in a transaction that is rolled
    back. She buys for `amount` ₽ (None: enough for every step) wherever the path leads, and uses
    every coupon there."""
    with db.atomic():
        _make_live(version)
        lock_wallet(member.pk)
        # What she went through before would only keep her out: she is played as if new to it.
        Run.objects.filter(member=member, version__chain_id=version.chain_id).update(undone_at=at)
        least = [step.min_amount for step in version.steps.all()]
        played = _play(version, member, max(BILL, *least) if amount is None else amount, at=at)
        db.set_rollback(True)
    return played


def _make_live(version: Version) -> None:
    others = Version.objects.filter(chain_id=version.chain_id, state=VersionState.LIVE)
    others.exclude(pk=version.pk).update(state=VersionState.RETIRED)
    Version.objects.filter(pk=version.pk).update(
        state=VersionState.LIVE, published_at=version.published_at or version.created_at
    )
    Chain.objects.filter(pk=version.chain_id).update(state=ChainState.LIVE, stop_at=None)


def _play(version: Version, member: User, amount: Decimal, *, at: datetime) -> list[Played]:
    step = version.steps.select_related("from_business").order_by("number").first()
    if step is None:
        return []
    line = _Line(step.category)
    bought = _Purchase(new_id(), step.from_business, member.pk, amount, at, line)
    coupons = [
        coupon
        for coupon in evaluate_chain_trigger(bought)
        if coupon.campaign_id in {one.campaign_id for one in version.steps.all()}
    ]
    if not coupons:
        if Run.objects.filter(version=version, trigger_id=bought.pk, arm=Arm.CONTROL).exists():
            return [Played(step.from_business, None, "held_out")]
        reason = why_not(step, bought) or "given"
        return [Played(step.from_business, None, "nothing", reason=reason)]
    stations = []
    for coupon in coupons:
        station = _use(coupon, step.from_business, member, amount)
        if station:
            stations.append(station)
            stations += _further(version, coupon, member, amount)
    return stations


@dataclass(frozen=True)
class _Line:
    """The receipt of a played purchase: one line, of the category that the step asks for."""

    category: str
    is_there: bool = True

    def filter(self, *, category__iexact: str) -> "_Line":
        return replace(self, is_there=category__iexact.lower() == self.category.lower())

    def exists(self) -> bool:
        return self.is_there


def _use(coupon: Coupon, sender: Business, member: User, amount: Decimal) -> Played | None:
    coupon.refresh_from_db()
    receiver = coupon.campaign.business
    if coupon.state != "active":  # of a fork another one was used
        return Played(sender, receiver, "fork")
    redeem_for_sale(
        codes=[coupon.code],
        business=receiver,
        member=member,
        amount=max(amount, coupon.campaign.min_amount),
        sale_id=new_id(),
        by=None,
        at=coupon.valid_from,
    )
    used = Redemption.objects.get(coupon=coupon, returned_at__isnull=True)
    charges = Charge.objects.filter(redemption=used).select_related("payer", "payee").order_by("pk")
    return Played(
        sender,
        receiver,
        "coupon",
        used.discount,
        used.bonus,
        [Payment(one.payer, one.payee, one.kind, one.amount) for one in charges],
    )


def _further(version: Version, used: Coupon, member: User, amount: Decimal) -> list[Played]:
    """The next steps of a path, as the clock would mint them."""
    stations: list[Played] = []
    while True:
        known = set(Coupon.objects.filter(member=member).values_list("pk", flat=True))
        due = used.valid_from + timedelta(days=version.return_days, minutes=1)
        mint_next_steps(at=due, only=version)
        following = Coupon.objects.filter(
            member=member, campaign__in=version.steps.values("campaign")
        ).exclude(pk__in=known)
        coupon = following.select_related("campaign__business").first()
        if coupon is None:
            return stations
        station = _use(coupon, used.campaign.business, member, amount)
        if station:
            stations.append(station)
        used = coupon


# --- who may be played ---------------------------------------------------------------------------
def guest_to_play(*, chain: Chain, by: User, member_id: UUID | None) -> User:
    """Whom she may play: a guest of a business of the chain that she manages (the latest one when
    she names nobody). Raises NotFound."""
    own = [one.pk for one in queries.own_places(chain, by)]
    if member_id is None:
        found = _first(sql.LATEST_GUEST, {"business": own[0]}) if own else None
    else:
        values = {"member": member_id, "businesses": own}
        found = member_id if _first(sql.IS_GUEST, values) else None
    member = User.objects.filter(pk=found).first() if found else None
    if member is None:
        raise NotFound
    return member


def _first(statement: str, values: dict[str, Any]) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        row = cursor.fetchone()
    return row[0] if row else None
