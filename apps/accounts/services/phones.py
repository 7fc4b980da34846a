"""A new phone number: proven by codes to the old number and to the new one; without the old one by a
code to the new one and 72 hours in which anybody who is she can object."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from apps.accounts import rules
from apps.accounts.enums import Purpose
from apps.accounts.models import OneTimeCode, PhoneMove, Session, User
from apps.accounts.services.code_guard import Asker
from apps.accounts.services.codes import CodeInvalid, CodeSent, check_code, send_code
from apps.accounts.services.sessions import end_session
from apps.core import audit, outbox
from apps.core.errors import Invalid, Refused
from apps.core.facts import PhoneChanged, PhoneMoveAsked
from apps.core.gateways import sms

OLD_NUMBER = _(
    "The number of your Own Circle account was changed. If it was not you, write to support today: "
    "bonuses are frozen for 24 hours."
)


ASKED_WITHOUT = _(
    "In 72 hours your Own Circle account gets another number. If it was not you, sign in by a code "
    "to this number: that cancels it."
)


class PhoneTaken(Refused):
    message = _("This number already belongs to somebody. Write to support.")


class PhoneSame(Invalid):
    field = "phone"
    message = _("This is your number already.")


@dataclass(frozen=True)
class PhoneCodes:
    """The codes that were sent: one to the number of now, one to the new one."""

    old: CodeSent
    new: CodeSent


@dataclass(frozen=True)
class Proof:
    code_id: UUID
    code: str


def ask_phone_change(*, user: User, phone: str, at: datetime, asker: Asker) -> PhoneCodes:
    """Send both codes. Whether somebody has the new number already, is said only to whoever proves
    that she holds it. Raises PhoneInvalid, PhoneSame, TooMany."""
    if rules.normalize_phone(phone) == user.phone:
        raise PhoneSame
    purpose = Purpose.PHONE_CHANGE
    new = send_code(phone=phone, at=at, purpose=purpose, subject=f"{user.pk}:new", asker=asker)
    old = send_code(phone=user.phone, at=at, purpose=purpose, subject=f"{user.pk}:old", asker=asker)
    return PhoneCodes(old, new)


def change_phone(
    *, user: User, old: Proof, new: Proof, keep: Session, at: datetime, asker: Asker
) -> User:
    """Both codes are right: the number is hers, and she is signed out everywhere but here (`keep`).

    A wrong one of the two does not use the other up. Raises CodeInvalid, CodeExpired, TooMany,
    PhoneTaken.
    """
    phone = _check(user, new, "new", at=at, asker=asker)
    try:
        proven = _check(user, old, "old", at=at, asker=asker)
    except Refused:
        OneTimeCode.objects.filter(pk=new.code_id).update(used_at=None)
        raise
    if proven != user.phone:  # her number was changed since the code was sent
        raise CodeInvalid
    return _take(user, phone, keep=keep, at=at)


def _check(user: User, proof: Proof, end: str, *, at: datetime, asker: Asker) -> str:
    return check_code(
        code_id=proof.code_id,
        code=proof.code,
        purpose=Purpose.PHONE_CHANGE,
        subject=f"{user.pk}:{end}",
        at=at,
        asker=asker,
    )


# --- without the old number ----------------------------------------------------------------------
def ask_phone_move(*, user: User, phone: str, at: datetime, asker: Asker) -> CodeSent:
    """The old number is not at hand: a code goes to the new one alone.

    Raises PhoneInvalid, PhoneSame, TooMany.
    """
    if rules.normalize_phone(phone) == user.phone:
        raise PhoneSame
    subject = f"{user.pk}:move"
    return send_code(phone=phone, at=at, purpose=Purpose.PHONE_CHANGE, subject=subject, asker=asker)


def wait_for_phone_move(
    *, user: User, new: Proof, session: Session, at: datetime, asker: Asker
) -> PhoneMove:
    """The code to the new number is right: it is hers after 72 hours. Her devices and the old
    number are told at once; asking again begins anew. Raises CodeInvalid, CodeExpired, TooMany,
    PhoneTaken."""
    phone = _check(user, new, "move", at=at, asker=asker)
    with transaction.atomic():
        if User.objects.with_phone(phone):
            raise PhoneTaken
        move, _made = PhoneMove.objects.update_or_create(
            user=user,
            defaults={
                "session": session,
                "phone_sealed": user.seal_own("phone_move", phone),
                "asked_at": at,
                "due_at": at + timedelta(seconds=rules.PHONE_MOVE),
            },
        )
        audit.record(user, "accounts.phone_move_asked", "user", user.pk)
        outbox.publish(
            PhoneMoveAsked(
                member_id=str(user.pk), at=at.isoformat(), due_at=move.due_at.isoformat()
            )
        )
        transaction.on_commit(
            partial(sms.post, phone=user.phone, text=str(ASKED_WITHOUT), life=rules.DAY)
        )
    return move


@transaction.atomic
def cancel_phone_move(*, user: User) -> None:
    """From any of her devices; when nothing waits nothing happens."""
    count, _rows = PhoneMove.objects.filter(user=user).delete()
    if count:
        audit.record(user, "accounts.phone_move_cancelled", "user", user.pk)


def serve_phone_moves(*, at: datetime) -> int:
    """Give the numbers whose 72 hours are over; how many. A number that somebody took meanwhile is
    left to whoever holds it, and so is one of a person who was blocked."""
    due = PhoneMove.objects.filter(due_at__lte=at).select_related("user", "session")
    return sum(_serve(move, at=at) for move in due.order_by("due_at"))


def _serve(move: PhoneMove, *, at: datetime) -> bool:
    with transaction.atomic():
        # the row is the right to do it: cancelled or served by another worker, nothing is there
        count, _rows = PhoneMove.objects.filter(pk=move.pk, due_at=move.due_at).delete()
        if not count or not move.user.is_active:
            return False
        try:
            phone = move.user.open_own("phone_move", move.phone_sealed)
            _take(move.user, phone, keep=move.session, at=at)
        except PhoneTaken:
            audit.record(None, "accounts.phone_move_failed", "user", move.user_id)
            return False
    return True


@transaction.atomic
def _take(user: User, phone: str, *, keep: Session, at: datetime) -> User:
    person = User.objects.select_for_update(of=("self",)).select_related("tier").get(pk=user.pk)
    other = User.objects.with_phone(phone)
    if other and other.pk != person.pk:
        raise PhoneTaken
    before = person.phone
    person.set_phone(phone)
    # Whoever took the number over has not the bonuses yet: she is told and has a day to object.
    person.frozen_until = at + timedelta(seconds=rules.FREEZE_AFTER_PHONE)
    try:
        with transaction.atomic():
            person.save(update_fields=["phone_sealed", "phone_index", "frozen_until"])
    except IntegrityError as raced:  # somebody took the number since we looked
        raise PhoneTaken from raced
    audit.record(person, "accounts.phone_changed", "user", person.pk, changed={"phone": phone})
    for session in Session.objects.filter(user=person, revoked_at__isnull=True):
        if session.pk != keep.pk:
            end_session(session=session, because="phone_changed", at=timezone.now(), by=person)
    # Her devices and the new number hear the fact; the old number is nowhere but here.
    outbox.publish(PhoneChanged(member_id=str(person.pk), at=at.isoformat()))
    tell_old = partial(sms.post, phone=before, text=str(OLD_NUMBER), life=rules.DAY)
    transaction.on_commit(tell_old)
    return person
