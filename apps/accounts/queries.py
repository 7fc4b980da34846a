"""Reads about people that several callers need."""

import hmac
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

from django.db.models import (
    BooleanField,
    CharField,
    Count,
    Exists,
    ExpressionWrapper,
    Max,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Value,
)
from django.db.models.functions import Concat, Left
from django.utils import timezone

from apps.accounts import rules
from apps.accounts.enums import ConsentPurpose, SessionKind
from apps.accounts.models import (
    Consent,
    ConsentText,
    MemberCard,
    PhoneMove,
    Session,
    StaffPin,
    StatusTier,
    TierChange,
    TierVersion,
    TOTPDevice,
    TrustedDevice,
    User,
)
from apps.core import rows, sealing
from apps.core.models import AuditEntry


def is_phone_like(text: str) -> bool:
    """It has the shape of a phone number, right or wrong."""
    return bool(re.fullmatch(r"\+?[\d\s()\-]{5,20}", text.strip()))


def find_member(text: str, *, at: datetime | None = None) -> User | None:
    """A person by exact phone in any Russian form, by card number, or by the digits of her card's
    QR (`at`: now), which are not used up; None when unknown."""
    people = User.objects.select_related("tier")
    if rules.is_card_token(text):
        card = card_in_hand(text, at=at or timezone.now())
        return card.user if card else None
    if rules.is_card_number(text):
        digits = re.sub(r"\s", "", text)
        return people.filter(card_number=digits).first()
    phone = rules.normalize_phone(text)
    if phone is None:
        return None
    found = User.objects.with_phone(phone)
    return people.get(pk=found.pk) if found else None


@dataclass(frozen=True)
class CardInHand:
    """A member who shows her card now, and the step whose code she shows."""

    user: User
    step: int


def card_in_hand(token: str, *, at: datetime, used_too: bool = False) -> CardInHand | None:
    """Who shows this token, one step of clock early or late; None when it fits nobody, is out of
    date, or (without `used_too`) was used at a till."""
    parts = rules.split_card_token(token)
    if parts is None:
        return None
    number, code = parts
    card = (
        MemberCard.objects.select_related("user__tier")
        .filter(user__card_number=number, user__blocked_at__isnull=True)
        .first()
    )
    if card is None or card.user.erased_at:
        return None
    secret = bytes.fromhex(card.user.open_own("card", card.secret_sealed))
    now = rules.card_step(at.timestamp())
    for step in (now, now - 1, now + 1):
        if hmac.compare_digest(rules.card_code(secret, step), code):
            return CardInHand(card.user, step) if used_too or step > card.used_step else None
    return None


def find_person(text: str) -> User | None:
    """By exact phone, card number or e-mail; None when unknown or not whole."""
    return User.objects.with_email(text) if "@" in text else find_member(text)


def named(text: str) -> Q:
    """People whose first or last name begins so; of two words each must begin one."""
    found = Q()
    for word in text.split()[:2]:
        found &= Q(first_name__istartswith=word) | Q(last_name__istartswith=word)
    return found if text.strip() else Q(pk__in=[])


def everybody() -> QuerySet[User]:
    """All people but the erased, for admins."""
    return User.objects.select_related("tier").filter(erased_at__isnull=True)


def person_in_full(person_id: UUID) -> User | None:
    """One of them with what an admin asks first: where she is signed in, is she secured."""
    live = Q(sessions__revoked_at__isnull=True)
    devices = TOTPDevice.objects.filter(user=OuterRef("pk"), confirmed=True)
    return (
        everybody()
        .annotate(
            live_sessions=Count("sessions", filter=live),
            last_seen_at=Max("sessions__last_seen_at"),
            has_second_factor=Exists(devices),
            has_email=ExpressionWrapper(~Q(email_sealed=""), output_field=BooleanField()),
            has_birth_date=ExpressionWrapper(~Q(birth_date_sealed=""), output_field=BooleanField()),
        )
        .filter(pk=person_id)
        .first()
    )


def audit_log() -> QuerySet[AuditEntry]:
    """Rows with the name of whoever acted (`actor_name`: first name, initial)."""
    name = Concat("first_name", Value(" "), Left("last_name", 1), output_field=CharField())
    people = User.objects.filter(pk=OuterRef("actor_id"))
    return AuditEntry.objects.annotate(actor_name=Subquery(people.values_list(name)))


def phone_move_of(user: User) -> PhoneMove | None:
    """The new number that waits for her, if one does."""
    return PhoneMove.objects.select_related("user").filter(user=user).first()


