"""Feedback and personal calendars."""

import hashlib
import secrets
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import User
from apps.core.errors import Refused
from apps.events import rules
from apps.events.enums import Place
from apps.events.models import CalendarFeed, Event, Feedback


class NotThere(Refused):
    code = "WRONG_STATE"
    message = _("Only those who came may rate the event.")


class TooLateToRate(Refused):
    code = "WRONG_STATE"
    message = _("Feedback is open for seven days after the event and can be changed for a day.")


@transaction.atomic
def give_feedback(*, user: User, event: Event, rating: int, comment: str, at: datetime) -> Feedback:
    """Stars and a word, once; to be changed for 24 h. Raises NotThere, TooLateToRate."""
    mine = event.registrations.filter(member=user, state=Place.ATTENDED).first()
    if mine is None:
        raise NotThere
    ends = event.times.ends_at
    given = Feedback.objects.select_for_update().filter(registration=mine).first()
    if given:
        if at > given.given_at + timedelta(hours=rules.FEEDBACK_EDIT_HOURS):
            raise TooLateToRate
        Feedback.objects.filter(pk=given.pk).update(rating=rating, comment=comment, changed_at=at)
        given.refresh_from_db()
        return given
    if not ends <= at <= ends + timedelta(days=rules.FEEDBACK_DAYS):
        raise TooLateToRate
    try:
        with transaction.atomic():
            return Feedback.objects.create(
                registration=mine, rating=rating, comment=comment, given_at=at
            )
    except IntegrityError:  # the other phone was faster with the same form
        return Feedback.objects.get(registration=mine)


def hash_of(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


@transaction.atomic
def reset_calendar(*, user: User, at: datetime) -> str:
    """A new secret address of her calendar; the old one stops working. The token is shown once."""
    token = secrets.token_urlsafe(24)
    CalendarFeed.objects.update_or_create(
        member=user, defaults={"token_hash": hash_of(token), "made_at": at}
    )
    return token
