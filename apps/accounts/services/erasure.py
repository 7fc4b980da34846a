"""Erasure: the person goes, the books stay (security.md part 7).

Her data key is destroyed; what is found by look-up or stands in clear is emptied. A backup from
before still holds key and data: `replay_erasures` erases her again after a restore; her surrogate is cut off from ClickHouse. The ledger and the sales keep
her id, which then leads to a row without a person. Other apps hear MemberErased.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import structlog
from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.db import transaction
from django.utils.translation import gettext_lazy as _
from django_otp import devices_for_user
from guardian.models import UserObjectPermission

from apps.accounts import rules
from apps.accounts.enums import Job, RequestKind, RequestState
from apps.accounts.models import (
    Erasure,
    MemberCard,
    OneTimeCode,
    PhoneMove,
    PrivacyRequest,
    Session,
    StaffPin,
    User,
)
from apps.accounts.services.consents import forget_all
from apps.core import append_file, audit, outbox, sealing
from apps.core.errors import Refused
from apps.core.facts import MemberErased
from apps.core.models import IdempotencyKey

log = structlog.get_logger(__name__)

SEALED = ("phone", "email", "birth_date")
PLAIN = ("first_name", "last_name", "city")
# Whoever alone holds this right on something must hand it over before she goes.
OWNERS_RIGHT = "manage_business"


class OwnsBusiness(Refused):
    code = "WRONG_STATE"
    message = _("You are the only owner of a business. Hand it over first.")


class LastSuperadmin(Refused):
    code = "WRONG_STATE"
    message = _("You are the last superadmin. Appoint another one first.")


@dataclass(frozen=True)
class Replayed:
    """What a replay found: erased again, erased already, and ids that this database never had."""

    erased: int = 0
    already: int = 0
    unknown: int = 0


@transaction.atomic
def erase_person(
    *, user: User, at: datetime, because: str, by: User | None = None, forced: bool = False
) -> Erasure:
    """Destroy everything that says who she is, in one transaction; a second call changes nothing.

    `because` is a word for the act (`asked`, `withdrawn`, `replayed`). `forced` skips the refusals:
    a replay after a restore repeats what was decided. Raises OwnsBusiness, LastSuperadmin.
    """
    if user.job == Job.SUPERADMIN and not forced:
        # the lock of set_job: two last superadmins must not leave at once
        seniors = User.objects.select_for_update(of=("self",)).filter(job=Job.SUPERADMIN)
        if len(seniors) == 1:
            raise LastSuperadmin
    person = User.objects.select_for_update(of=("self",)).get(pk=user.pk)
    if person.erased_at:
        return Erasure.objects.get(person_id=person.pk)
    if not forced:
        _refuse_sole_owner(person)
    fields = _held(person)
    _end_access(person, at=at)
    _forget_traces(person)
    forget_all(person, at=at)
    _close_requests(person, at=at)
    _empty(person, at=at)
    erasure = _note(person.pk, at=at, because=because, by=by, fields=fields)
    audit.record(by, "accounts.erased", "user", person.pk, changed={"fields": fields})
    outbox.publish(MemberErased(member_id=str(person.pk), at=at.isoformat()))
    transaction.on_commit(file_erasures, robust=True)
    user.refresh_from_db()
    return erasure


def _refuse_sole_owner(person: User) -> None:
    held = UserObjectPermission.objects.filter(permission__codename=OWNERS_RIGHT)
    for right in held.filter(user=person):
        others = held.filter(content_type=right.content_type, object_pk=right.object_pk)
        if not others.exclude(user=person).filter(user__erased_at__isnull=True).exists():
            raise OwnsBusiness


def _held(person: User) -> list[str]:
    """Names of what is there to destroy: they stand in the act, the values nowhere."""
    names = [name for name in SEALED if getattr(person, f"{name}_sealed")]
    names += [name for name in PLAIN if getattr(person, name)]
    names += ["data_key"] if person.data_key else []
    names += ["card_number", "surrogate_salt"]
    if Session.objects.filter(user=person).exists():
        names.append("sessions")
    return names


def _end_access(person: User, *, at: datetime) -> None:
    live = Session.objects.filter(user=person, revoked_at__isnull=True)
    live.update(revoked_at=at, revoked_because="erased")
    Session.objects.filter(user=person).update(
        device_name="", platform="", device_key="", address=None
    )
    for device in list(devices_for_user(person, confirmed=None)):
        device.delete()
    UserObjectPermission.objects.filter(user=person).delete()
    person.groups.clear()
    person.user_permissions.clear()


def _forget_traces(person: User) -> None:
    """What lies beside her row: codes sent to her number, answers kept for repeats, her card."""
    if person.phone_sealed:
        indexes = sealing.blind_indexes(person.phone, purpose="phone")
        OneTimeCode.objects.filter(phone_index__in=indexes).delete()
    IdempotencyKey.objects.filter(actor=str(person.pk)).delete()
    MemberCard.objects.filter(user=person).delete()
    StaffPin.objects.filter(user=person).delete()
    PhoneMove.objects.filter(user=person).delete()


def _close_requests(person: User, *, at: datetime) -> None:
    PrivacyRequest.objects.filter(
        member=person, kind=RequestKind.ERASURE, state=RequestState.OPEN
    ).update(state=RequestState.DONE, closed_at=at)


def _empty(person: User, *, at: datetime) -> None:
    blank: dict[str, Any] = {f"{name}_sealed": "" for name in SEALED}
    blank |= dict.fromkeys(PLAIN, "")
    User.objects.filter(pk=person.pk).update(
        **blank,
        phone_index=None,
        email_index=None,
        data_key="",
        surrogate_salt=sealing.new_surrogate_salt(),
        card_number=rules.new_card_number(),
        locale="ru",
        job=Job.NONE,
        password=make_password(None),
        last_login=None,
        erased_at=at,
    )


# --- the journal ---------------------------------------------------------------------------------
def _note(
    person_id: UUID, *, at: datetime, because: str, by: User | None, fields: list[str]
) -> Erasure:
    words = f"{person_id}|{at.isoformat()}|{','.join(fields)}"
    return Erasure.objects.create(
        person_id=person_id,
        at=at,
        because=because,
        by_id=by.pk if by else None,
        fields=fields,
        digest=hashlib.sha256(words.encode()).hexdigest(),
    )


def file_erasures() -> int:
    """Copy erasures that the journal file does not name yet; how many.

    The file lies outside of the database: a restore brings erased people back, and the file says
    whom to erase again. Called after each erasure and by the clock, so a full disk loses nothing.
    """
    path = settings.ERASURE_JOURNAL
    known = {line["person"] for line in append_file.read(path)}
    missing = [
        {"person": str(row.person_id), "at": row.at.isoformat(), "digest": row.digest}
        for row in Erasure.objects.order_by("pk")
        if str(row.person_id) not in known
    ]
    if missing:
        append_file.append(path, missing)
    return len(missing)


def replay_erasures(*, lines: Iterable[dict[str, Any]]) -> Replayed:
    """Erase again everybody whom the journal names. Run after a restore, before opening."""
    erased = already = unknown = 0
    for line in lines:
        person_id, at = UUID(line["person"]), datetime.fromisoformat(line["at"])
        person = User.objects.filter(pk=person_id).first()
        if person is None:
            unknown += 1
        elif person.erased_at:
            already += 1
        else:
            erase_person(user=person, at=at, because="replayed", forced=True)
            erased += 1
    return Replayed(erased, already, unknown)


def serve_due_requests(*, at: datetime) -> int:
    """Erase those whose day has come; how many. One whose erasure is refused stays in the queue,
    and the log says so every time."""
    due = PrivacyRequest.objects.filter(
        kind=RequestKind.ERASURE, state=RequestState.OPEN, due_at__lte=at
    )
    served = 0
    for request in due.select_related("member").order_by("due_at"):
        try:
            erase_person(user=request.member, at=at, because="withdrawn")
            served += 1
        except Refused as refusal:
            log.error("privacy.request_stuck", request=str(request.pk), because=refusal.code)
    file_erasures()
    return served
