"""The offer constructor: drafts, versions, and the moves between states.

draft → review (above a limit, or when somebody else pays) → scheduled → active ⇄ paused → ended.
Every move is one conditional update whose row count is checked: of two racing moves one wins.
What sales look at are spans (models/offers.py); states are for people.
"""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F, Max
from django.db.models.functions import Greatest
from django.utils.translation import gettext_lazy as _

from apps.accounts import rights
from apps.accounts.models import User
from apps.accounts.services import written_reason
from apps.businesses.models import Business
from apps.core import audit
from apps.core.errors import Forbidden, Invalid, NotFound, Refused
from apps.loyalty import offer_rules
from apps.loyalty.enums import LIVE_STATES, OfferState
from apps.loyalty.models import OfferConstructor, OfferFunder, OfferSpan, OfferVersion

# What the constructor may say of an offer; the rest is the system's own.
TERMS = {
    "name",
    "kind",
    "value",
    "priority",
    "exclusive_group",
    "starts_at",
    "ends_at",
    "tiers",
    "segment",
    "categories",
    "weekdays",
    "hour_from",
    "hour_to",
    "first_purchase",
    "birthday_days",
    "away_days",
    "min_amount",
    "every_nth",
    "cap_member",
    "cap_day",
    "budget",
}
Funders = Sequence[tuple[UUID, int]]  # who pays, basis points of the whole


class OfferInvalid(Refused):
    """Fields that make no offer; `details` maps each to its messages."""

    code = "VALIDATION_ERROR"
    message = _("Please check the data.")

    def __str__(self) -> str:
        return str(self.message)


class PriorityTaken(Invalid):
    field = "priority"
    message = _("Another offer has this priority. Choose another number.")


class OfferWrongState(Refused):
    code = "WRONG_STATE"
    message = _("The offer is in another state now. Nothing was changed.")


class OfferStale(Refused):
    """Somebody wrote another version since she looked: `version` is theirs."""

    code = "STALE"
    message = _("The offer was changed meanwhile. Look at what is new.")

    def __init__(self, version: OfferVersion) -> None:
        super().__init__()
        self.version = version


class OfferOver(Refused):
    code = "WRONG_STATE"
    message = _("The offer's last day has passed. Change its dates first.")


class OwnOffer(Forbidden):
    message = _("Somebody else approves: not the one who wrote this version.")


# --- writing -------------------------------------------------------------------------------------
@transaction.atomic
def create_offer(
    *,
    business: Business,
    terms: dict[str, Any],
    funders: Funders = (),
    by: User | None,
    at: datetime,
) -> OfferConstructor:
    """A draft of a programme. `terms` are fields of OfferVersion; who pays is the business itself
    unless `funders` say otherwise. Raises NotFound, OfferInvalid, PriorityTaken."""
    _may_manage(by, business)
    terms = terms | {"priority": terms.get("priority") or _next_priority(business)}
    offer = OfferConstructor(
        business=business, priority=terms["priority"], created_by=by, created_at=at
    )
    try:
        with transaction.atomic():
            offer.save(force_insert=True)
    except IntegrityError as clash:
        raise PriorityTaken from clash
    _write_version(offer, terms, funders or [(business.pk, offer_rules.WHOLE)], by=by, at=at)
    _note(offer, "loyalty.offer_create", by, changed=terms)
    return offer


@transaction.atomic
def edit_offer(
    *,
    offer_id: UUID,
    changes: dict[str, Any],
    funders: Funders | None = None,
    by: User | None,
    at: datetime,
    seen: int | None = None,
) -> OfferConstructor:
    """Write the next version. Of an offer in force it counts from now on, purchases made keep
    theirs; if it wants a second person, the offer stops and awaits approval. `seen` is the number
    of the version that she had before her.

    Raises NotFound, OfferStale, OfferInvalid, PriorityTaken, OfferWrongState (it has ended).
    """
    offer = _locked(offer_id, by)
    if offer.state == OfferState.ENDED:
        raise OfferWrongState
    before = offer.version
    if seen is not None and seen != before.number:
        raise OfferStale(before)
    terms = {name: getattr(before, name) for name in TERMS} | changes
    if funders is None:
        funders = list(before.funders.order_by("position").values_list("business_id", "share_bp"))
    if terms["priority"] != offer.priority:
        _set_priority(offer, terms["priority"])
    _write_version(offer, terms, funders, by=by, at=at)
    _note(offer, "loyalty.offer_edit", by, changed=changes)
    if offer.state in LIVE_STATES:
        _close_spans(offer, at=at)
        if needs_second_person(offer):
            _move(offer, LIVE_STATES, OfferState.REVIEW)
        elif offer.state != OfferState.PAUSED:
            _put_in_force(offer, [OfferState.SCHEDULED, OfferState.ACTIVE], at=at)
    return offer


