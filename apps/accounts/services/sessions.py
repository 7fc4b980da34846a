"""Sign-in by code, refresh tokens and their rotation, the end of a session."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext_lazy as _
from rest_framework_simplejwt.exceptions import ExpiredTokenError, TokenError

from apps.accounts import rules, tokens
from apps.accounts.enums import Purpose
from apps.accounts.models import Session, User
from apps.accounts.services.codes import check_code
from apps.accounts.services.members import get_or_create_member
from apps.core import audit, outbox
from apps.core.errors import Refused
from apps.core.facts import SessionReuseDetected
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
