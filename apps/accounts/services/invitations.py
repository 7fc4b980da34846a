"""Telling somebody that she works somewhere now, and her first password."""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.accounts.models import Invitation, User
from apps.core import audit, sealing, throttle
from apps.core.errors import Invalid, Refused, TooMany
from apps.core.gateways import sms

LIFE = timedelta(hours=24)
MOST, WINDOW = 5, 24 * 3600  # messages to one person a day, whoever sends them
TOLD_LIFE = 24 * 3600  # seconds for which a message is worth sending
PURPOSE = "invitation"


class InvitationDead(Refused):
    code = "CODE_EXPIRED"
    message = gettext_lazy(
        "This link no longer works: it lives a day and is good once. Ask for a new one."
    )


class PasswordWeak(Invalid):
    field = "password"
    message: Any = "%(why)s"


@dataclass(frozen=True)
class Doors:
    """Paths of the pages: where the first password is set, where one signs in."""

    password: str
    signin: str


def needs_first_password(user: User) -> bool:
    """She signs in with a password by her job and has none yet."""
    return bool(user.needs_second_factor and not user.has_usable_password())


def invite(
    *, user: User, business_id: UUID, place: str, by: User, at: datetime, paths: Doors
) -> bool:
    """Tell her by SMS that she works at `place` now; whether a link for the first password went
    along. Earlier links die. Call outside of a transaction: the message leaves at the end.

    Raises TooMany."""
    wait = throttle.hit("invitation", str(user.pk), MOST, WINDOW)
    if wait:
        raise TooMany(retry_after=wait)
    with_link = needs_first_password(user)
    with translation.override(user.locale):
        if with_link:
            token = _new_link(user=user, business_id=business_id, by=by, at=at)
            url = f"{settings.SITE_URL}{paths.password}?key={token}"
            text = _(
                "Own Circle: you are an owner of «%(place)s» now. Set a password within a day:"
            )
        else:
            url = f"{settings.SITE_URL}{paths.signin}"
            text = _("Own Circle: you work at «%(place)s» now. Sign in here:")
        sms.post(phone=user.phone, text=f"{text % {'place': place}} {url}", life=TOLD_LIFE)
    return with_link


@transaction.atomic
def _new_link(*, user: User, business_id: UUID, by: User, at: datetime) -> str:
    Invitation.objects.filter(user=user, used_at__isnull=True, expires_at__gt=at).update(
        expires_at=at
    )
    token = secrets.token_urlsafe(24)
    Invitation.objects.create(
        user=user,
        business_id=business_id,
        token_hash=_hash(token),
        made_by=by,
        made_at=at,
        expires_at=at + LIFE,
    )
    audit.record(by, "accounts.invited", "user", user.pk, business_id=business_id)
    return token


def _hash(token: str) -> str:
    return sealing.pepper_hash(token, purpose=PURPOSE)


def invited_by_link(token: str, *, at: datetime) -> User | None:
    """Whose first password this link sets; None when it no longer does. Looking uses nothing up:
    messengers and scanners open links before people do."""
    row = Invitation.objects.select_related("user__tier").filter(token_hash=_hash(token)).first()
    return row.user if row and _is_alive(row, at=at) else None


def _is_alive(row: Invitation, *, at: datetime) -> bool:
    fresh = row.used_at is None and row.expires_at > at
    return bool(fresh and row.user.is_active and needs_first_password(row.user))


@transaction.atomic
def set_first_password(*, token: str, password: str, at: datetime) -> User:
    """Her first password; the link is used up. Raises InvitationDead, PasswordWeak."""
    rows = Invitation.objects.select_for_update(of=("self", "user")).select_related("user")
    row = rows.filter(token_hash=_hash(token)).first()
    if row is None or not _is_alive(row, at=at):
        raise InvitationDead
    try:
        validate_password(password, row.user)
    except ValidationError as weak:
        raise PasswordWeak(why=" ".join(weak.messages)) from weak
    row.user.set_password(password)
    row.user.save(update_fields=["password"])
    row.used_at = at
    row.save(update_fields=["used_at"])
    audit.record(
        row.user, "accounts.first_password", "user", row.user_id, business_id=row.business_id
    )
    return row.user