_SESSION = rows.Columns(Session, "s")
_PERSON = rows.Columns(User, "u", start=_SESSION.end)
_TIER = rows.Columns(StatusTier, "t", start=_PERSON.end)
_SESSION_OF_TOKEN = f"""
SELECT {_SESSION.sql}, {_PERSON.sql}, {_TIER.sql}{{along}}
FROM accounts_session s
JOIN accounts_user u ON u.id = s.user_id JOIN accounts_statustier t ON t.id = u.tier_id
WHERE s.id = %s
"""  # noqa: S608 - put together from columns of models


@cache
def _session_with(along: str) -> str:
    return _SESSION_OF_TOKEN.replace("{along}", f", {along}" if along else "")


def session_of_token(
    session_id: str, *, along: tuple[str, Sequence[Any]] | None = None
) -> Session | None:
    """The session with its person and tier in one statement, ended or not. Asked at every request
    of the API: by the ORM it was half of what an empty one costs. `along` is an expression over the
    person `u` that the same round trip answers, and its values."""
    expression, values = along or ("", ())
    row = rows.first(_session_with(expression), [*values, UUID(session_id)])
    if row is None:
        return None
    session, session.user = _SESSION.of(row), _PERSON.of(row)
    session.user.tier = _TIER.of(row)
    session.along = row[_TIER.end] if along else None
    return session


_PLAIN_PERSON = rows.Columns(User, "u")
_PLAIN_TIER = rows.Columns(StatusTier, "t", start=_PLAIN_PERSON.end)
_PERSON_BY = f"""
SELECT {_PLAIN_PERSON.sql}, {_PLAIN_TIER.sql}
FROM accounts_user u JOIN accounts_statustier t ON t.id = u.tier_id
"""  # noqa: S608 - put together from columns of models


def person(user_id: UUID) -> User | None:
    """Somebody with her tier by id, for hot paths."""
    return _person(rows.first(_PERSON_BY + "WHERE u.id = %s", [user_id]))


def person_with_phone(phone: str) -> User | None:
    """The same by an E.164 number."""
    indexes = sealing.blind_indexes(phone, purpose="phone")
    return _person(rows.first(_PERSON_BY + "WHERE u.phone_index = ANY(%s)", [indexes]))


def _person(row: tuple[Any, ...] | None) -> User | None:
    if row is None:
        return None
    found = _PLAIN_PERSON.of(row)
    found.tier = _PLAIN_TIER.of(row)
    return found


def live_sessions(user_id: UUID) -> QuerySet[Session]:
    """Where she is signed in, app and browsers."""
    return Session.objects.filter(user_id=user_id, revoked_at__isnull=True)


def live_device(device_id: str, *, at: datetime) -> TrustedDevice | None:
    """A computer of a till by its id, while it is trusted."""
    device = TrustedDevice.objects.filter(pk=device_id, revoked_at__isnull=True).first()
    return device if device and device.good_until > at else None


def is_verified(member: User) -> bool:
    """She has shown by a code that her number is hers: not only a till wrote it down."""
    return Session.objects.filter(user=member, kind=SessionKind.APP).exists()


def base_tier() -> StatusTier:
    """Where everybody starts."""
    return StatusTier.objects.get(position=1)


@dataclass(frozen=True)
class Terms:
    """By what somebody earned at a moment: code of the tier, rate in basis points."""

    code: str
    rate_bp: int


def terms_of(member: User, *, at: datetime) -> Terms:
    """The terms that held for a member at a moment, past or present.

    Costs nothing for the present: only a moment before her last change of tier, or before the last
    change of that tier's terms, is looked up.
    """
    tier = member.tier
    if member.tier_since and at < member.tier_since:
        tier = _tier_then(member, at=at)
    if at >= tier.since:
        return Terms(tier.code, tier.rate_bp)
    former = TierVersion.objects.filter(tier=tier, until__gt=at).order_by("until").first()
    return Terms(tier.code, former.rate_bp if former else tier.rate_bp)


def _tier_then(member: User, *, at: datetime) -> StatusTier:
    """Where she stood: after her last change until then, else before her first one."""
    changes = TierChange.objects.filter(member=member).select_related("before", "after")
    last = changes.filter(at__lte=at).order_by("-at", "-id").first()
    if last:
        return last.after
    first = changes.order_by("at", "id").first()
    return first.before if first else member.tier


