"""Tier and role by hand: what the pages of the admin do, refuse and say."""

import uuid
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from apps.accounts import queries, services
from apps.accounts.enums import Job, JobRequestState
from apps.accounts.models import JobRequest, TOTPDevice, User
from apps.core.errors import Forbidden, NotFound
from apps.core.models import AuditEntry
from tests.accounts.desks import desk_of
from tests.factories.accounts import UserFactory
from tests.factories.businesses import BusinessFactory, staff_of

pytestmark = pytest.mark.django_db
WHY = "приглашена на годовщину сети"


@pytest.fixture
def chief():
    return UserFactory(job="superadmin")


@pytest.fixture
def second():
    return UserFactory(job="superadmin")


@pytest.fixture
def admin():
    return UserFactory(job="admin")


def page(person, name):
    return reverse(f"admin:accounts_user_{name}", args=[person.pk])


def text(answer):
    return answer.content.decode()


def in_days(days):
    return timezone.localdate() + timedelta(days=days)


def tier_of(person):
    person.refresh_from_db()
    return person.tier.code


# --- the tier -------------------------------------------------------------------------------------
def test_tier_is_put_until_the_end_of_a_day(admin, member):
    until = in_days(30)
    sent = {"tier": "elite", "until": f"{until:%d.%m.%Y}", "reason": WHY}

    done = desk_of(admin).post(page(member, "tier"), sent, follow=True)

    assert "Статус назначен." in text(done)
    assert f"{until:%d.%m.%Y}" in text(done)  # the day itself, not the midnight after it
    assert (tier_of(member), member.tier_is_locked(at=timezone.now() + timedelta(days=29))) == (
        "elite",
        True,
    )
    row = AuditEntry.objects.get(action="accounts.tier_by_hand")
    assert (row.actor_id, row.reason) == (admin.pk, WHY)


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        ({"tier": "vip", "until": ""}, "без срока бывает только приглашение"),
        ({"tier": "vip", "until": "01.01.2020"}, "Этот день уже прошёл."),
        ({"tier": "vip", "until": "31.12.9999"}, "Введите правильную дату."),
        ({"tier": "queen", "until": ""}, "queen"),
        ({"tier": "inner_circle", "until": "", "reason": "так"}, "10 знаков"),
    ],
)
def test_tier_that_cannot_be_is_refused_at_its_field(admin, member, sent, words):
    answer = desk_of(admin).post(page(member, "tier"), {"reason": WHY} | sent)

    assert (answer.status_code, words in text(answer)) == (422, True)
    assert tier_of(member) == "insider"


def test_nobody_raises_her_own_tier_or_that_of_a_stranger_who_is_gone(admin, member, at):
    sent = {"tier": "inner_circle", "until": "", "reason": WHY}
    own = desk_of(admin).post(page(admin, "tier"), sent)
    services.erase_person(user=member, at=at, because="asked")
    erased = desk_of(admin).post(page(member, "tier"), sent)

    assert "С этим человеком вам этого делать нельзя." in text(own)
    assert (own.status_code, erased.status_code) == (422, 422)
    assert "inner_circle" not in (tier_of(admin), tier_of(member))


def test_tier_of_now_with_a_longer_date_tells_nobody(admin, member, at):
    asked = {"user": member, "by": admin, "reason": WHY, "at": at}
    for days in (10, 20):
        services.set_tier_by_hand(code="vip", until=at + timedelta(days=days), **asked)

    assert member.tier_locked_until == at + timedelta(days=20)
    assert member.tier_changes.count() == 1
    assert AuditEntry.objects.filter(action="accounts.tier_by_hand").count() == 2


def test_terms_of_tiers_are_for_the_network_and_their_own_fields(admin, owner, at):
    tier = UserFactory(tier_code="vip").tier

    for by, changes in ((owner, {"rate_bp": 900}), (admin, {"code": "gold"})):
        with pytest.raises(Forbidden):
            services.update_tier_row(tier=tier, changes=changes, by=by, reason=WHY, at=at)

    tier.refresh_from_db()
    assert (tier.code, tier.rate_bp) == ("vip", 700)


def test_many_terms_at_once_are_those_of_one_by_one(admin, at):
    """A day before the terms were changed, and a day before she rose."""
    risen, same = UserFactory(), UserFactory(tier_code="vip")
    tier = same.tier
    services.update_tier_row(tier=tier, changes={"rate_bp": 800}, by=admin, reason=WHY, at=at)
    services.change_tier(member_id=risen.pk, tier=tier, reason="reached", at=at)
    people = list(User.objects.select_related("tier").filter(pk__in=[risen.pk, same.pk]))
    asked = [(person, at + timedelta(days=days)) for person in people for days in (-1, 1)]

    many = queries.terms_of_many(asked)

    assert many == [queries.terms_of(person, at=moment) for person, moment in asked]
    assert {
        (person.pk, terms.rate_bp) for (person, _at), terms in zip(asked, many, strict=True)
    } == {
        (risen.pk, 500),
        (risen.pk, 800),
        (same.pk, 700),
        (same.pk, 800),
    }


