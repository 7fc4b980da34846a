"""Admins and superadmins are made by two: one asks, another confirms; races included."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone

from apps.accounts import services
from apps.accounts.enums import Job, JobRequestState
from apps.accounts.models import JobRequest, User
from apps.core.errors import Forbidden
from apps.core.models import AuditEntry
from tests.accounts.desks import desk_of
from tests.api import Api
from tests.factories.accounts import UserFactory
from tests.threads import race

WHY = "принята на работу в сеть"
pytestmark = pytest.mark.django_db


@pytest.fixture
def chief() -> User:
    return UserFactory(job="superadmin", first_name="Инна", last_name="Чистова")


@pytest.fixture
def second() -> User:
    return UserFactory(job="superadmin", first_name="Майя", last_name="Ясная")


def ask(person: User, chief: User, job: Job = Job.ADMIN) -> JobRequest:
    request = services.set_job(user=person, job=job, by=chief, reason=WHY)
    assert request is not None
    return request


def job_of(person: User) -> str:
    return User.objects.values_list("job", flat=True).get(pk=person.pk)


@pytest.mark.parametrize("job", [Job.ADMIN, Job.SUPERADMIN])
def test_another_superadmin_confirms(member: User, chief: User, second: User, job: Job) -> None:
    request = ask(member, chief, job)
    assert job_of(member) == ""

    services.confirm_job(request_id=request.pk, by=second, at=timezone.now())

    assert job_of(member) == job
    rows = AuditEntry.objects.filter(object_id=str(member.pk)).order_by("id")
    assert [(row.action, row.actor_id, row.reason) for row in rows] == [
        ("accounts.job_asked", chief.pk, WHY),
        ("accounts.job", second.pk, WHY),
    ]


def test_nobody_confirms_her_own_request_or_her_own_role(chief: User, second: User) -> None:
    third = UserFactory(job="superadmin")
    for_admin = ask(UserFactory(job="admin"), chief, Job.SUPERADMIN)
    for_second = ask(second, chief)  # a step down to admin is a role of the two as well

    for request, by in ((for_admin, chief), (for_second, second)):
        with pytest.raises(Forbidden):
            services.confirm_job(request_id=request.pk, by=by, at=timezone.now())
    for by in (UserFactory(job="admin"), UserFactory()):
        with pytest.raises(Forbidden):
            services.confirm_job(request_id=for_admin.pk, by=by, at=timezone.now())
    services.confirm_job(request_id=for_second.pk, by=third, at=timezone.now())
    assert job_of(second) == "admin"


def test_taking_a_role_away_needs_one(chief: User, second: User) -> None:
    admin = UserFactory(job="admin")

    assert services.set_job(user=admin, job=Job.NONE, by=chief, reason=WHY) is None
    assert job_of(admin) == ""


def test_the_only_superadmin_has_nobody_to_ask(member: User, chief: User) -> None:
    UserFactory(job="superadmin", blocked_at=timezone.now())  # who is blocked is nobody to ask

    assert services.set_job(user=member, job=Job.ADMIN, by=chief, reason=WHY) is None
    assert job_of(member) == "admin"


def test_a_request_is_declined_taken_back_or_lapses(
    member: User, chief: User, second: User
) -> None:
    at = timezone.now()
    declined = ask(member, chief)
    with pytest.raises(services.AskedAlready):
        ask(member, second)
    services.decline_job(request_id=declined.pk, by=second, reason=WHY, at=at)
    taken_back = ask(member, chief)
    services.decline_job(request_id=taken_back.pk, by=chief, reason=WHY, at=at)
    old = ask(member, chief)
    JobRequest.objects.filter(pk=old.pk).update(asked_at=at - timedelta(days=7))
    for request in (declined, taken_back, old):
        with pytest.raises(services.RequestOver):
            services.confirm_job(request_id=request.pk, by=second, at=at)

    newer = ask(member, chief)  # a lapsed one does not stand in the way

    old.refresh_from_db()
    assert old.state == JobRequestState.LAPSED
    assert newer.state == JobRequestState.OPEN
    assert job_of(member) == ""


def test_a_request_dies_with_its_asker(member: User, chief: User, second: User) -> None:
    request = ask(member, chief)
    services.block_user(user=chief, by=second, reason=WHY, at=timezone.now())

    with pytest.raises(services.RequestOver):
        services.confirm_job(request_id=request.pk, by=second, at=timezone.now())


def test_the_database_knows_the_rule_too(member: User, chief: User) -> None:
    now = timezone.now()
    given = {"person": member, "job": "admin", "reason": WHY, "asked_by": chief, "asked_at": now}
    for bad in (
        {"state": "confirmed", "decided_by": chief, "decided_at": now},
        {"state": "confirmed", "decided_by": member, "decided_at": now},
        {"state": "confirmed", "decided_at": now},
        {"person": chief},
        {"job": "business_owner"},
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            JobRequest.objects.create(**given | bad)


def test_the_api_says_that_it_waits(api: Api, member: User, chief: User, second: User) -> None:
    body = {"role": "admin", "reason": WHY}
    path = f"/admin/users/{member.pk}/role"

    first, again = api.as_(chief).patch(path, body), api.as_(chief).patch(path, body)

    assert first.status_code == 202
    assert (first.json()["data"]["role"], first.json()["data"]["pendingRole"]) == (
        "member",
        "admin",
    )
    assert (again.status_code, again.json()["error"]["code"]) == (409, "CONFLICT")


def test_the_admin_pages_ask_and_agree(member: User, chief: User, second: User) -> None:
    url = reverse("admin:accounts_user_role", args=[member.pk])
    short = desk_of(chief).post(url, {"role": "admin", "reason": "да"})
    assert short.status_code == 422
    asked = desk_of(chief).post(url, {"role": "admin", "reason": WHY}, follow=True)
    assert "Теперь это должна подтвердить" in asked.content.decode()
    request = JobRequest.objects.get()
    agree = reverse("admin:accounts_jobrequest_agree", args=[request.pk])

    own = desk_of(chief).post(agree, {"_form_submitted": "True"}, follow=True)
    assert job_of(member) == ""
    assert own.status_code == 200
    desk_of(second).post(agree, {"_form_submitted": "True"}, follow=True)

    assert job_of(member) == "admin"


@pytest.mark.django_db(transaction=True)
def test_two_agree_at_once_and_it_is_given_once() -> None:
    chief, member = UserFactory(job="superadmin"), UserFactory()
    others = UserFactory.create_batch(6, job="superadmin")
    request = ask(member, chief)

    def agree(number: int) -> str:
        try:
            services.confirm_job(request_id=request.pk, by=others[number], at=timezone.now())
        except services.RequestOver:
            return "over"
        return "given"

    answers = race(6, agree)

    assert sorted(answers) == ["given"] + ["over"] * 5
    assert AuditEntry.objects.filter(action="accounts.job").count() == 1