def terms_of_many(asked: Sequence[tuple[User, datetime]]) -> list[Terms]:
    """`terms_of` for many at once, in two statements at most; one answer each, in their order."""
    late = [user for user, at in asked if user.tier_since and at < user.tier_since]
    changes: dict[UUID, list[TierChange]] = {}
    if late:
        found = TierChange.objects.filter(member__in={user.pk for user in late})
        for change in found.select_related("before", "after").order_by("at", "id"):
            changes.setdefault(change.member_id, []).append(change)
    stood = [_stood(user, at, changes.get(user.pk, [])) for user, at in asked]
    versions: list[TierVersion] = []
    if any(at < tier.since for tier, (_user, at) in zip(stood, asked, strict=True)):
        versions = list(TierVersion.objects.order_by("until"))
    return [_in_force(tier, at, versions) for tier, (_user, at) in zip(stood, asked, strict=True)]


def _stood(user: User, at: datetime, changes: list[TierChange]) -> StatusTier:
    if not user.tier_since or at >= user.tier_since or not changes:
        return user.tier
    before = [change for change in changes if change.at <= at]
    return before[-1].after if before else changes[0].before


def _in_force(tier: StatusTier, at: datetime, versions: list[TierVersion]) -> Terms:
    if at >= tier.since:
        return Terms(tier.code, tier.rate_bp)
    former = [one for one in versions if one.tier_id == tier.pk and one.until > at]
    return Terms(tier.code, former[0].rate_bp if former else tier.rate_bp)


def has_consent(member_id: UUID, purpose: ConsentPurpose) -> bool:
    """Whether her newest answer for this purpose is yes. Nobody ever asked is no.

    Whoever sends advertising asks at the moment of sending, for each person; a remembered answer
    does not count. One look into one index; a withdrawal holds for the next call.
    """
    newest = Consent.objects.filter(member_id=member_id, purpose=purpose).order_by("-id")
    return bool(newest.values_list("given", flat=True).first())


def standing_consents(member_ids: Iterable[UUID], purpose: ConsentPurpose) -> dict[UUID, int]:
    """`has_consent` for many at once: member → id of the consent that stands now. Who said no last,
    or was never asked, is absent."""
    rows = Consent.objects.filter(member__in=set(member_ids), purpose=purpose)
    newest = rows.order_by("member", "-id").distinct("member")
    return {
        member_id: consent_id
        for member_id, consent_id, given in newest.values_list("member_id", "id", "given")
        if given
    }


def newest_consents(member_id: UUID) -> dict[str, Consent]:
    """Purpose → her newest answer; a purpose she was never asked for is absent."""
    rows = Consent.objects.filter(member_id=member_id).order_by("purpose", "-id")
    return {row.purpose: row for row in rows.distinct("purpose")}


def newest_texts() -> dict[str, ConsentText]:
    """Purpose → the words that are shown for it now."""
    rows = ConsentText.objects.order_by("purpose", "-version").distinct("purpose")
    return {row.purpose: row for row in rows}


@dataclass(frozen=True)
class ConsentState:
    """One purpose as a person sees it: her answer (`version` and `at` are None before the first),
    and the text she would agree to now."""

    purpose: str
    given: bool
    version: int | None
    at: datetime | None
    current_version: int
    text: str


def consents_of(member_id: UUID, *, language: str) -> list[ConsentState]:
    """All purposes in the order of the list of purposes. Nothing is agreed to by default."""
    answers, texts = newest_consents(member_id), newest_texts()
    states = []
    for purpose in ConsentPurpose:
        answer, text = answers.get(purpose), texts[purpose]
        states.append(
            ConsentState(
                purpose=purpose,
                given=bool(answer and answer.given),
                version=answer.version if answer else None,
                at=answer.at if answer else None,
                current_version=text.version,
                text=text.text_en if language == "en" else text.text_ru,
            )
        )
    return states


def surrogates_of(member_ids: Iterable[str]) -> dict[str, UUID]:
    """Member id → the id under which she stands in ClickHouse."""
    rows = User.objects.filter(pk__in=set(member_ids)).values_list("pk", "surrogate_salt")
    return {str(pk): UUID(sealing.surrogate_id(str(pk), salt=salt)) for pk, salt in rows}


# --- a till's people and computers ---------------------------------------------------------------
def pins_of(user_ids: Iterable[UUID]) -> dict[UUID, str]:
    """Who of them has a PIN: `set`, or `locked` after too many wrong ones. One statement."""
    rows = StaffPin.objects.filter(user__in=set(user_ids)).values_list("user_id", "tries")
    return {user: "locked" if tries >= rules.PIN_TRIES else "set" for user, tries in rows}


def devices_of_business(business_id: UUID, *, at: datetime) -> list[TrustedDevice]:
    """Computers that open by PIN at a business, the one used last first."""
    rows = TrustedDevice.objects.filter(business_id=business_id, revoked_at__isnull=True)
    found = rows.select_related("trusted_by").order_by("-last_seen_at", "pk")
    return [device for device in found if device.good_until > at]
