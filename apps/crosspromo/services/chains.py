"""Chains: proposed, accepted by every partner, paused, left, ended; edits write new versions."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F, Max
from django.utils.translation import gettext_lazy as _

from apps.accounts import rights
from apps.accounts.models import User
from apps.accounts.services import written_reason
from apps.businesses.models import Business
from apps.core import audit
from apps.core.errors import NotFound, Refused
from apps.coupons.models import Budget
from apps.coupons.services import Draft, new_step_campaign
from apps.crosspromo import queries, rules
from apps.crosspromo.enums import Action, ChainState, VersionState
from apps.crosspromo.models import Acceptance, Chain, Step, Version
from apps.crosspromo.services.drafts import ChainDraft, Checked, StepDraft, check_draft

OPEN = (ChainState.PROPOSED, ChainState.LIVE, ChainState.PAUSED)
DECIDE = "chains.decide"
UNLIMITED = 2_000_000_000  # a chain's coupons are bounded by its budget, not by a number


class ChainStale(Refused):
    code = "STALE"
    message = _("The chain was changed meanwhile. Look at it again.")


class ChainWrongState(Refused):
    code = "WRONG_STATE"
    message = _("The chain is in another state: %(state)s.")


def find_chain(*, chain_id: UUID, by: User) -> Chain:
    """A chain that she is a partner of; admins see all. Raises NotFound for anything else."""
    found = queries.chains_seen_by(by).filter(pk=chain_id).first()
    if found is None:
        raise NotFound
    return found


@transaction.atomic
def create_chain(*, draft: ChainDraft, by: User | None, at: datetime) -> Chain:
    """Propose a chain. The businesses that she manages accept it by that; live once all have.

    `by` None is the machine room, which accepts for everybody. Raises StepsInvalid and its kin,
    NotFound, also when none of the businesses is hers.
    """
    checked = check_draft(draft, by=by, at=at)
    own = _own(checked.partners, by)
    if not own:
        raise NotFound
    first = draft.steps[0]
    is_admin = by is None or rights.may("chains.oversee", job=by.job)
    owner = next((place for place in own if place.pk in (first.from_id, first.to_id)), own[0])
    chain = Chain.objects.create(
        name=draft.name,
        topology=draft.topology,
        owner=None if is_admin else owner,
        created_by=by,
        created_at=at,
    )
    version = _write_version(chain, checked, number=1, at=at)
    _note(by, "crosspromo.propose", chain, changed={"version": 1})
    _accept_for(
        chain, version, _own(checked.partners, by) if by is None or not is_admin else [], by, at
    )
    return chain


@transaction.atomic
def change_chain(
    *, chain: Chain, draft: ChainDraft, by: User, revision: int, at: datetime
) -> Chain:
    """Write new terms as a new version; the live one counts until every partner has accepted.

    Raises ChainStale, ChainWrongState, StepsInvalid and its kin, NotFound.
    """
    row = _lock(chain, revision)
    if row.state not in OPEN:
        raise ChainWrongState(state=row.get_state_display())
    checked = check_draft(draft, by=by, at=at)
    row.versions.filter(state=VersionState.PROPOSED).update(state=VersionState.DECLINED)
    newest = row.versions.aggregate(newest=Max("number"))["newest"] or 0
    version = _write_version(row, checked, number=newest + 1, at=at)
    Chain.objects.filter(pk=row.pk).update(name=draft.name, topology=draft.topology)
    row.refresh_from_db()
    _note(by, "crosspromo.change", row, changed={"version": version.number})
    own = [] if rights.may("chains.oversee", job=by.job) else _own(checked.partners, by)
    _accept_for(row, version, own, by, at)
    return row


@transaction.atomic
def act_on_chain(
    *,
    chain: Chain,
    action: str,
    by: User | None,
    revision: int,
    at: datetime,
    reason: str = "",
    place: Business | None = None,
) -> Chain:
    """Accept or decline the proposed version, pause, resume, leave with seven days' notice, end.

    Accepting speaks for every business of the chain that she manages, or for `place` alone. An
    admin, who speaks for others, says why. What was given stays good.
    Raises ChainStale, ChainWrongState, ReasonMissing, NotFound.
    """
    if by is not None and rights.may(DECIDE, job=by.job):
        reason = written_reason(DECIDE, reason, by=by)
    row = _lock(chain, revision)
    if action == Action.ACCEPT:
        _accept(row, by, at, place)
    else:
        MOVES[Action(action)](row, by, at)
    _note(by, f"crosspromo.{action}", row, reason=reason, place=place)
    row.refresh_from_db()
    return row


def _lock(chain: Chain, revision: int) -> Chain:
    row = Chain.objects.select_for_update(of=("self",)).get(pk=chain.pk)
    if row.revision != revision:
        raise ChainStale
    Chain.objects.filter(pk=row.pk).update(revision=F("revision") + 1)
    return row


def _own(places: list[Business], by: User | None) -> list[Business]:
    return [place for place in places if by is None or by.has_perm(rights.MANAGE, place)]


# --- versions -------------------------------------------------------------------------------------
def _write_version(chain: Chain, checked: Checked, *, number: int, at: datetime) -> Version:
    draft = checked.draft
    budget = Budget.objects.create(cap=draft.budget) if draft.budget is not None else None
    version = Version.objects.create(
        chain=chain,
        number=number,
        fork=draft.fork,
        bearer=draft.bearer,
        holdout_percent=draft.holdout_percent,
        cooldown_days=draft.cooldown_days,
        depth_limit=draft.depth_limit,
        return_days=draft.return_days,
        budget=budget,
        starts_at=draft.starts_at,
        ends_at=draft.ends_at,
        created_at=at,
    )
    for place, step in enumerate(draft.steps, start=1):
        _write_step(version, place, step, checked, budget)
    return version


def _write_step(
    version: Version, number: int, step: StepDraft, checked: Checked, budget: Budget | None
) -> None:
    sender, receiver = checked.places[step.from_id], checked.places[step.to_id]
    # A clinic is not named by the coupon it sends: neither in its title nor in its columns.
    name = "" if sender.is_clinic else sender.name
    campaign = new_step_campaign(
        business=receiver,
        sender=None if sender.is_clinic else sender,
        draft=Draft(
            name=name,
            benefit=step.benefit,
            audience="chain",
            quantity=UNLIMITED,
            valid_from=version.starts_at,
            valid_to=version.ends_at,
            value=step.value,
            gift=step.gift,
            max_discount=step.max_discount,
            min_amount=step.min_bill,
            per_member=1000,
        ),
        budget=budget,
        funders=[(checked.places[one], share) for one, share in step.shares],
        fee=step.fee,
        valid_days=step.valid_days,
    )
    Step.objects.create(
        version=version,
        number=number,
        from_business=sender,
        to_business=receiver,
        campaign=campaign,
        min_amount=step.min_amount,
        category=step.category,
        every_nth=step.every_nth,
        first_visit=step.first_visit,
        delay_hours=step.delay_hours,
    )


def _accept_for(
    chain: Chain, version: Version, places: list[Business], by: User | None, at: datetime
) -> None:
    Acceptance.objects.bulk_create(
        [Acceptance(version=version, business=place, by=by, at=at) for place in places],
        ignore_conflicts=True,
    )
    missing = {place.pk for place in queries.partners_of(version)} - set(
        version.acceptances.values_list("business_id", flat=True)
    )
    if not missing:
        _publish(chain, version, at=at)


def _publish(chain: Chain, version: Version, *, at: datetime) -> None:
    chain.versions.filter(state=VersionState.LIVE).update(state=VersionState.RETIRED)
    Version.objects.filter(pk=version.pk).update(state=VersionState.LIVE, published_at=at)
    if chain.state == ChainState.PROPOSED:
        Chain.objects.filter(pk=chain.pk).update(state=ChainState.LIVE)
        chain.state = ChainState.LIVE


# --- actions --------------------------------------------------------------------------------------
def _proposed(chain: Chain) -> Version:
    version = chain.versions.filter(state=VersionState.PROPOSED).first()
    if version is None or chain.state not in OPEN:
        raise ChainWrongState(state=chain.get_state_display())
    return version


def _accept(chain: Chain, by: User | None, at: datetime, place: Business | None) -> None:
    version = _proposed(chain)
    own = _own(queries.partners_of(version), by)
    if place is not None:
        own = [one for one in own if one.pk == place.pk]
        if not own:
            raise NotFound
    _accept_for(chain, version, own, by, at)


def _decline(chain: Chain, by: User | None, at: datetime) -> None:
    version = _proposed(chain)
    Version.objects.filter(pk=version.pk).update(state=VersionState.DECLINED)
    if chain.state == ChainState.PROPOSED:
        Chain.objects.filter(pk=chain.pk).update(state=ChainState.DECLINED)


def _pause(chain: Chain, by: User | None, at: datetime) -> None:
    _move(chain, (ChainState.LIVE,), ChainState.PAUSED)


def _resume(chain: Chain, by: User | None, at: datetime) -> None:
    _move(chain, (ChainState.PAUSED,), ChainState.LIVE)


def _end(chain: Chain, by: User | None, at: datetime) -> None:
    """Whoever proposed it ends it at once; the others give notice."""
    if chain.owner and by is not None and not by.has_perm(rights.MANAGE, chain.owner):
        raise ChainWrongState(state=chain.get_state_display())
    if chain.owner is None and by is not None and not rights.may("chains.oversee", job=by.job):
        raise ChainWrongState(state=chain.get_state_display())
    _move(chain, OPEN, ChainState.ENDED)


def _leave(chain: Chain, by: User | None, at: datetime) -> None:
    if chain.state not in (ChainState.LIVE, ChainState.PAUSED):
        raise ChainWrongState(state=chain.get_state_display())
    stop = at + timedelta(days=rules.NOTICE_DAYS)
    if chain.stop_at is None or stop < chain.stop_at:
        Chain.objects.filter(pk=chain.pk).update(stop_at=stop)


def _move(chain: Chain, sources: tuple[ChainState, ...], target: ChainState) -> None:
    if chain.state not in sources:
        raise ChainWrongState(state=chain.get_state_display())
    Chain.objects.filter(pk=chain.pk).update(state=target)


MOVES: dict[Action, Callable[[Chain, User | None, datetime], None]] = {
    Action.DECLINE: _decline,
    Action.PAUSE: _pause,
    Action.RESUME: _resume,
    Action.LEAVE: _leave,
    Action.END: _end,
}


def _note(
    by: User | None,
    action: str,
    chain: Chain,
    *,
    changed: dict[str, Any] | None = None,
    reason: str = "",
    place: Business | None = None,
) -> None:
    audit.record(
        by,
        action,
        "chain",
        chain.pk,
        business_id=place.pk if place else chain.owner_id,
        changed=changed,
        reason=reason,
    )
