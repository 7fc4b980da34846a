"""The profile: what its owner may change, what jobs and tiers may be given."""

from datetime import date

import pytest
import time_machine
from django.utils import timezone

from apps.accounts import services
from apps.accounts.enums import Job
from apps.accounts.models import StatusTier, User
from apps.core.errors import Forbidden
from apps.core.models import AuditEntry, Message
from tests.factories.accounts import UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def me(api, member):
    return api.as_(member)


def refused(answer):
    return answer.status_code, answer.json()["error"]["details"]


# --- reading -------------------------------------------------------------------------------------
def test_the_profile_is_that_of_the_contract(api):
    member = UserFactory(
        phone="+79161234567",
        email="Anna@Mail.ru",
        first_name="Анна",
        last_name="Котова",
        city="Тверь",
        tier_code="vip",
    )

    data = api.as_(member).get("/users/me").json()["data"]

    assert data.pop("joinedAt").endswith("Z")
    assert data == {
        "id": str(member.pk),
        "phone": "+79161234567",
        "firstName": "Анна",
        "lastName": "Котова",
        "email": "Anna@Mail.ru",
        "birthDate": None,
        "city": "Тверь",
        "locale": "ru",
        "role": "member",
        "status": {"code": "vip", "name": "VIP", "cashbackRate": "7.00"},
        "cardNumber": member.card_number,
    }


# --- changing ------------------------------------------------------------------------------------
def test_what_is_sent_is_changed_and_the_rest_stays(me, member):
    changes = {"firstName": "Ольга", "email": "olga@mail.ru", "birthDate": "1990-05-17"}
    answer = me.patch("/users/me", changes)

    data = answer.json()["data"]
    assert answer.status_code == 200
    assert {name: data[name] for name in changes} == changes
    assert data["lastName"] == member.last_name
    again = User.objects.get(pk=member.pk)
    assert (again.first_name, again.email, again.birth_date) == (
        "Ольга",
        "olga@mail.ru",
        date(1990, 5, 17),
    )


def test_a_change_leaves_an_audit_row_without_the_values(me, member):
    me.patch("/users/me", {"email": "olga@mail.ru", "city": "Тверь"})

    row = AuditEntry.objects.get(action="accounts.profile")
    assert (row.actor_id, row.object_id, len(row.digest)) == (member.pk, str(member.pk), 64)


def test_nothing_sent_changes_nothing(me, member):
    assert me.patch("/users/me", {}).status_code == 200
    assert User.objects.get(pk=member.pk).first_name == member.first_name


@pytest.mark.parametrize("field", ["firstName", "lastName", "city", "email"])
def test_a_text_can_be_emptied(me, member, field):
    me.patch("/users/me", {field: "anna@mail.ru"})
    answer = me.patch("/users/me", {field: ""})

    assert (answer.status_code, answer.json()["data"][field]) == (200, "")


@pytest.mark.parametrize(
    "field",
    [
        "id",
        "phone",
        "role",
        "job",
        "status",
        "tier",
        "tierId",
        "cardNumber",
        "joinedAt",
        "blockedAt",
        "isSuperuser",
        "isStaff",
        "password",
        "dataKey",
        "phoneSealed",
        "phoneIndex",
    ],
)
def test_nobody_raises_herself_by_a_field(me, member, field):
    before = User.objects.filter(pk=member.pk).values().get()

    answer = me.patch("/users/me", {field: "superadmin"})

    assert (answer.status_code, list(answer.json()["error"]["details"])) == (422, [field])
    assert User.objects.filter(pk=member.pk).values().get() == before


@pytest.mark.parametrize(
    "changes",
    [
        {"firstName": "я" * 61},
        {"firstName": None},
        {"firstName": ["Анна"]},
        {"email": "anna"},
        {"email": "anna@"},
        {"email": "a" * 400 + "@mail.ru"},
        {"locale": "de"},
        {"locale": ""},
        {"birthDate": "17.05.1990"},
        {"birthDate": "1990-02-30"},
        {"birthDate": "1899-12-31"},
        {"birthDate": "0001-01-01"},
        {"birthDate": None},
        {"birthDate": 19900517},
    ],
)
def test_a_bad_value_is_refused_by_name(me, changes):
    status, details = refused(me.patch("/users/me", changes))

    assert (status, list(details)) == (422, list(changes))


def test_one_bad_value_spoils_the_whole_change(me, member):
    me.patch("/users/me", {"firstName": "Ольга", "locale": "de"})

    assert User.objects.get(pk=member.pk).first_name == member.first_name


# --- birth date ----------------------------------------------------------------------------------
def test_a_birth_date_is_set_once(me, member):
    first = me.patch("/users/me", {"birthDate": "1990-05-17"})
    same = me.patch("/users/me", {"birthDate": "1990-05-17"})
    other = me.patch("/users/me", {"birthDate": "1990-05-18"})

    assert (first.status_code, same.status_code) == (200, 200)
    assert refused(other)[0] == 422
    assert list(refused(other)[1]) == ["birthDate"]
    assert User.objects.get(pk=member.pk).birth_date == date(1990, 5, 17)


