"""Every write about people: codes, sign-in, sessions, profile, tier, job."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext_lazy as _
from rest_framework_simplejwt.exceptions import ExpiredTokenError, TokenError

from apps.accounts import queries, rules, tokens
from apps.accounts.enums import Job, Purpose
from apps.accounts.models import OneTimeCode, Session, StatusTier, User
from apps.core import audit, outbox, sealing, throttle
from apps.core.errors import Forbidden, Invalid, Refused, TooMany
from apps.core.facts import MemberJoined, SessionReuseDetected, TierChanged
from apps.core.gateways import sms
from apps.core.ids import new_id


class PhoneInvalid(Invalid):
    field = "phone"
    message = _("Enter a Russian mobile number, such as +7 916 123-45-67.")


class PhoneTaken(Invalid):
    field = "phone"
    message = _("This number already belongs to somebody.")


class CodeInvalid(Refused):
    code = "CODE_INVALID"
    message = _("The code is wrong. Check the message and try again.")


class CodeExpired(Refused):
    code = "CODE_EXPIRED"
    message = _("The code no longer works. Ask for a new one.")


class Blocked(Refused):
    code = "BLOCKED"
    message = _("This account is blocked. Please write to support.")


class TokenRefused(Refused):
    code = "UNAUTHENTICATED"
    message = _("Please sign in again.")


class TokenExpired(TokenRefused):
    code = "TOKEN_EXPIRED"


class TokenReused(TokenRefused):
    code = "TOKEN_REUSED"
    message = _("This session was closed for safety. Please sign in again.")


class BirthDateSet(Invalid):
    field = "birthDate"
    message = _("The birth date is already set. Support can change it.")


class EmailTaken(Invalid):
    field = "email"
    message = _("This e-mail already belongs to somebody.")


@dataclass(frozen=True)
class CodeSent:
    """What the app needs to ask for the code: seconds it lives, seconds to the next sending."""

    code_id: UUID
    expires_in: int
    resend_in: int


@dataclass(frozen=True)
class Tokens:
    access_token: str
    refresh_token: str
    expires_in: int


@dataclass(frozen=True)
class SignedIn:
    tokens: Tokens
    user: User
    is_new: bool


# --- one-time codes ------------------------------------------------------------------------------
def send_code(*, phone: str, at: datetime, purpose: Purpose = Purpose.SIGN_IN) -> CodeSent:
    """Send a six-digit code to a Russian mobile number; earlier codes of the number die.

    Known, unknown and blocked numbers get the same answer. Raises PhoneInvalid, TooMany.
    """
    number = rules.normalize_phone(phone)
    if number is None:
        raise PhoneInvalid
    index = sealing.blind_index(number, purpose="phone")
    _check_sending_limits(index)
    code = rules.new_code()
    with transaction.atomic():
        OneTimeCode.objects.filter(
            phone_index=index, purpose=purpose, used_at__isnull=True, expires_at__gt=at
        ).update(expires_at=at)
        challenge = OneTimeCode(
            purpose=purpose,
            phone_index=index,
            created_at=at,
            expires_at=at + timedelta(seconds=rules.CODE_LIFE),
        )
        challenge.phone_sealed = sealing.seal(number, context=f"code.phone:{challenge.id}")
        challenge.code_hash = sealing.pepper_hash(code, purpose=f"code:{challenge.id}")
        challenge.save()
    text = str(_("Code %(code)s to sign in to Own Circle. Tell it to nobody.") % {"code": code})
    sms.gateway().send(phone=number, text=text)
    return CodeSent(challenge.id, rules.CODE_LIFE, rules.RESEND_AFTER)


def _check_sending_limits(index: str) -> None:
    wait = throttle.hit("code.resend", index, 1, rules.RESEND_AFTER)
    if wait:
        raise TooMany(retry_after=wait)
    for limit, window in rules.SENDS_PER_NUMBER:
        wait = throttle.hit(f"code.send.{window}", index, limit, window)
        if wait:
            raise TooMany(retry_after=wait)


def check_code(*, code_id: UUID, code: str, purpose: Purpose, at: datetime) -> str:
    """The E.164 number that a right code proves; the code is used up.

    Raises CodeInvalid (a try is counted and stays counted) or CodeExpired (late, used, replaced
    by a newer one, or out of tries).
    """
    with transaction.atomic():
        challenge = (
            OneTimeCode.objects.select_for_update().filter(pk=code_id, purpose=purpose).first()
        )
        if challenge is None:
            raise CodeInvalid
        if challenge.used_at or challenge.expires_at <= at or challenge.tries >= rules.CODE_TRIES:
            raise CodeExpired
        right = sealing.pepper_hash(code, purpose=f"code:{challenge.id}") == challenge.code_hash
        if right:
            challenge.used_at = at
        else:
            challenge.tries += 1
        challenge.save(update_fields=["used_at", "tries"])
    if not right:  # outside of the transaction: the counted try must not roll back
        raise CodeInvalid
    return sealing.unseal(challenge.phone_sealed, context=f"code.phone:{challenge.id}").decode()


# --- sign-in and sessions ------------------------------------------------------------------------
def sign_in(
    *,
    code_id: UUID,
    code: str,
    at: datetime,
    device_name: str = "",
    platform: str = "",
    address: str | None = None,
) -> SignedIn:
    """Turn a right code into a session; the first success creates the member.

    Raises CodeInvalid, CodeExpired, Blocked.
    """
    phone = check_code(code_id=code_id, code=code, purpose=Purpose.SIGN_IN, at=at)
    with transaction.atomic():
        user, is_new = get_or_create_member(phone=phone, at=at)
        if not user.is_active:
            raise Blocked
        session = Session.objects.create(
            user=user,
            device_name=device_name,
            platform=platform,
            address=address,
            created_at=at,
            rotated_at=at,
        )
        audit.record(user, "accounts.sign_in", "session", session.pk)
    return SignedIn(_tokens(session, at=at), user, is_new)


def _tokens(session: Session, *, at: datetime) -> Tokens:
    return Tokens(tokens.access_for(session, at=at), tokens.refresh_for(session), rules.ACCESS_LIFE)


def refresh(*, refresh_token: str, at: datetime) -> Tokens:
    """Rotate a refresh token. Within 60 s, while its successor is unused, a spent one gets the
    same successor again; otherwise the whole session is closed (TokenReused).

    Raises TokenExpired, TokenRefused, TokenReused, Blocked.
    """
    try:
        claims = tokens.RefreshToken(refresh_token)  # type: ignore[arg-type]
    except ExpiredTokenError as expired:
        raise TokenExpired from expired
    except TokenError as broken:
        raise TokenRefused from broken
    with transaction.atomic():
        session = (
            Session.objects.select_for_update(of=("self",))
            .select_related("user__tier")
            .filter(pk=claims["sid"], user_id=claims["sub"])
            .first()
        )
        if session is None or session.revoked_at:
            raise TokenRefused
        if not session.user.is_active:
            raise Blocked
        reused = not _rotate(session, presented=str(claims["jti"]), at=at)
    if reused:  # the closing is committed before the refusal leaves
        raise TokenReused
    return _tokens(session, at=at)


def _rotate(session: Session, *, presented: str, at: datetime) -> bool:
    if presented == str(session.refresh_jti):
        session.previous_jti, session.refresh_jti = session.refresh_jti, new_id()
        session.rotated_at = at
        session.save(update_fields=["previous_jti", "refresh_jti", "rotated_at"])
        return True
    # `previous_jti` moves on when its successor is used: equal means the successor is unused.
    in_grace = at - session.rotated_at <= timedelta(seconds=rules.REFRESH_GRACE)
    if presented == str(session.previous_jti) and in_grace:
        return True
    end_session(session=session, because="reuse", at=at)
    outbox.publish(
        SessionReuseDetected(
            member_id=str(session.user_id), session_id=str(session.pk), at=at.isoformat()
        )
    )
    return False


@transaction.atomic
def end_session(*, session: Session, because: str, at: datetime) -> None:
    """Close one session; its access tokens stop at the next request."""
    closed = Session.objects.filter(pk=session.pk, revoked_at__isnull=True).update(
        revoked_at=at, revoked_because=because
    )
    if closed:
        audit.record(None, f"accounts.session_{because}", "session", session.pk)


# --- members -------------------------------------------------------------------------------------
@transaction.atomic
def get_or_create_member(*, phone: str, at: datetime) -> tuple[User, bool]:
    """The person with this E.164 number, made if she is new: (person, whether new).

    Two racing calls give the same person: the unique blind index decides.
    """
    known = User.objects.with_phone(phone)
    if known:
        return User.objects.select_related("tier").get(pk=known.pk), False
    user = User(tier=queries.base_tier(), joined_at=at)
    user.set_phone(phone)
    user.set_unusable_password()
    made = User.objects.bulk_create([user], ignore_conflicts=True)[0]
    stored = User.objects.select_related("tier").get(phone_index=made.phone_index)
    if stored.pk != user.pk:
        return stored, False
    outbox.publish(MemberJoined(member_id=str(user.pk), at=at.isoformat()))
    audit.record(stored, "accounts.member_joined", "user", stored.pk)
    return stored, True


@transaction.atomic
def update_profile(*, user: User, changes: dict[str, Any]) -> User:
    """Change first and last name, e-mail, birth date (once), city or language.

    Raises BirthDateSet, EmailTaken.
    """
    person = User.objects.select_for_update().get(pk=user.pk)
    for name in ("first_name", "last_name", "city", "locale"):
        if name in changes:
            setattr(person, name, changes[name])
    if "email" in changes:
        other = User.objects.with_email(changes["email"]) if changes["email"] else None
        if other and other.pk != person.pk:
            raise EmailTaken
        person.set_email(changes["email"])
    birth_date: date | None = changes.get("birth_date")
    if birth_date:
        if person.birth_date and person.birth_date != birth_date:
            raise BirthDateSet
        person.set_birth_date(birth_date)
    person.save()
    audit.record(person, "accounts.profile", "user", person.pk, changed=changes)
    return User.objects.select_related("tier").get(pk=person.pk)


# --- tier and job --------------------------------------------------------------------------------
@transaction.atomic
def change_tier(*, member_id: UUID, tier: StatusTier, reason: str, at: datetime) -> None:
    """Move a member to a tier (loyalty decides, accounts stores) and say so."""
    member = User.objects.select_related("tier").get(pk=member_id)
    if member.tier_id == tier.pk:
        return
    User.objects.filter(pk=member_id).update(tier=tier)
    audit.record(None, "accounts.tier", "user", member_id, reason=reason)
    outbox.publish(
        TierChanged(
            member_id=str(member_id),
            before=member.tier.code,
            after=tier.code,
            reason=reason,
            at=at.isoformat(),
        )
    )


@transaction.atomic
def set_job(*, user: User, job: Job, by: User | None, reason: str) -> None:
    """Give a person a network job or take it. Only a superadmin may, never her own; the last
    superadmin stays. `by` None is the machine room: commands on the server.

    Raises Forbidden.
    """
    if by is not None and (by.job != Job.SUPERADMIN or by.pk == user.pk):
        raise Forbidden
    seniors = User.objects.select_for_update().filter(job=Job.SUPERADMIN)
    if user.job == Job.SUPERADMIN and job != Job.SUPERADMIN and len(seniors) == 1:
        raise Forbidden
    User.objects.filter(pk=user.pk).update(job=job)
    user.job = job
    audit.record(by, "accounts.job", "user", user.pk, reason=reason, changed={"job": job})
