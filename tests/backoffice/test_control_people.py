"""Control pages of people: who is found and shown, jobs, what was asked about data, the log."""

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from apps.accounts.models import JobRequest, PrivacyRequest, User
from apps.accounts.models.sessions import Session
from apps.accounts.services import note_request
from apps.core.ids import new_id
from apps.core.models import AuditEntry
from tests.backoffice.conftest import Person, SignedIn
from tests.factories.accounts import UserFactory
from tests.signed_in import enter

pytestmark = pytest.mark.django_db
WHY = "Проверено по документам"
PHONE = "+79123456789"


def text(answer) -> str:
    return answer.content.decode().replace("\u00a0", " ")


def card(user: User) -> str:
    return reverse("backoffice:member", args=[user.pk])


def stale(user: User) -> Client:
    """Her browser, whose second factor was shown yesterday."""
    return enter(Client(), user, confirmed_ago=86_400)


# --- who is found --------------------------------------------------------------------------------
def test_members_are_filtered_by_tier_and_state(desk: Client, anna: User, person: Person) -> None:
    eva = person("Ева", "Юрина")
    User.objects.filter(pk=eva.pk).update(blocked_at=timezone.now())

    def names(query: str) -> set[str]:
        rows = desk.get(f"/control/members/?{query}").context["page"]
        return {one.first_name for one in rows if one.pk in (anna.pk, eva.pk)}

    assert names("") == {"Анна", "Ева"}
    assert names("tier=vip") == {"Анна"}
    assert names("state=blocked") == {"Ева"}
    assert names("state=active") == {"Анна"}
    assert names("state=active&tier=insider") == set()


def test_a_name_lists_namesakes_and_a_wrong_number_lists_nobody(desk: Client, anna: User) -> None:
    def found(who: str) -> list[User]:
        return list(desk.post("/control/members/", {"who": who}).context["page"])

    assert found("котова") == [anna]
    assert found("+7 999 111-22-33") == []
    assert found("anna@example.ru") == []
    assert found("") == []
    assert PHONE not in text(desk.post("/control/members/", {"who": "котова"}))


# --- her card ------------------------------------------------------------------------------------
def test_a_whole_phone_is_shown_once_for_a_reason_and_a_second_factor(
    desk: Client, irina: User, anna: User
) -> None:
    asked = {"act": "reveal", "reason": WHY}

    away = stale(irina).post(card(anna), asked)
    mute = desk.post(card(anna), {"act": "reveal", "reason": "так"}, follow=True)
    shown = text(desk.post(card(anna), asked))

    assert away.url.startswith("/login/confirm/?next=")
    assert PHONE not in text(mute)
    assert 'role="alert"' in text(mute)
    assert PHONE in shown
    assert PHONE not in text(desk.get(card(anna)))
    assert AuditEntry.objects.get(action="accounts.reveal_phone").reason == WHY


def test_a_session_is_ended_and_only_one_of_hers(desk: Client, anna: User) -> None:
    hers = Session.objects.create(user=anna, device_name="Телефон")
    foreign = Session.objects.create(user=UserFactory())
    form = {"act": "end", "reason": WHY}

    wrong = [desk.post(card(anna), form | {"session": str(one)}) for one in (foreign.pk, "x")]
    done = desk.post(card(anna), form | {"session": str(hers.pk)}, follow=True)

    assert [answer.status_code for answer in wrong] == [404, 404]
    assert "Сеанс завершён" in text(done)
    hers.refresh_from_db()
    foreign.refresh_from_db()
    assert (hers.revoked_at is None, foreign.revoked_at) == (False, None)


def test_let_in_again_and_a_request_is_noted(desk: Client, anna: User) -> None:
    User.objects.filter(pk=anna.pk).update(blocked_at=timezone.now())

    desk.post(card(anna), {"act": "unblock", "reason": WHY})
    desk.post(card(anna), {"act": "note", "kind": "copy"})
    unknown = [desk.post(card(anna), one) for one in ({"act": "note"}, {"act": "explode"})]

    anna.refresh_from_db()
    assert anna.blocked_at is None
    assert PrivacyRequest.objects.get().member == anna
    assert [answer.status_code for answer in unknown] == [404, 404]
    assert desk.get(f"/control/members/{new_id()}/").status_code == 404


def test_nobody_blocks_herself_or_who_stands_above_her(desk: Client, irina: User) -> None:
    chief = UserFactory(job="superadmin")

    def offers_blocking(browser: Client, user: User) -> bool:
        return 'value="block"' in text(browser.get(card(user)))

    assert not offers_blocking(desk, irina)
    assert not offers_blocking(desk, chief)
    assert offers_blocking(desk, UserFactory(job="business_staff"))
    desk.post(card(chief), {"act": "block", "reason": WHY})
    chief.refresh_from_db()
    assert chief.blocked_at is None