@pytest.mark.parametrize(
    ("today", "born", "status"),
    [
        ("2026-11-21", "2008-11-21", 200),
        ("2026-11-21", "2008-11-22", 422),
        ("2026-11-21", "2030-01-01", 422),
        ("2028-02-29", "2010-02-28", 200),
        ("2028-02-29", "2010-03-01", 422),
    ],
)
def test_members_are_of_age_on_every_day_of_the_calendar(member, api, today, born, status):
    with time_machine.travel(f"{today} 12:00:00 +0300", tick=False):
        answer = api.as_(member).patch("/users/me", {"birthDate": born})

    assert answer.status_code == status


# --- e-mail --------------------------------------------------------------------------------------
def test_an_email_belongs_to_one_person(me, member):
    UserFactory(email="anna@mail.ru")

    status, details = refused(me.patch("/users/me", {"email": "Anna@Mail.RU"}))

    assert (status, list(details)) == (422, ["email"])
    assert User.objects.get(pk=member.pk).email == ""


def test_ones_own_email_can_be_written_differently(me):
    me.patch("/users/me", {"email": "anna@mail.ru"})
    answer = me.patch("/users/me", {"email": "Anna@Mail.ru"})

    assert (answer.status_code, answer.json()["data"]["email"]) == (200, "Anna@Mail.ru")


def test_two_people_may_have_none(me):
    UserFactory(email="")

    assert me.patch("/users/me", {"email": ""}).status_code == 200


# --- tier and job --------------------------------------------------------------------------------
def test_a_tier_moves_with_a_fact_and_an_audit_row(member, at):
    vip = StatusTier.objects.get(code="vip")

    for _ in range(2):
        services.change_tier(member_id=member.pk, tier=vip, reason="60 000 ₽", at=at)

    assert User.objects.get(pk=member.pk).tier == vip
    told = Message.objects.get(topic="TierChanged").payload
    assert (told["before"], told["after"], told["reason"]) == ("insider", "vip", "60 000 ₽")
    assert AuditEntry.objects.get(action="accounts.tier").reason == "60 000 ₽"


REASON = "Приказ № 7 от сегодняшнего дня"


def give(user, job, by):
    services.set_job(user=user, job=job, by=by, reason=REASON)


def test_a_superadmin_gives_and_takes_jobs(member):
    senior = UserFactory(job="superadmin")

    give(member, Job.ADMIN, senior)
    during = User.objects.get(pk=member.pk).job
    give(member, Job.NONE, senior)

    assert (during, User.objects.get(pk=member.pk).job) == ("admin", "")
    rows = AuditEntry.objects.filter(action="accounts.job").values_list("actor_id", "reason")
    assert list(rows) == [(senior.pk, REASON)] * 2


@pytest.mark.parametrize("job", ["", "business_staff", "business_owner", "admin"])
def test_nobody_else_gives_a_job(member, job):
    with pytest.raises(Forbidden):
        give(member, Job.ADMIN, UserFactory(job=job))

    assert User.objects.get(pk=member.pk).job == ""


def test_nobody_changes_her_own_job():
    senior = UserFactory(job="superadmin")
    UserFactory(job="superadmin")

    with pytest.raises(Forbidden):
        give(senior, Job.NONE, senior)


def test_the_last_superadmin_stays_even_for_the_machine_room():
    last = UserFactory(job="superadmin")

    with pytest.raises(Forbidden):
        give(last, Job.NONE, None)
    give(UserFactory(), Job.SUPERADMIN, None)
    give(last, Job.NONE, None)
    assert User.objects.get(pk=last.pk).job == ""


def test_a_stale_page_does_not_take_the_last_superadmin(member):
    """What the caller holds in memory may be old: the rows under lock decide."""
    last = UserFactory(job="superadmin")
    stale = User.objects.get(pk=last.pk)
    stale.job = ""

    with pytest.raises(Forbidden):
        give(stale, Job.NONE, None)


def test_a_superadmin_who_is_none_any_more_gives_nothing(member):
    was = UserFactory(job="superadmin")
    UserFactory(job="superadmin")
    User.objects.filter(pk=was.pk).update(job="")

    with pytest.raises(Forbidden):
        give(member, Job.ADMIN, was)


def test_a_lost_job_ends_the_sessions_opened_under_it(api, member):
    give(member, Job.ADMIN, None)
    caller = api.as_(User.objects.get(pk=member.pk))
    before = caller.get("/users/me").status_code
    give(member, Job.NONE, None)

    assert (before, caller.get("/users/me").status_code) == (200, 401)
    assert timezone.now() >= caller.session.created_at
