"""Every write about partners and who works there."""

from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext_lazy as _
from guardian.shortcuts import assign_perm, remove_perm

from apps.accounts import rights
from apps.accounts.enums import Job
from apps.accounts.models import User
from apps.accounts.services import end_sessions, get_or_create_member, written_reason
from apps.businesses.models import (
    BY_HAND,
    Business,
    Location,
    Membership,
    OnboardingMark,
    Role,
    State,
    Step,
)
from apps.core import audit
from apps.core.errors import Forbidden, Refused

PERMISSIONS = {
    Role.STAFF: [rights.SELL],
    Role.OWNER: [rights.SELL, rights.MANAGE],
}
# What an admin may change of a partner. The address name is in bookmarks and printed codes.
REFERENCE_FIELDS = {
    "name",
    "category",
    "city",
    "description",
    "zone",
    "state",
    "max_bonus_share",
    "pending_days",
    "max_sale",
}
OWNER_FIELDS = {"description", "hours", "photos", "max_bonus_share"}


class AlreadyThere(Refused):
    message = _("She already works here.")


class OwnRole(Refused):
    message = _("Nobody changes her own role: another owner or the administrator does.")


class LastOwner(Refused):
    message = _("She is the only owner here. Appoint another one first.")


class SlugTaken(Refused):
    message = _("A partner with this address name exists already.")


class Stale(Refused):
    code = "STALE"
    message = _("Somebody changed it meanwhile. Look at it anew; nothing was changed.")


class NotStaff(Refused):
    code = "NOT_FOUND"
    message = _("She does not work here.")


class NotByHand(Refused):
    code = "WRONG_STATE"
    message = _("This step is not ticked: it is done when the data is there.")


@transaction.atomic
def open_business(
    *, slug: str, name: str, category: str, city: str, by: User | None, is_ready: bool = True
) -> Business:
    """A new partner: active from now on, or (`is_ready` False) shut until it is activated.

    Raises Forbidden, SlugTaken.
    """
    if by is not None and not by.has_perm("businesses.add_business"):
        raise Forbidden
    if Business.objects.filter(slug=slug).exists():
        raise SlugTaken
    state = State.ACTIVE if is_ready else State.SUSPENDED
    business = Business.objects.create(
        slug=slug, name=name, category=category, city=city, state=state
    )
    audit.record(by, "businesses.open", "business", business.pk, business_id=business.pk)
    return business


@transaction.atomic
def update_business(
    *, business: Business, changes: dict[str, Any], by: User, reason: str
) -> Business:
    """Change reference fields of a partner; sales that were made keep the rules of their day.

    Raises Forbidden, ReasonMissing.
    """
    if not by.has_perm("businesses.change_business") or not changes.keys() <= REFERENCE_FIELDS:
        raise Forbidden
    reason = written_reason("businesses.change", reason, by=by)
    row = Business.objects.select_for_update().get(pk=business.pk)
    for name, value in changes.items():
        setattr(row, name, value)
    row.save(update_fields=[*changes])
    audit.record(
        by,
        "businesses.update",
        "business",
        row.pk,
        business_id=row.pk,
        reason=reason,
        changed=changes,
    )
    return row


@transaction.atomic
def mark_step(
    *, business: Business, step: Step, note: str, by: User, at: datetime, is_waived: bool = False
) -> OnboardingMark:
    """A step of opening a partner that somebody saw done, or (`is_waived`) that a superadmin lets
    pass; the last word stands. Raises Forbidden, ReasonMissing, NotByHand."""
    action = "businesses.waive" if is_waived else "businesses.change"
    if not rights.may(action, job=by.job):
        raise Forbidden
    if not is_waived and step not in BY_HAND:
        raise NotByHand
    note = written_reason(action, note, by=by)[:300]
    mark, _is_new = OnboardingMark.objects.update_or_create(
        business=business,
        step=step,
        defaults={"is_waived": is_waived, "note": note, "by": by, "at": at},
    )
    audit.record(
        by,
        "businesses.waive_step" if is_waived else "businesses.mark_step",
        "business",
        business.pk,
        business_id=business.pk,
        reason=note,
        changed={"step": str(step)},
    )
    return mark


@transaction.atomic
def present_business(
    *,
    business: Business,
    changes: dict[str, Any],
    by: User,
    unchanged: Callable[[Business], bool] = lambda row: True,
) -> Business:
    """What an owner says of her place: description, hours, photos, the share of a bill payable
    with bonuses. `unchanged` judges the locked row: is it still what she saw.

    Raises Forbidden, Stale.
    """
    allowed = by.has_perm(rights.TABLE["businesses.present"].permission, business)
    if not allowed or not changes.keys() <= OWNER_FIELDS:
        raise Forbidden
    row = Business.objects.select_for_update().get(pk=business.pk)
    if not unchanged(row):
        raise Stale
    for name, value in changes.items():
        setattr(row, name, value)
    row.save(update_fields=[*changes])
    audit.record(by, "businesses.present", "business", row.pk, business_id=row.pk, changed=changes)
    return row


@transaction.atomic
def move_business(*, business: Business, state: State, by: User, reason: str = "") -> Business:
    """Let a partner in, suspend or close it: rights there follow at once. Raises Forbidden."""
    if not by.has_perm("businesses.change_business"):
        raise Forbidden
    row = Business.objects.select_for_update().get(pk=business.pk)
    row.state = state
    row.save(update_fields=["state"])
    audit.record(
        by,
        "businesses.state",
        "business",
        row.pk,
        business_id=row.pk,
        reason=reason,
        changed={"state": state},
    )
    return row


