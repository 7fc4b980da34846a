"""Members: joining and the profile."""

from datetime import date, datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from apps.accounts import queries
from apps.accounts.models import User
from apps.core import audit, outbox
from apps.core.errors import Invalid
from apps.core.facts import MemberJoined


class BirthDateSet(Invalid):
    field = "birthDate"
    message = _("The birth date is already set. Support can change it.")


class EmailTaken(Invalid):
    field = "email"
    message = _("This e-mail already belongs to somebody.")


@transaction.atomic
def get_or_create_member(
    *, phone: str, at: datetime, referral_code: str = "", device_hash: str = ""
) -> tuple[User, bool]:
    """The person with this E.164 number, made if she is new: (person, whether new).

    Two racing calls give the same person: the unique blind index decides. Who invited her
    (`referral_code`) is passed on as she typed it: loyalty knows the codes.
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
    outbox.publish(
        MemberJoined(
            member_id=str(user.pk),
            at=at.isoformat(),
            referral_code=referral_code,
            device_hash=device_hash,
        )
    )
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
    _save(person)
    audit.record(person, "accounts.profile", "user", person.pk, changed=changes)
    return User.objects.select_related("tier").get(pk=person.pk)


def _save(person: User) -> None:
    try:
        with transaction.atomic():
            person.save()
    except IntegrityError as raced:  # somebody took the address since we looked
        if "email_index" not in str(raced):
            raise
        raise EmailTaken from raced


@transaction.atomic
def note_export(*, user: User) -> None:
    """She took a copy of everything held about her: the audit log says so."""
    audit.record(user, "accounts.export", "user", user.pk)