# --- the role -------------------------------------------------------------------------------------
def test_role_page_says_what_is_in_the_way(chief, second, member):
    sent, desk = {"role": "admin", "reason": WHY}, desk_of(chief)
    desk.post(page(member, "role"), sent)

    again = desk.post(page(member, "role"), sent)
    own = desk.post(page(chief, "role"), sent)

    assert (again.status_code, own.status_code) == (422, 422)
    assert "Для неё уже запрошена роль." in text(again)
    assert JobRequest.objects.count() == 1


def test_role_page_is_a_superadmins(admin, member):
    assert desk_of(admin).get(page(member, "role")).status_code == 403
    assert desk_of(admin).get(page(member, "tier")).status_code == 200


def test_request_is_declined_on_its_page(chief, second, member):
    request = services.set_job(user=member, job=Job.ADMIN, by=chief, reason=WHY)
    url = reverse("admin:accounts_jobrequest_decline", args=[request.pk])
    sent = {"_form_submitted": "True", "reason": "её никто из нас не знает"}

    stale = desk_of(second, confirmed_ago=99_999).post(url, sent)
    waits = JobRequest.objects.get().state
    desk_of(second).post(url, sent, follow=True)
    late = desk_of(chief).post(url, sent, follow=True)

    request.refresh_from_db()
    assert (stale.status_code, waits) == (302, JobRequestState.OPEN)
    assert (request.state, request.decided_by) == (JobRequestState.DECLINED, second)
    assert "Этот запрос уже решён" in text(late)
    member.refresh_from_db()
    assert member.job == ""


def test_whose_role_it_is_declines_nothing(chief, second, at):
    third = UserFactory(job="superadmin")
    request = services.set_job(user=second, job=Job.ADMIN, by=chief, reason=WHY)

    with pytest.raises(Forbidden):
        services.decline_job(request_id=request.pk, by=second, reason=WHY, at=at)
    with pytest.raises(NotFound):
        services.decline_job(request_id=uuid.uuid4(), by=third, reason=WHY, at=at)

    request.refresh_from_db()
    assert request.state == JobRequestState.OPEN


@pytest.mark.parametrize("role", ["business_owner", "business_staff"])
def test_who_leaves_the_network_keeps_her_work_at_a_partner(chief, role):
    hers = staff_of(BusinessFactory(), role=role)
    services.set_job(user=hers, job=Job.ADMIN, by=chief, reason=WHY)  # nobody else to ask

    services.set_job(user=hers, job=Job.NONE, by=chief, reason=WHY)

    hers.refresh_from_db()
    assert hers.job == role


def test_erased_person_gets_no_role(chief, member, at):
    services.erase_person(user=member, at=at, because="asked")

    with pytest.raises(NotFound):
        services.set_job(user=member, job=Job.ADMIN, by=chief, reason=WHY)


# --- pages of people ------------------------------------------------------------------------------
def test_blocked_people_are_one_filter_away(admin, member, at):
    blocked = UserFactory(first_name="Жозефина", blocked_at=at)
    url, desk = reverse("admin:accounts_user_changelist"), desk_of(admin)

    found = [
        {row.pk for row in desk.get(url, {"blocked": state}).context["cl"].result_list}
        for state in ("1", "0")
    ]

    assert found[0] == {blocked.pk}
    assert blocked.pk not in found[1] >= {member.pk, admin.pk}


def test_whole_phone_wants_a_fresh_factor_and_a_living_person(admin, member, at):
    url = page(member, "reveal")
    stale = desk_of(admin, confirmed_ago=99_999).get(url)
    services.erase_person(user=member, at=at, because="asked")
    gone = desk_of(admin).post(url, {"reason": WHY})

    assert (stale.status_code, gone.status_code) == (302, 422)
    shown = text(desk_of(admin).get(reverse("admin:accounts_user_change", args=[member.pk])))
    assert url not in shown
    assert not AuditEntry.objects.filter(action="accounts.reveal_phone").exists()


def test_wrong_codes_of_the_app_make_the_next_one_wait(admin):
    device = TOTPDevice.objects.create(user=admin, name="app", confirmed=True)

    tries = [device.verify_token(token) for token in ("abcdef", "٣٣٣٣٣٣")]

    allowed, _why = device.verify_is_allowed()
    assert (tries, allowed) == ([False, False], False)
    device.refresh_from_db()
    assert device.throttling_failure_count >= 1
