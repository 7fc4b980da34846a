"""The host's word to what guests said."""

from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from apps.accounts import rights
from apps.accounts.models import User
from apps.core import audit, outbox
from apps.core.errors import Forbidden, Invalid, NotFound, Refused
from apps.core.facts import EventModerated
from apps.events.models import Feedback


class AnswerEmpty(Invalid):
    field = "answer"
    message = _("Write the answer: a sentence or two, at most 1,000 signs.")


class AnswerStale(Refused):
    code = "STALE"
    message = _(
        "Somebody answered meanwhile. Look at the answer and write yours over it if need be."
    )


@transaction.atomic
def answer_feedback(
    *, feedback_id: UUID, answer: str, seen: str, by: User, at: datetime
) -> Feedback:
    """The host's word to what a guest said; she is told of the first one. `seen` is the answer
    that stood there when `by` wrote hers.

    Raises NotFound, Forbidden, AnswerEmpty, AnswerStale."""
    row = (
        Feedback.objects.select_for_update(of=("self",))
        .select_related("registration__event__business")
        .filter(pk=feedback_id)
        .first()
    )
    if row is None or row.registration.event.business is None:
        raise NotFound
    event = row.registration.event
    if not by.has_perm(rights.MANAGE, event.business):
        raise Forbidden
    answer = answer.strip()
    if not 0 < len(answer) <= 1000:
        raise AnswerEmpty
    if row.answer != seen:
        raise AnswerStale
    is_first = not row.answer
    row.answer, row.answered_at, row.answered_by = answer, at, by
    row.save(update_fields=["answer", "answered_at", "answered_by"])
    audit.record(by, "events.answer_feedback", "feedback", row.pk, business_id=event.business_id)
    if is_first and row.registration.member_id:
        outbox.publish(
            EventModerated(
                event_id=str(event.pk),
                member_id=str(row.registration.member_id),
                decision="answered",
                title=event.title,
                at=at.isoformat(),
            )
        )
    return row
