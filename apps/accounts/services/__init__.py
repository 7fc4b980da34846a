"""Every write about people. One file per noun; callers import from here."""

from apps.accounts.services.codes import (
    CodeExpired,
    CodeInvalid,
    CodeSent,
    PhoneInvalid,
    check_code,
    send_code,
)
from apps.accounts.services.members import (
    BirthDateSet,
    EmailTaken,
    get_or_create_member,
    update_profile,
)
from apps.accounts.services.positions import change_tier, set_job
from apps.accounts.services.sessions import (
    Blocked,
    SignedIn,
    TokenExpired,
    TokenRefused,
    TokenReused,
    Tokens,
    end_session,
    refresh,
    sign_in,
)

__all__ = [
    "BirthDateSet",
    "Blocked",
    "CodeExpired",
    "CodeInvalid",
    "CodeSent",
    "EmailTaken",
    "PhoneInvalid",
    "SignedIn",
    "TokenExpired",
    "TokenRefused",
    "TokenReused",
    "Tokens",
    "change_tier",
    "check_code",
    "end_session",
    "get_or_create_member",
    "refresh",
    "send_code",
    "set_job",
    "sign_in",
    "update_profile",
]