@transaction.atomic
def hire(*, business: Business, phone: str, role: Role, by: User, at: datetime) -> Membership:
    """Let whoever has this number (E.164) work there; an unknown number becomes a member first.

    Raises Forbidden, AlreadyThere.
    """
    _may_manage(by, business)
    person, _made = get_or_create_member(phone=phone, at=at)
    return add_staff(business=business, user=person, role=role, by=by, at=at)


@transaction.atomic
def add_location(*, business: Business, name: str, address: str, by: User | None) -> Location:
    """A place where the partner receives guests. Raises Forbidden."""
    _may_manage(by, business)
    location = Location.objects.create(business=business, name=name, address=address)
    audit.record(by, "businesses.location", "location", location.pk, business_id=business.pk)
    return location


def _may_manage(by: User | None, business: Business) -> None:
    """`by` None is the machine room: commands on the server."""
    if by is not None and not by.has_perm(rights.TABLE["staff.change"].permission, business):
        raise Forbidden


@transaction.atomic
def add_staff(
    *, business: Business, user: User, role: Role, by: User | None, at: datetime
) -> Membership:
    """Let a person work at a business: a live membership and its object permissions.

    Raises Forbidden, AlreadyThere.
    """
    _may_manage(by, business)
    person = User.objects.select_for_update(of=("self",)).get(pk=user.pk)
    if Membership.objects.live().filter(business=business, user=person).exists():
        raise AlreadyThere
    membership = Membership.objects.create(business=business, user=person, role=role, started_at=at)
    for permission in PERMISSIONS[role]:
        assign_perm(permission, person, business)
    _refresh_job(person)
    user.job = person.job
    audit.record(
        by, "businesses.add_staff", "user", user.pk, business_id=business.pk, changed={"role": role}
    )
    return membership


@transaction.atomic
def remove_staff(*, business: Business, user: User, by: User | None, at: datetime) -> None:
    """End a person's work at a business; her rights there end with it.

    Raises Forbidden, NotStaff.
    """
    _may_manage(by, business)
    person = User.objects.select_for_update(of=("self",)).get(pk=user.pk)
    ended = Membership.objects.live().filter(business=business, user=person).update(ended_at=at)
    if not ended:
        raise NotStaff
    for permission in PERMISSIONS[Role.OWNER]:
        remove_perm(permission, person, business)
    before = person.job
    _refresh_job(person)
    user.job = person.job
    audit.record(by, "businesses.remove_staff", "user", user.pk, business_id=business.pk)
    if person.job != before:  # whoever was dismissed is out at once, on every device
        end_sessions(user=person, because="job", by=by, reason="", at=at)


@transaction.atomic
def change_role(
    *, business: Business, user: User, role: Role, by: User | None, at: datetime
) -> Membership:
    """Another role at the same place; where she is signed in ends, so that her rights are new.

    Raises Forbidden, OwnRole, NotStaff, LastOwner.
    """
    _may_manage(by, business)
    if by is not None and by.pk == user.pk:
        raise OwnRole
    # the lock of the place first: two owners must not step each other down at once
    Business.objects.select_for_update(no_key=True).get(pk=business.pk)
    person = User.objects.select_for_update(of=("self",)).get(pk=user.pk)
    live = Membership.objects.live().filter(business=business)
    membership = live.filter(user=person).first()
    if membership is None:
        raise NotStaff
    if membership.role == role:
        return membership
    if role != Role.OWNER and live.filter(role=Role.OWNER).count() == 1:
        raise LastOwner
    membership.role = role
    membership.save(update_fields=["role"])
    for permission in PERMISSIONS[Role.OWNER]:
        remove_perm(permission, person, business)
    for permission in PERMISSIONS[role]:
        assign_perm(permission, person, business)
    before = person.job
    _refresh_job(person)
    user.job = person.job
    changed = {"role": role}
    audit.record(by, "businesses.role", "user", user.pk, business_id=business.pk, changed=changed)
    if person.job != before:
        end_sessions(user=person, because="job", by=by, reason="", at=at)
    return membership


@transaction.atomic
def end_all_memberships(*, user_id: UUID, at: datetime) -> int:
    """An erased person works nowhere: her memberships end, her rights went with her. How many."""
    live = Membership.objects.live().select_for_update(of=("self",)).filter(user_id=user_id)
    places = list(live.values_list("business_id", flat=True))
    Membership.objects.live().filter(user_id=user_id).update(ended_at=at)
    for business_id in places:
        audit.record(
            None,
            "businesses.remove_staff",
            "user",
            user_id,
            business_id=business_id,
            reason="erased",
        )
    return len(places)


def _refresh_job(person: User) -> None:
    """The job follows the memberships, except for those who work for the network itself."""
    if person.job in (Job.ADMIN, Job.SUPERADMIN):
        return
    roles = set(Membership.objects.live().filter(user=person).values_list("role", flat=True))
    job = Job.OWNER if Role.OWNER in roles else Job.STAFF if roles else Job.NONE
    person.job = job
    User.objects.filter(pk=person.pk).update(job=job)
