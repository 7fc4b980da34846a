"""Reads about people that several callers need."""

import re

from apps.accounts import rules
from apps.accounts.models import Session, StatusTier, User


def is_phone_like(text: str) -> bool:
    """It has the shape of a phone number, right or wrong."""
    return bool(re.fullmatch(r"\+?[\d\s()\-]{5,20}", text.strip()))


def find_member(text: str) -> User | None:
    """A person by exact phone in any Russian form, or by card number; None when unknown."""
    people = User.objects.select_related("tier")
    if rules.is_card_number(text):
        digits = re.sub(r"\s", "", text)
        return people.filter(card_number=digits).first()
    phone = rules.normalize_phone(text)
    if phone is None:
        return None
    found = User.objects.with_phone(phone)
    return people.get(pk=found.pk) if found else None


def live_session(session_id: str) -> Session | None:
    """The session with its person and tier in one statement; None when it was ended."""
    return (
        Session.objects.select_related("user__tier")
        .filter(pk=session_id, revoked_at__isnull=True)
        .first()
    )


def base_tier() -> StatusTier:
    """Where everybody starts."""
    return StatusTier.objects.get(position=1)
