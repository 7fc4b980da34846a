"""Reads of chains that several callers need."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import F, Prefetch, Q, QuerySet

from apps.accounts import rights
from apps.accounts.models import User
from apps.businesses.models import Business, Role
from apps.businesses.queries import businesses_of
from apps.core import rows
from apps.coupons.enums import CouponState
from apps.coupons.models import Coupon, Funder, Redemption
from apps.crosspromo import sql
from apps.crosspromo.enums import ChainState, Topology, VersionState
from apps.crosspromo.models import Chain, Mint, Run, Step, Version


# --- the trigger ----------------------------------------------------------------------------------
def entry_steps(business: Business, *, at: datetime) -> list[Step]:
    """Steps that a purchase at this business may set off at this moment. Later steps of a path
    follow from the coupon before them, not from a purchase."""
    return list(
        Step.objects.live(at=at)
        .filter(from_business=business)
        .exclude(version__chain__topology=Topology.PATH, number__gt=1)
        .select_related("version__chain", "campaign")
        .order_by("version_id", "number")
    )


def has_steps(business: Business) -> bool:
    """Whether any chain, in whatever state, begins or goes on with a purchase there."""
    return rows.first(sql.HAS_STEPS, [business.pk]) is not None


def visits(member_id: UUID, business: Business, *, until: datetime) -> int:
    """How many paid purchases she has made there, this one among them."""
    with connection.cursor() as cursor:
        cursor.execute(sql.VISITS, {"member": member_id, "business": business.pk, "until": until})
        return int(cursor.fetchone()[0])


def coupons_of_run(run: Run) -> list[Coupon]:
    return list(_minted(Mint.objects.filter(run=run)))


def coupons_of_trigger(sale_id: UUID) -> list[Coupon]:
    return list(_minted(Mint.objects.filter(run__trigger_id=sale_id)))


def _minted(mints: QuerySet[Mint]) -> QuerySet[Coupon]:
    return (
        Coupon.objects.filter(pk__in=mints.values("coupon"))
        .select_related("campaign__business", "campaign__sender")
        .order_by("issued_at", "pk")
    )


def steps_due(
    *, at: datetime, only: Version | None = None, limit: int = 1000
) -> list[tuple[Mint, Step]]:
    """Coupons of paths that were used and are past returning, each with the step that follows and
    has no coupon yet."""
    used = (
        Mint.objects.filter(
            run__version__chain__topology=Topology.PATH,
            run__version__chain__state=ChainState.LIVE,
            run__undone_at__isnull=True,
            coupon__state=CouponState.REDEEMED,
            coupon__redeemed_at__lte=at - F("run__version__return_days") * timedelta(days=1),
        )
        .select_related("run__version", "step")
        .order_by("coupon__redeemed_at")
    )
    if only:
        used = used.filter(run__version=only)
    following = {
        (step.version_id, step.number): step
        for step in Step.objects.filter(
            version__chain__topology=Topology.PATH, number__gt=1
        ).select_related("campaign", "to_business")
    }
    waiting = []
    for mint in used:
        step = following.get((mint.step.version_id, mint.step.number + 1))
        if step and step.to_business.grants_rights and _is_missing(mint, step):
            waiting.append((mint, step))
    return waiting[:limit]


def _is_missing(mint: Mint, step: Step) -> bool:
    paid = Redemption.objects.filter(coupon_id=mint.coupon_id, returned_at__isnull=True).first()
    if paid and paid.amount is not None and paid.amount < step.min_amount:
        return False
    return not Mint.objects.filter(run_id=mint.run_id, step=step).exists()


def chains_over(*, at: datetime) -> QuerySet[Chain]:
    open_states = [ChainState.LIVE, ChainState.PAUSED]
    return Chain.objects.filter(state__in=open_states).filter(
        Q(stop_at__lte=at)
        | Q(pk__in=Version.objects.filter(state=VersionState.LIVE, ends_at__lte=at).values("chain"))
    )


# --- who sees which chain ------------------------------------------------------------------------
def partners_of(version: Version) -> list[Business]:
    """Every partner whose yes a version needs: senders, receivers, funders."""
    steps = Step.objects.filter(version=version)
    return list(
        Business.objects.filter(
            Q(pk__in=steps.values("from_business"))
            | Q(pk__in=steps.values("to_business"))
            | Q(
                pk__in=Funder.objects.filter(campaign__in=steps.values("campaign")).values(
                    "business"
                )
            ),
            is_network=False,
        ).order_by("name")
    )


def waited_for(chain: Chain) -> list[Business]:
    """Partners whose yes the proposed version of a chain still lacks."""
    version = chain.versions.filter(state=VersionState.PROPOSED).first()
    if version is None:
        return []
    given = set(version.acceptances.values_list("business_id", flat=True))
    return [one for one in partners_of(version) if one.pk not in given]


def chains_seen_by(user: User) -> QuerySet[Chain]:
    """Chains with a business that she manages in any version; admins see all."""
    chains = Chain.objects.select_related("owner").prefetch_related(
        Prefetch(
            "versions",
            Version.objects.order_by("-number")
            .select_related("budget")
            .prefetch_related(
                "acceptances__business",
                Prefetch(
                    "steps",
                    Step.objects.order_by("number")
                    .select_related("from_business", "to_business", "campaign")
                    .prefetch_related("campaign__funders__business"),
                ),
            ),
        )
    )
    if rights.may("chains.oversee", job=user.job):
        return chains
    own = businesses_of(user, role=Role.OWNER)
    steps = Step.objects.filter(
        Q(from_business__in=own)
        | Q(to_business__in=own)
        | Q(campaign__in=Funder.objects.filter(business__in=own).values("campaign"))
    )
    return chains.filter(Q(owner__in=own) | Q(pk__in=steps.values("version__chain")))


def export_of(member: User, *, at: datetime) -> dict[str, Any]:
    """What chains hold about her: which of her purchases set one off, and her arm."""
    runs = Run.objects.filter(member=member).order_by("at", "pk")
    return {"runs": list(runs.values("at", "arm", "trigger_id", place=F("from_business__name")))}


def own_places(chain: Chain, user: User) -> list[Business]:
    """Businesses of the newest version that she manages, senders first."""
    version = chain.versions.order_by("-number").first()
    if version is None:
        return []
    first = {step.from_business_id for step in version.steps.all()}
    places = [one for one in partners_of(version) if user.has_perm(rights.MANAGE, one)]
    return sorted(places, key=lambda one: (one.pk not in first, one.name))


@dataclass(frozen=True)
class Funnel:
    """What became of a step's exposures; sums in ₽. `control` is the hold-out."""

    exposed: int
    control: int
    issued: int
    seen: int
    redeemed: int
    discount: Decimal
    bonus: Decimal
    revenue: Decimal


def funnels_of(version: Version) -> dict[UUID, Funnel]:
    """Step id → its funnel. One statement for all steps."""
    with connection.cursor() as cursor:
        cursor.execute(sql.FUNNEL, {"version": version.pk})
        return {row[0]: Funnel(*row[1:]) for row in cursor.fetchall()}
