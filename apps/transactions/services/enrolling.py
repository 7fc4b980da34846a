"""Somebody new at a till becomes a member, and is asked by SMS whether she agrees."""

from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from apps.accounts.models import User
from apps.accounts.queries import person_with_phone
from apps.accounts.rules import DAY, normalize_phone
from apps.accounts.services import PhoneInvalid, get_or_create_member
from apps.core import throttle
from apps.core.errors import TooMany
from apps.core.gateways import sms

ENROLMENTS_A_DAY = 100  # by one person: more is a list of numbers, not guests


@transaction.atomic
def enrol_member(*, phone: str, by: User, at: datetime) -> tuple[User, bool]:
    """The member with this phone; somebody new gets a message with the terms and the question:
    (member, whether new). The message leaves when the transaction commits, or never.

    Raises PhoneInvalid, TooMany.
    """
    number = normalize_phone(phone)
    if number is None:
        raise PhoneInvalid
    known = person_with_phone(number)
    if known:
        return known, False
    wait = throttle.hit("till.enrol", str(by.pk), ENROLMENTS_A_DAY, DAY)
    if wait:
        raise TooMany(retry_after=wait)
    member, is_new = get_or_create_member(phone=number, at=at)
    if is_new:
        text = _("You were given bonuses of Own Circle. The terms, and your consent: %(site)s") % {
            "site": settings.SITE_URL
        }
        transaction.on_commit(lambda: sms.post(phone=number, text=text, life=DAY), robust=True)
    return member, is_new
