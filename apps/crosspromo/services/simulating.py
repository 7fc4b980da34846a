"""A chain tried out: one guest played through its live path, and 90 days replayed."""

from collections import defaultdict
from dataclasses import dataclass, field
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
from apps.core.money import from_kopecks, to_kopecks
from apps.coupons import rules as coupon_rules
from apps.coupons.models import Charge, Coupon, Redemption
from apps.coupons.rules import is_held_out
from apps.coupons.services import redeem_for_sale
from apps.crosspromo import queries, sql
from apps.crosspromo.enums import ChainState, VersionState
from apps.crosspromo.models import Chain, Run, Step, Version
from apps.crosspromo.services.chains import create_chain
from apps.crosspromo.services.drafts import ChainDraft
from apps.crosspromo.services.triggers import evaluate_chain_trigger, mint_next_steps
from apps.loyalty.services import lock_wallet

ZERO = Decimal("0.00")
BILL = Decimal("3000.00")
DAYS = 90


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
    """A station of the path. `outcome`: nothing (the purchase sets nothing off), held_out, coupon."""

    sender: Business
    receiver: Business | None
    outcome: str
    discount: Decimal = ZERO
    bonus: Decimal = ZERO
    payments: list[Payment] = field(default_factory=list)


def play_chain(
    *, version: Version, member: User, amount: Decimal = BILL, at: datetime
) -> list[Played]:
    """What this member would go through: the live code itself, in a transaction that is rolled
    back. She buys for `amount` ₽ wherever the path leads and uses every coupon there."""
    with db.atomic():
        _make_live(version)
        lock_wallet(member.pk)
        # What she went through before would only keep her out: she is played as if new to it.
        Run.objects.filter(member=member, version__chain_id=version.chain_id).update(undone_at=at)
        played = _play(version, member, amount, at=at)
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
    bought = _Purchase(new_id(), step.from_business, member.pk, amount, at, _NoLines())
    coupons = [
        coupon
        for coupon in evaluate_chain_trigger(bought)
        if coupon.campaign_id in {one.campaign_id for one in version.steps.all()}
    ]
    if not coupons:
        held = Run.objects.filter(version=version, trigger_id=bought.pk).exists()
        return [Played(step.from_business, None, "held_out" if held else "nothing")]
    stations = []
    for coupon in coupons:
        station = _use(coupon, step.from_business, member, amount)
        if station:
            stations.append(station)
            stations += _further(version, coupon, member, amount)
    return stations


class _NoLines:
    """A receipt without lines: a step that asks for a category is not set off."""

    def filter(self, **_: Any) -> "_NoLines":
        return self

    def exists(self) -> bool:
        return False


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


# --- replay ---------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Replayed:
    """A step over past purchases: how many would have set it off, how many guests would have been
    held out, and of the coupons those whose guests then bought at the receiver anyway: what these
    cost and who pays. More would come because of the coupon; `most` is the cost if all did."""

    step: Step
    triggered: int
    held_out: int
    coupons: int
    used: int
    discount: Decimal
    bonus: Decimal
    most: Decimal | None
    payments: list[Payment]
    without_category: bool


def replay_chain(*, version: Version, at: datetime, days: int = DAYS) -> list[Replayed]:
    """The last `days` through the version's terms: cool-downs, visit numbers and arms as they would
    have been; receipts' lines are not looked at. Nothing is written."""
    steps = version.steps.select_related(
        "from_business", "to_business", "campaign__sender"
    ).prefetch_related("campaign__funders__business")
    return [_replay(version, step, at=at, days=days) for step in steps.order_by("number")]


def _replay(version: Version, step: Step, *, at: datetime, days: int) -> Replayed:
    seen: dict[UUID, datetime] = {}
    triggered = held = 0
    bills: list[Decimal | None] = []
    for member_id, moment, _paid, visit, later in _purchases(step, at=at, days=days):
        if not _would_fire(step, visit):
            continue
        last = seen.get(member_id)
        if last and moment < last + timedelta(days=version.cooldown_days):
            continue
        seen[member_id] = moment
        triggered += 1
        if is_held_out(salt=str(version.pk), member_id=member_id, percent=version.holdout_percent):
            held += 1
            continue
        bills.append(from_kopecks(int(later)) if later else None)
    return _sum_up(step, triggered, held, bills)


def _purchases(step: Step, *, at: datetime, days: int) -> list[tuple[Any, ...]]:
    values: dict[str, Any] = {
        "sender": step.from_business_id,
        "receiver": step.to_business_id,
        "since": at - timedelta(days=days),
        "at": at,
        "min_paid": to_kopecks(step.min_amount),
        "min_bill": to_kopecks(step.campaign.min_amount),
        "delay": timedelta(hours=step.delay_hours),
        "valid": timedelta(days=step.campaign.valid_days or 0),
    }
    with connection.cursor() as cursor:
        cursor.execute(sql.REPLAY, values)
        return [tuple(row) for row in cursor.fetchall()]


def _would_fire(step: Step, visit: int) -> bool:
    if step.first_visit:
        return visit == 1
    return not step.every_nth or visit % step.every_nth == 0


def _sum_up(step: Step, triggered: int, held: int, bills: list[Decimal | None]) -> Replayed:
    campaign = step.campaign
    terms = coupon_rules.Terms("", campaign.benefit, campaign.value, campaign.max_discount)
    used = [bill for bill in bills if bill is not None]
    discounts = [coupon_rules.discount(terms, bill=bill, left=bill) for bill in used]
    bonus = campaign.value * len(used) if campaign.benefit == "bonus" else ZERO
    most = campaign.largest_cost
    return Replayed(
        step=step,
        triggered=triggered,
        held_out=held,
        coupons=len(bills),
        used=len(used),
        discount=sum(discounts, ZERO),
        bonus=bonus,
        most=None if most is None else most * len(bills),
        payments=_payments(step, discounts, len(used)),
        without_category=bool(step.category),
    )


def _payments(step: Step, discounts: list[Decimal], used: int) -> list[Payment]:
    """Reckoned per coupon and then summed, as the settlement does it."""
    funders = sorted(step.campaign.funders.all(), key=lambda funder: funder.pk)
    totals: dict[UUID, Decimal] = defaultdict(lambda: ZERO)
    for discount in discounts:
        parts = coupon_rules.split(discount, [funder.share for funder in funders])
        for funder, part in zip(funders, parts, strict=True):
            totals[funder.business_id] += part
    rows = [
        Payment(funder.business, step.to_business, "share", totals[funder.business_id])
        for funder in funders
        if totals[funder.business_id]
    ]
    fee = step.campaign.fee * used
    if fee:
        rows.append(Payment(step.to_business, step.from_business, "fee", fee))
    return rows


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


# --- before it is proposed ------------------------------------------------------------------------
@dataclass(frozen=True)
class Tried:
    """A chain that nobody has proposed yet: a guest's path through it, past purchases replayed."""

    played: list[Played]
    replayed: list[Replayed]


@db.atomic
def try_chain(*, draft: ChainDraft, by: User, at: datetime) -> Tried:
    """Write the chain, play and replay it, undo everything. Without a guest of hers only the replay
    is answered. Raises what `create_chain` does."""
    with db.atomic():
        chain = create_chain(draft=draft, by=by, at=at)
        version = chain.versions.get()
        replayed = replay_chain(version=version, at=at)
        try:
            guest = guest_to_play(chain=chain, by=by, member_id=None)
        except NotFound:
            played = []
        else:
            played = play_chain(version=version, member=guest, at=at)
        db.set_rollback(True)
    return Tried(played, replayed)
