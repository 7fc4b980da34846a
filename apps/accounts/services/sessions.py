"""Sign-in by code, refresh tokens and their rotation, the end of a session."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.contrib.sessions.models import Session as BrowserSession
from django.db import transaction
from django.utils.translation import gettext_lazy as _
from rest_framework_simplejwt.exceptions import ExpiredTokenError, TokenError

from apps.accounts import rights, rules, tokens
from apps.accounts.enums import Purpose, SessionKind
from apps.accounts.models import PhoneMove, Session, User
from apps.accounts.services.code_guard import Asker
from apps.accounts.services.codes import check_code
from apps.accounts.services.members import get_or_create_member
from apps.accounts.services.reasons import written_reason
from apps.core import audit, outbox, throttle
from apps.core.errors import Forbidden, NotFound, Refused, TooMany
from apps.core.facts import NewDeviceSignedIn, SessionReuseDetected
from apps.core.ids import new_id


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


def sign_in(
    *,
    code_id: UUID,
    code: str,
    at: datetime,
    device_name: str = "",
    platform: str = "",
    referral_code: str = "",
    asker: Asker = Asker(),  # noqa: B008 - frozen
) -> SignedIn:
    """Turn a right code into a session; the first success creates the member, and only then a
    `referral_code` counts.

    Raises CodeInvalid, CodeExpired, TooMany, Blocked.
    """
    phone = check_code(code_id=code_id, code=code, purpose=Purpose.SIGN_IN, at=at, asker=asker)
    with transaction.atomic():
        user, is_new = get_or_create_member(
            phone=phone, at=at, referral_code=referral_code, device_hash=asker.device_key
        )
        if not user.is_active:
            raise Blocked
        strange = not is_new and _is_strange(user, asker.device_key)
        session = Session.objects.create(
            user=user,
            is_new_device=strange,
            device_name=device_name,
            platform=platform,
            device_key=asker.device_key,
            address=asker.address,
            created_at=at,
            last_seen_at=at,
            rotated_at=at,
        )
        audit.record(user, "accounts.sign_in", "session", session.pk)
        # She reads messages to her number: whoever asked to move it without it was not she.
        PhoneMove.objects.filter(user=user).delete()
        if strange:
            _note_strange(user, session, at=at)
    return SignedIn(_tokens(session, at=at), user, is_new)


def _is_strange(user: User, device_key: str) -> bool:
    """She has devices that told their ids, and this is none of them. Her first one is not strange:
    there is no other that could confirm it, and her number alone pays at a till anyway."""
    mine = Session.objects.filter(user=user).exclude(device_key="")
    known = set(mine.values_list("device_key", flat=True))
    return bool(known) and device_key not in known


def _note_strange(user: User, session: Session, *, at: datetime) -> None:
    User.objects.filter(pk=user.pk).update(new_device_at=at)
    user.new_device_at = at
    outbox.publish(
        NewDeviceSignedIn(member_id=str(user.pk), session_id=str(session.pk), at=at.isoformat())
    )


def _tokens(session: Session, *, at: datetime) -> Tokens:
    return Tokens(tokens.access_for(session, at=at), tokens.refresh_for(session), rules.ACCESS_LIFE)


def refresh(*, refresh_token: str, at: datetime) -> Tokens:
    """Rotate a refresh token. Within 60 s, while its successor is unused, a spent one gets the
    same successor again; otherwise the whole session is closed (TokenReused).

    Raises TokenExpired, TokenRefused, TokenReused, Blocked, TooMany.
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
        if session is None:
            raise TokenRefused
        if not session.user.is_active:  # before the next line: blocking ended her sessions
            raise Blocked
        if session.revoked_at:
            raise TokenRefused
        reused = not _rotate(session, presented=str(claims["jti"]), at=at)
    if reused:  # the closing is committed before the refusal leaves
        raise TokenReused
    return _tokens(session, at=at)


def _rotate(session: Session, *, presented: str, at: datetime) -> bool:
    if presented == str(session.refresh_jti):
        # Only what makes a new token counts: asking again for a lost answer is free.
        if wait := throttle.hit("refresh", str(session.user_id), *rules.REFRESHES):
            raise TooMany(retry_after=wait)
        session.previous_jti, session.refresh_jti = session.refresh_jti, new_id()
        session.rotated_at = session.last_seen_at = at
        session.save(update_fields=["previous_jti", "refresh_jti", "rotated_at", "last_seen_at"])
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


