"""Jobs at the network: a superadmin gives and takes them, for admins and superadmins two do."""

from datetime import datetime
from uuid import UUID

import structlog
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from guardian.models import UserObjectPermission

from apps.accounts import rights
from apps.accounts.enums import Job, JobRequestState
from apps.accounts.models import JobRequest, User
from apps.accounts.services.reasons import written_reason
from apps.accounts.services.sessions import end_sessions
from apps.core import audit
from apps.core.errors import Forbidden, NotFound, Refused
from apps.core.masking import mask_text

log = structlog.get_logger(__name__)

SENIOR = (Job.ADMIN, Job.SUPERADMIN)


class AskedAlready(Refused):
    message = _("A role was already asked for her. Let it be confirmed or declined first.")


class RequestOver(Refused):
    code = "WRONG_STATE"
    message = _("This request was decided, or seven days have passed.")


@transaction.atomic
def set_job(*, user: User, job: Job, by: User | None, reason: str) -> JobRequest | None:
    """Give a person a network job or take it. Only a superadmin may, never her own; the last
    superadmin stays. `by` None is the machine room: commands on the server.

    `admin` and `superadmin` want a second superadmin: then a request is answered and nothing has
    changed yet. While she is the only one there is nobody to ask: it is done, and the log says so.
    Whoever also works at a business falls back to her job there. Raises Forbidden, ReasonMissing,
    AskedAlready, NotFound for somebody who was erased.
    """
    seniors = _locked_seniors()
    if by is not None and (by.pk not in seniors or by.pk == user.pk):
        raise Forbidden
    if job != Job.SUPERADMIN and seniors.keys() == {user.pk}:
        raise Forbidden
    reason = written_reason("users.role", reason, by=by)
    person = _person(user.pk)
    if by is not None and _wants_second(job, seniors, by=by, person=person):
        return _ask(person, job, by=by, reason=reason)
    _give(person, job, by=by, reason=reason)
    user.job = person.job
    return None


def _locked_seniors() -> dict[UUID, User]:
    # Read under lock: two superadmins who demote each other at once must not both succeed.
    people = User.objects.select_for_update(of=("self",)).filter(job=Job.SUPERADMIN)
    return {person.pk: person for person in people.order_by("pk")}


def _person(person_id: UUID) -> User:
    person = User.objects.select_for_update(of=("self",)).get(pk=person_id)
    if person.erased_at:
        raise NotFound
    return person


def _wants_second(job: Job, seniors: dict[UUID, User], *, by: User, person: User) -> bool:
    if job not in SENIOR or not rights.TABLE["users.role"].second:
        return False
    others = [one for one in seniors.values() if one.is_active and one.pk not in (by.pk, person.pk)]
    if not others:
        log.warning("accounts.job_by_one_alone", by=str(by.pk), person=str(person.pk))
    return bool(others)


def _ask(person: User, job: Job, *, by: User, reason: str) -> JobRequest:
    at = timezone.now()
    waiting = JobRequest.objects.filter(person=person, state=JobRequestState.OPEN).first()
    if waiting and not waiting.is_over(at=at):
        raise AskedAlready
    if waiting:
        _close(waiting, JobRequestState.LAPSED, by=None, at=at)
    request = JobRequest.objects.create(
        person=person, job=job, reason=mask_text(reason), asked_by=by, asked_at=at
    )
    audit.record(
        by, "accounts.job_asked", "user", person.pk, reason=reason, changed={"job": str(job)}
    )
    return request


def _close(request: JobRequest, state: JobRequestState, *, by: User | None, at: datetime) -> None:
    JobRequest.objects.filter(pk=request.pk).update(state=state, decided_by=by, decided_at=at)
    request.state, request.decided_by, request.decided_at = state, by, at


def _give(person: User, job: Job, *, by: User | None, reason: str) -> None:
    before, job = person.job, job or _job_at_a_business(person)
    User.objects.filter(pk=person.pk).update(job=job)
    person.job = job
    audit.record(by, "accounts.job", "user", person.pk, reason=reason, changed={"job": str(job)})
    if before and before != job:  # what she had open under the old job ends with it
        end_sessions(user=person, because="job", by=by, reason=reason, at=timezone.now())


def _job_at_a_business(person: User) -> Job:
    """What her memberships make her: they hold their rights as object permissions."""
    granted = UserObjectPermission.objects.filter(user=person)
    names = {
        f"businesses.{name}" for name in granted.values_list("permission__codename", flat=True)
    }
    if rights.MANAGE in names:
        return Job.OWNER
    return Job.STAFF if rights.SELL in names else Job.NONE


# --- the second person ---------------------------------------------------------------------------
@transaction.atomic
def confirm_job(*, request_id: UUID, by: User, at: datetime) -> User:
    """Another superadmin agrees, and the job is given; the person as she is now.

    Raises Forbidden for the one who asked, for the person herself and for everybody else;
    RequestOver, NotFound.
    """
    request = _open_request(request_id, by=by, at=at, seniors=_locked_seniors())
    if by.pk in (request.asked_by_id, request.person_id):
        raise Forbidden
    person = _person(request.person_id)
    _close(request, JobRequestState.CONFIRMED, by=by, at=at)
    _give(person, Job(request.job), by=by, reason=request.reason)
    return person


@transaction.atomic
def decline_job(*, request_id: UUID, by: User, reason: str, at: datetime) -> None:
    """A superadmin refuses, or the one who asked takes it back. Raises Forbidden, RequestOver,
    ReasonMissing, NotFound."""
    request = _open_request(request_id, by=by, at=at, seniors=_locked_seniors())
    if by.pk == request.person_id:
        raise Forbidden
    reason = written_reason("users.role", reason, by=by)
    _close(request, JobRequestState.DECLINED, by=by, at=at)
    audit.record(by, "accounts.job_declined", "user", request.person_id, reason=reason)


def _open_request(
    request_id: UUID, *, by: User, at: datetime, seniors: dict[UUID, User]
) -> JobRequest:
    """The request under lock. One whose asker is no superadmin any more counts as over."""
    if by.pk not in seniors:
        raise Forbidden
    request = JobRequest.objects.select_for_update(of=("self",)).filter(pk=request_id).first()
    if request is None:
        raise NotFound
    asker_is_in = request.asked_by_id in seniors and seniors[request.asked_by_id].is_active
    if request.state != JobRequestState.OPEN or request.is_over(at=at) or not asker_is_in:
        raise RequestOver
    return request
