"""What people ask about their data in writing: noted with the law's day, carried out, closed.

Erasure that a person begins herself (a withdrawn consent) stands in the same queue and is carried
out by the clock; here an admin does it before its day.
"""

from datetime import date, datetime, timedelta
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from apps.accounts import rights
from apps.accounts.enums import RequestKind, RequestState
from apps.accounts.models import PrivacyRequest, User
from apps.accounts.services.erasure import erase_person
from apps.accounts.services.reasons import written_reason
from apps.core import audit
from apps.core.errors import Forbidden, NotFound, Refused
from apps.core.masking import mask_text

SERVE = "privacy.serve"
# 152-FZ art. 14, 20, 21: working days to answer. Holidays are not taken off: a day early is no harm.
WORKING_DAYS = {
    RequestKind.COPY: 10,
    RequestKind.CORRECTION: 7,
    RequestKind.STOP: 10,
    RequestKind.ERASURE: 10,
}


class AskedAlready(Refused):
    message = _("The same is already in the queue for her.")


class RequestClosed(Refused):
    code = "WRONG_STATE"
    message = _("This request is closed already.")


def due_day(kind: RequestKind, *, at: datetime) -> datetime:
    """The end of the last working day by which the law wants an answer."""
    local = timezone.localtime(at)
    day: date = local.date()
    left = WORKING_DAYS[kind]
    while left:
        day += timedelta(days=1)
        left -= day.weekday() < 5
    return timezone.make_aware(datetime.combine(day, datetime.max.time()))


@transaction.atomic
def note_request(*, member: User, kind: RequestKind, by: User, at: datetime) -> PrivacyRequest:
    """A demand that came by letter or by word. Raises Forbidden, AskedAlready."""
    _may_serve(by)
    try:
        with transaction.atomic():
            request = PrivacyRequest.objects.create(
                member=member, kind=kind, received_at=at, due_at=due_day(kind, at=at)
            )
    except IntegrityError as twice:
        raise AskedAlready from twice
    audit.record(by, "accounts.privacy_asked", "user", member.pk, changed={"kind": str(kind)})
    return request


@transaction.atomic
def serve_request(*, request_id: UUID, answer: str, by: User, at: datetime) -> PrivacyRequest:
    """Carry it out: an erasure is done here, of the others the answer says what was done.

    Raises Forbidden, NotFound, RequestClosed, ReasonMissing, and what `erase_person` raises.
    """
    _may_serve(by)
    request = PrivacyRequest.objects.select_for_update().filter(pk=request_id).first()
    if request is None:
        raise NotFound
    if request.state != RequestState.OPEN:
        raise RequestClosed
    answer = written_reason(SERVE, answer, by=by)
    if request.kind == RequestKind.ERASURE:
        if request.member_id == by.pk:
            raise Forbidden
        erase_person(user=request.member, at=at, because="asked", by=by)
    PrivacyRequest.objects.filter(pk=request.pk).update(
        state=RequestState.DONE, closed_at=at, answer=mask_text(answer)[:500], closed_by=by
    )
    audit.record(
        by,
        "accounts.privacy_served",
        "user",
        request.member_id,
        reason=answer,
        changed={"kind": request.kind},
    )
    request.refresh_from_db()
    return request


def _may_serve(by: User) -> None:
    if not rights.may(SERVE, job=by.job):
        raise Forbidden