# --- jobs ----------------------------------------------------------------------------------------
def test_a_job_is_taken_away_at_once_and_mistakes_are_told(signed_in: SignedIn) -> None:
    chief = signed_in(UserFactory(job="superadmin"))
    leaving = UserFactory(job="admin", phone=PHONE)

    def give(who: str, job: str) -> str:
        asked = {"act": "give", "who": who, "job": job, "reason": WHY}
        return text(chief.post("/control/roles/", asked, follow=True))

    assert "Ни у кого нет точно такого телефона" in give("+79990000000", "admin")
    assert "Выберите роль" in give(PHONE, "business_owner")
    assert not JobRequest.objects.exists()
    told = give(PHONE, "")
    leaving.refresh_from_db()
    assert (leaving.job, "Роль изменена сразу" in told) == ("", True)


def test_a_senior_job_may_be_declined_and_is_not_confirmed_from_an_old_sign_in(
    signed_in: SignedIn, anna: User
) -> None:
    first, other = UserFactory(job="superadmin"), UserFactory(job="superadmin")
    asked = {"act": "give", "who": PHONE, "job": "admin", "reason": WHY}
    signed_in(first).post("/control/roles/", asked)
    row = JobRequest.objects.get()
    second = signed_in(other)

    away = stale(other).post("/control/roles/", {"act": "confirm", "row": str(row.pk)})
    none = second.post("/control/roles/", {"act": "confirm", "row": "x"})
    own = signed_in(first).post("/control/roles/", {"act": "confirm", "row": str(row.pk)})
    second.post("/control/roles/", {"act": "decline", "row": str(row.pk), "reason": WHY})

    assert away.url.startswith("/login/confirm/")
    assert none.status_code == 404
    assert own.status_code == 302
    row.refresh_from_db()
    anna.refresh_from_db()
    assert (row.state, anna.job) == ("declined", "")


# --- what was asked about data -------------------------------------------------------------------
def test_requests_are_listed_by_kind_and_state(desk: Client, irina: User, anna: User) -> None:
    at = timezone.now()
    copy = note_request(member=anna, kind="copy", by=irina, at=at)
    erasure = note_request(member=UserFactory(), kind="erasure", by=irina, at=at)
    form = {"request": str(copy.pk), "reason": "Выслали копию заказным письмом"}

    def listed(query: str) -> list[PrivacyRequest]:
        return list(desk.get(f"/control/privacy/?{query}").context["page"])

    assert set(listed("")) == {copy, erasure}
    assert listed("kind=copy") == [copy]
    away = stale(irina).post("/control/privacy/", form)
    wrong = desk.post("/control/privacy/", form | {"request": "x"})
    desk.post("/control/privacy/", form)

    assert away.url.startswith("/login/confirm/")
    assert wrong.status_code == 404
    assert listed("") == [erasure]
    assert listed("state=closed") == [copy]


# --- the log -------------------------------------------------------------------------------------
def test_the_log_is_searched_by_who_what_and_when(desk: Client, irina: User, anna: User) -> None:
    old = AuditEntry.objects.create(
        actor_id=None, action="accounts.block", object_type="user", object_id=str(anna.pk)
    )
    desk.post(card(anna), {"act": "block", "reason": WHY})
    new = AuditEntry.objects.get(action="accounts.block", actor_id=irina.pk)
    today = timezone.localdate()
    yesterday = (today - timedelta(days=1)).isoformat()

    def found(query: str) -> list[int]:
        rows = desk.get(f"/control/audit/?action=accounts.block&{query}").context["page"]
        return [row.pk for row in rows]

    both = [new.pk, old.pk]
    assert found(f"actor={irina.pk}") == found("actor=%2B79160000009") == [new.pk]
    assert found("actor=%2B79990000000") == []  # a stranger is not the system
    assert found(f"object={anna.pk}") == found("object=8+912+345-67-89") == both
    assert found("object=chain-7") == []
    assert found(f"since={today.isoformat()}") == found(f"until={today.isoformat()}") == both
    assert found(f"until={yesterday}") == []


def test_a_day_of_no_calendar_of_ours_is_left_out(desk: Client) -> None:
    for days in ("since=2026-02-30&until=завтра", "since=0001-01-01&until=9999-12-31"):
        assert desk.get(f"/control/audit/?{days}").status_code == 200
