"""A purchase triggers chains: inside the sale's transaction, database only, never fatal to it."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Protocol
from uuid import UUID

import structlog
from django.db import transaction as db
from django.utils import timezone

from apps.accounts.enums import ConsentPurpose
from apps.accounts.queries import has_consent
from apps.businesses.models import Business
from apps.core import outbox
from apps.core.facts import PromoSkipped
from apps.coupons import services as coupons
from apps.coupons.models import Coupon
from apps.coupons.rules import is_held_out
from apps.crosspromo import queries
from apps.crosspromo.enums import Arm, Bearer, ChainState, Fork, Topology
from apps.crosspromo.models import Mint, Run, Step, Version

log = structlog.get_logger(__name__)

# A purchase that the books learn of later than this (import, back-fill) triggers nothing.
FRESH = timedelta(days=2)
SAME_VISIT = timedelta(days=1)  # a coupon used so shortly before belongs to the same visit


class Sale(Protocol):
    """What a chain needs to know of a purchase: this app lies below sales."""

    pk: Any
    business: Business
    member_id: UUID
    to_pay: Decimal
    occurred_at: datetime
    items: Any


def evaluate_chain_trigger(transaction: Sale) -> list[Coupon]:
    """The coupons that this purchase brings its member, at once and in its own transaction.

    One run per (version, member, purchase): the same purchase again answers with the same coupons
    and mints nothing. A fault takes back its own writes alone and publishes PromoSkipped; the
    sale stands. The caller holds the member's wallet, so her cool-downs are reckoned one by one.
    """
    at = timezone.now()
    if not may_trigger(transaction.business, occurred_at=transaction.occurred_at, at=at):
        return []
    try:
        with db.atomic():
            return _evaluate(transaction, at=at)
    except Exception as fault:
        log.error("promo.skipped", sale=str(transaction.pk), exc_info=fault)
        outbox.publish(
            PromoSkipped(
                transaction_id=str(transaction.pk),
                reason=type(fault).__name__,
                at=at.isoformat(),
            )
        )
        return []


def may_trigger(business: Business, *, occurred_at: datetime, at: datetime) -> bool:
    """Whether a purchase there at that moment could set off a chain at all; False is certain. For
    batches: one look-up, and none for purchases of long ago."""
    return at - occurred_at <= FRESH and queries.has_steps(business)


def _evaluate(sale: Sale, *, at: datetime) -> list[Coupon]:
    steps = queries.entry_steps(sale.business, at=sale.occurred_at)
    if not steps or _is_secret(sale):
        return []
    fired = [step for step in steps if not why_not(step, sale)]
    versions: dict[UUID, list[Step]] = {}
    for step in fired:
        versions.setdefault(step.version_id, []).append(step)
    return [
        coupon
        for of_version in versions.values()
        for coupon in _run(of_version[0].version, of_version, sale, at=at)
    ]


def _is_secret(sale: Sale) -> bool:
    """What a visit to a clinic leads to needs her written consent (323-FZ art. 13)."""
    return sale.business.is_clinic and not has_consent(sale.member_id, ConsentPurpose.SPECIAL_DATA)


def why_not(step: Step, sale: Sale) -> str:
    """What keeps a purchase from setting a step off: amount, category or visit; "" nothing does."""
    if sale.to_pay < step.min_amount or sale.to_pay <= 0:
        return "amount"
    if step.category and not sale.items.filter(category__iexact=step.category).exists():
        return "category"
    if step.every_nth or step.first_visit:
        visits = queries.visits(sale.member_id, sale.business, until=sale.occurred_at)
        is_it = visits == 1 if step.first_visit else visits % int(step.every_nth or 1) == 0
        return "" if is_it else "visit"
    return ""


def _run(version: Version, steps: list[Step], sale: Sale, *, at: datetime) -> list[Coupon]:
    before = Run.objects.filter(
        version=version, member_id=sale.member_id, trigger_id=sale.pk
    ).first()
    if before:
        return queries.coupons_of_run(before)
    if _is_cooling(version, sale):
        return []
    depth = _depth(version, sale)
    if version.chain.topology == Topology.MUTUAL and depth > version.depth_limit:
        return []
    held = is_held_out(
        salt=str(version.pk), member_id=sale.member_id, percent=version.holdout_percent
    )
    run = Run.objects.create(
        version=version,
        member_id=sale.member_id,
        from_business=sale.business,
        trigger_id=sale.pk,
        arm=Arm.CONTROL if held else Arm.TREATED,
        depth=depth,
        at=sale.occurred_at,
    )
    if held:
        return []
    is_fork = version.chain.topology == Topology.FAN and version.fork == Fork.ONE_OF
    minted = [_mint(run, step, at=at, fork=run.pk if is_fork else None) for step in steps]
    return [coupon for coupon in minted if coupon]


def _mint(run: Run, step: Step, *, at: datetime, fork: UUID | None = None) -> Coupon | None:
    coupon = coupons.mint(
        campaign=step.campaign,
        member_id=run.member_id,
        at=at,
        valid_from=at + timedelta(hours=step.delay_hours),
        fork=fork,
    )
    if coupon:
        Mint.objects.create(run=run, step=step, coupon=coupon)
    return coupon


def _is_cooling(version: Version, sale: Sale) -> bool:
    """Every version of the chain counts, and the control arm as well as the treated one."""
    since = sale.occurred_at - timedelta(days=version.cooldown_days)
    return Run.objects.filter(
        version__chain_id=version.chain_id,
        member_id=sale.member_id,
        from_business=sale.business,
        at__gt=since,
        undone_at__isnull=True,
    ).exists()


def _depth(version: Version, sale: Sale) -> int:
    """1, or one more than the run whose coupon brought her here."""
    used = Mint.objects.filter(
        run__version__chain_id=version.chain_id,
        run__member_id=sale.member_id,
        step__to_business=sale.business,
        coupon__redeemed_at__gte=sale.occurred_at - SAME_VISIT,
    )
    return 1 + max(used.values_list("run__depth", flat=True), default=0)


def coupons_of_trigger(*, sale_id: UUID) -> list[Coupon]:
    """What this purchase brought, for an answer that is given again."""
    return queries.coupons_of_trigger(sale_id)


@db.atomic
def undo_chain_trigger(
    *, sale_id: UUID, at: datetime, amount_left: Decimal = Decimal(0)
) -> list[UUID]:
    """The purchase that triggered was returned, or so much of it that `amount_left` ₽ would not
    have triggered: its unused coupons are cancelled (their ids), what they reserved is free again.

    A coupon that was used stays used; its cost moves to whom the version names as bearer. The run
    no longer counts for cool-downs and figures.
    """
    open_runs = Run.objects.filter(trigger_id=sale_id, undone_at__isnull=True)
    runs = [run for run in open_runs if _is_undone(run, amount_left)]
    if not runs:
        return []
    Run.objects.filter(pk__in=[run.pk for run in runs]).update(undone_at=at)
    mints = Mint.objects.filter(run__in=runs).select_related("run__version", "step__from_business")
    minted = list(mints)
    cancelled = coupons.cancel_coupons(coupon_ids=[mint.coupon_id for mint in minted], at=at)
    _move_cost((mint for mint in minted if mint.coupon_id not in cancelled), at=at)
    return cancelled


def _is_undone(run: Run, amount_left: Decimal) -> bool:
    if amount_left <= 0:
        return True
    enough = Step.objects.filter(
        version_id=run.version_id,
        from_business_id=run.from_business_id,
        min_amount__lte=amount_left,
    )
    return not enough.exists()


def _move_cost(used: Iterable[Mint], *, at: datetime) -> None:
    for mint in used:
        # A clinic never stands in a line of the settlement beside a guest's coupon.
        if mint.run.version.bearer == Bearer.SENDER and not mint.step.from_business.is_clinic:
            coupons.move_cost(coupon_id=mint.coupon_id, payer_id=mint.step.from_business_id, at=at)


def mint_next_steps(*, at: datetime, only: Version | None = None) -> int:
    """A → B → C: the coupon for C once the one for B was used and can no longer be returned; how
    many. Safe to ring twice and late: one coupon per (run, step). `only` looks at one version."""
    count = 0
    for mint, step in queries.steps_due(at=at, only=only):
        count += _mint_next(mint.run_id, step, at=at)
    return count


@db.atomic
def _mint_next(run_id: UUID, step: Step, *, at: datetime) -> int:
    run = Run.objects.select_for_update(of=("self",)).get(pk=run_id)
    if run.undone_at or Mint.objects.filter(run=run, step=step).exists():
        return 0
    return 1 if _mint(run, step, at=at) else 0


def close_ended(*, at: datetime) -> int:
    """Chains whose notice has run out or whose live version is over end; how many."""
    return queries.chains_over(at=at).update(state=ChainState.ENDED)
