"""The one question an event may ask of every guest: answered in the app, or at the door."""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import User
from apps.core.errors import NotFound, Refused
from apps.events.enums import ACTIVE
from apps.events.models import Event, EventRegistration
from apps.events.services.books import lock_event


class NoQuestion(Refused):
    code = "WRONG_STATE"
    message = _("This event asks nothing.")


@transaction.atomic
def answer_question(*, user: User, event: Event, yes: bool, at: datetime) -> EventRegistration:
    """Her own word, changed as often as she likes until the end. Raises NotFound, NoQuestion."""
    event = lock_event(event.pk)
    mine = event.registrations.filter(member=user, state__in=ACTIVE).first()
    if mine is None:
        raise NotFound
    if not event.question or at >= event.times.ends_at:
        raise NoQuestion
    write_answer(mine, yes, by=user, at=at)
    return mine


def write_answer(registration: EventRegistration, yes: bool, *, by: User, at: datetime) -> None:
    """The caller holds the event's lock. `by` is herself, or who asked her at the door."""
    registration.answer, registration.answered_at, registration.answered_by = yes, at, by
    registration.save(update_fields=["answer", "answered_at", "answered_by"])


def is_unanswered(event: Event, registration: EventRegistration) -> bool:
    return bool(event.question) and registration.answer is None