def _set_priority(offer: OfferConstructor, priority: int) -> None:
    try:
        with transaction.atomic():
            OfferConstructor.objects.filter(pk=offer.pk).update(priority=priority)
    except IntegrityError as clash:
        raise PriorityTaken from clash
    offer.priority = priority


def _write_version(
    offer: OfferConstructor,
    terms: dict[str, Any],
    funders: Funders,
    *,
    by: User | None,
    at: datetime,
) -> None:
    faults = offer_rules.faults(terms) | offer_rules.funder_faults(funders)
    if faults:
        raise OfferInvalid(**{name: [str(words)] for name, words in faults.items()})
    known = Business.objects.filter(pk__in=[business for business, _bp in funders]).count()
    if known != len(funders):
        raise OfferInvalid(funders=[str(_("There is no such partner."))])
    number = offer.current.number + 1 if offer.current else 1
    version = OfferVersion.objects.create(
        offer=offer, number=number, edited_by=by, created_at=at, **terms
    )
    OfferFunder.objects.bulk_create(
        OfferFunder(version=version, business_id=business, share_bp=share, position=place)
        for place, (business, share) in enumerate(funders)
    )
    offer.current = version
    offer.save(update_fields=["current"])


# --- moves ---------------------------------------------------------------------------------------
@transaction.atomic
def submit_offer(*, offer_id: UUID, by: User | None, at: datetime) -> OfferConstructor:
    """A draft goes in force at its time, or first to a second person.

    Raises NotFound, OfferWrongState, OfferOver.
    """
    offer = _locked(offer_id, by)
    if needs_second_person(offer):
        _move(offer, [OfferState.DRAFT], OfferState.REVIEW)
    else:
        _put_in_force(offer, [OfferState.DRAFT], at=at)
    _note(offer, "loyalty.offer_submit", by)
    return offer


@transaction.atomic
def approve_offer(*, offer_id: UUID, by: User, at: datetime, reason: str = "") -> OfferConstructor:
    """An admin who did not write this version lets it go in force.

    Raises Forbidden, OwnOffer, OfferWrongState, OfferOver.
    """
    offer = _reviewed(offer_id, by)
    _put_in_force(offer, [OfferState.REVIEW], at=at)
    _note(offer, "loyalty.offer_approve", by, reason=reason)
    return offer


@transaction.atomic
def return_offer(*, offer_id: UUID, by: User, reason: str, at: datetime) -> OfferConstructor:
    """An admin sends it back to its draft and says why. Raises Forbidden, ReasonMissing,
    OfferWrongState."""
    offer = _reviewed(offer_id, by)
    reason = written_reason("offers.review", reason, by=by)
    _move(offer, [OfferState.REVIEW], OfferState.DRAFT)
    _note(offer, "loyalty.offer_return", by, reason=reason)
    return offer


@transaction.atomic
def pause_offer(
    *, offer_id: UUID, by: User | None, at: datetime, reason: str = ""
) -> OfferConstructor:
    """It gives nothing from now on until it is resumed. Raises NotFound, OfferWrongState."""
    offer = _locked(offer_id, by)
    _move(offer, [OfferState.SCHEDULED, OfferState.ACTIVE], OfferState.PAUSED)
    _close_spans(offer, at=at)
    _note(offer, "loyalty.offer_pause", by, reason=reason)
    return offer