def note_seen(*, session: Session, at: datetime) -> None:
    """Write "last seen", at most once a minute."""
    before = at - timedelta(seconds=rules.SEEN_EVERY)
    if session.last_seen_at < before:
        Session.objects.filter(pk=session.pk, last_seen_at__lt=before).update(last_seen_at=at)


@transaction.atomic
def end_session(
    *, session: Session, because: str, at: datetime, by: User | None = None, reason: str = ""
) -> None:
    """Close one session: its access tokens, or its browser's cookie, stop at the next request."""
    closed = Session.objects.filter(pk=session.pk, revoked_at__isnull=True).update(
        revoked_at=at, revoked_because=because
    )
    if session.web_key:
        BrowserSession.objects.filter(session_key=session.web_key).delete()
    if closed:
        audit.record(by, f"accounts.session_{because}", "session", session.pk, reason=reason)


@transaction.atomic
def end_session_by_admin(*, session: Session, by: User, reason: str, at: datetime) -> None:
    """An admin closes somebody's session and says why. Raises Forbidden, ReasonMissing."""
    if not rights.may("sessions.end", job=by.job):
        raise Forbidden
    reason = written_reason("sessions.end", reason, by=by)
    end_session(session=session, because="admin", at=at, by=by, reason=reason)


def end_own_session(*, user: User, session_id: UUID | str, at: datetime) -> None:
    """Sign out one of her own devices, the current one included. Raises NotFound."""
    try:
        key = UUID(str(session_id))
    except ValueError as wrong:
        raise NotFound from wrong
    session = Session.objects.filter(pk=key, user=user, revoked_at__isnull=True).first()
    if session is None:
        raise NotFound
    end_session(session=session, because="signed_out", at=at, by=user)


@transaction.atomic
def end_sessions(*, user: User, because: str, by: User | None, reason: str, at: datetime) -> int:
    """Close all of a person's sessions, app and browser, in the caller's transaction; how many."""
    live = Session.objects.select_for_update(of=("self",)).filter(
        user=user, revoked_at__isnull=True
    )
    keys = list(live.order_by("pk").values_list("web_key", flat=True))
    BrowserSession.objects.filter(session_key__in=[key for key in keys if key]).delete()
    count = Session.objects.filter(user=user, revoked_at__isnull=True).update(
        revoked_at=at, revoked_because=because
    )
    if count:
        audit.record(
            by,
            "accounts.sessions_ended",
            "user",
            user.pk,
            reason=reason,
            changed={"because": because, "count": count},
        )
    return count


# --- browsers ------------------------------------------------------------------------------------
def open_web_session(
    *, user: User, web_key: str, browser: str, address: str | None, at: datetime
) -> Session:
    """Enter a browser's session into the list of devices, so that it can be ended from there."""
    session, _made = Session.objects.get_or_create(
        web_key=web_key,
        defaults={
            "user": user,
            "kind": SessionKind.WEB,
            "device_name": browser[:80],
            "platform": "web",
            "address": address,
            "created_at": at,
            "rotated_at": at,
            "last_seen_at": at,
        },
    )
    return session


def end_web_session(*, web_key: str, because: str, at: datetime) -> None:
    """Close a browser's session by its key, if it is still open."""
    session = Session.objects.filter(web_key=web_key).first()
    if session:
        end_session(session=session, because=because, at=at)


def note_web_seen(*, session_id: str, at: datetime) -> None:
    """The browser's middleware counts the minute itself, in the session."""
    Session.objects.filter(pk=session_id).update(last_seen_at=at)


def forget_sessions(*, at: datetime) -> int:
    """Ended sessions are kept 90 days; browser sessions whose cookie is over end here."""
    over = at - timedelta(seconds=rules.WEB_ABSOLUTE)
    Session.objects.filter(
        kind=SessionKind.WEB, revoked_at__isnull=True, created_at__lt=over
    ).update(revoked_at=at, revoked_because="timed_out")
    BrowserSession.objects.filter(expire_date__lt=at).delete()
    count, _rows = Session.objects.filter(revoked_at__lt=at - timedelta(days=90)).delete()
    return count