@transaction.atomic
def resume_offer(*, offer_id: UUID, by: User | None, at: datetime) -> OfferConstructor:
    """A paused offer goes on. Raises NotFound, OfferWrongState, OfferOver."""
    offer = _locked(offer_id, by)
    _put_in_force(offer, [OfferState.PAUSED], at=at)
    _note(offer, "loyalty.offer_resume", by)
    return offer


@transaction.atomic
def end_offer(
    *, offer_id: UUID, by: User | None, at: datetime, reason: str = ""
) -> OfferConstructor:
    """For good: what ended is not begun again. Raises NotFound, OfferWrongState."""
    offer = _locked(offer_id, by)
    _move(offer, [state for state in OfferState if state != OfferState.ENDED], OfferState.ENDED)
    _close_spans(offer, at=at)
    _note(offer, "loyalty.offer_end", by, reason=reason)
    return offer


def move_offers_by_clock(*, at: datetime) -> int:
    """Scheduled offers whose time has come read as in force, those past their end as ended; how
    many moved. Only words: sales look at spans, so a late run changes no bonus."""
    ended = OfferConstructor.objects.filter(state__in=LIVE_STATES, current__ends_at__lte=at).update(
        state=OfferState.ENDED
    )
    begun = OfferConstructor.objects.filter(
        state=OfferState.SCHEDULED, current__starts_at__lte=at
    ).update(state=OfferState.ACTIVE)
    return ended + begun


def needs_second_person(offer: OfferConstructor) -> bool:
    """It may cost more than the limit, has no limit at all, or somebody else pays."""
    version = offer.version
    payers = set(version.funders.values_list("business_id", flat=True))
    limit = Decimal(settings.OFFER_REVIEW_LIMIT)
    return version.budget is None or version.budget > limit or payers != {offer.business_id}


def _put_in_force(offer: OfferConstructor, sources: Sequence[str], *, at: datetime) -> None:
    version = offer.version
    if version.ends_at <= at:
        raise OfferOver
    begun = version.starts_at <= at
    _move(offer, sources, OfferState.ACTIVE if begun else OfferState.SCHEDULED)
    OfferSpan.objects.create(
        offer=offer,
        version=version,
        business_id=offer.business_id,
        since=max(at, version.starts_at),
        until=version.ends_at,
    )


def _close_spans(offer: OfferConstructor, *, at: datetime) -> None:
    OfferSpan.objects.filter(offer=offer, until__gt=at).update(until=Greatest(F("since"), at))


def _move(offer: OfferConstructor, sources: Sequence[str], target: str) -> None:
    moved = OfferConstructor.objects.filter(pk=offer.pk, state__in=sources).update(state=target)
    if not moved:
        raise OfferWrongState
    offer.state = target


# --- who may -------------------------------------------------------------------------------------
def _may_manage(by: User | None, business: Business) -> None:
    """`by` None is the machine room. Another tenant's programme does not exist for her."""
    if by is not None and not by.has_perm(rights.MANAGE, business):
        raise NotFound


def _locked(offer_id: UUID, by: User | None) -> OfferConstructor:
    offer = (
        OfferConstructor.objects.select_for_update(of=("self",))
        .select_related("business", "current")
        .filter(pk=offer_id)
        .first()
    )
    if offer is None:
        raise NotFound
    _may_manage(by, offer.business)
    return offer


def _reviewed(offer_id: UUID, by: User) -> OfferConstructor:
    if not rights.may("offers.review", job=by.job):
        raise Forbidden
    offer = _locked(offer_id, by)
    if offer.version.edited_by_id == by.pk:
        raise OwnOffer
    return offer


def _next_priority(business: Business) -> int:
    highest = OfferConstructor.objects.filter(business=business).aggregate(most=Max("priority"))
    return int(highest["most"] or 0) + 10


def _note(
    offer: OfferConstructor,
    action: str,
    by: User | None,
    *,
    reason: str = "",
    changed: dict[str, Any] | None = None,
) -> None:
    audit.record(
        by,
        action,
        "offerconstructor",
        offer.pk,
        business_id=offer.business_id,
        reason=reason,
        changed=changed,
    )
