"""Control pages: queues, moderation, decisions of two, the log, jobs, opening partners."""

import re
from datetime import timedelta
from decimal import Decimal

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from apps.accounts.models import PrivacyRequest, User
from apps.accounts.services import note_request
from apps.backoffice.pages.control.jobs import WORDS, is_late, rhythm
from apps.businesses.models import Business, State, Step
from apps.businesses.services import add_location, mark_step
from apps.core import audit_chain
from apps.core.models import AuditEntry, Delivery, JobRun, Message
from apps.core.tasks import seal_audit, verify_audit
from apps.events.enums import State as EventState
from apps.events.models import Case
from apps.loyalty.models import Adjustment
from apps.loyalty.queries import balance_of
from apps.loyalty.services import adjust_balance
from apps.transactions.models import FlagKind, FraudFlag
from tests.backoffice.conftest import SignedIn
from tests.factories.accounts import UserFactory
from tests.factories.businesses import staff_of
from tests.factories.events import comes, published, submitted
from tests.factories.transactions import sale

pytestmark = pytest.mark.django_db
PAGE_ROW = re.compile(r'name="row" value="([0-9a-f-]{36})"')
WHY = "Проверено по документам"


def text(answer) -> str:
    return answer.content.decode()


def moderator() -> User:
    return UserFactory(tier_code="inner_circle")


# --- home and lists ------------------------------------------------------------------------------
def test_home_shows_what_waits_and_what_is_late(desk: Client) -> None:
    submitted(at=timezone.now() - timedelta(hours=49))

    page = text(desk.get("/control/"))

    assert "Предложения событий" in page
    assert "Просрочена 1 очередь" in page
    assert "Роли" not in page  # for the superadmin alone


def test_moderator_without_a_job_sees_proposals_alone(signed_in: SignedIn) -> None:
    """The Inner Circle moderates on the web; nothing else opens to it."""
    browser = signed_in(moderator())
    submitted(title="Поход за грибами")

    assert browser.get("/").url == "/control/proposals/"
    assert "Поход за грибами" in text(browser.get("/control/proposals/"))
    assert browser.get("/control/").status_code == 200
    assert browser.get("/control/members/").status_code == 403


def fill(salon: Business, irina: User) -> None:
    """One more row of everything that control pages list."""
    at = timezone.now()
    submitted()
    sold = sale(business=salon, member=UserFactory())
    FraudFlag.objects.create(
        kind=FlagKind.AT_NIGHT, business=salon, transaction=sold, member=sold.member, at=at
    )
    note_request(member=UserFactory(), kind="copy", by=irina, at=at)
    comes(published(business=salon))
    adjust_balance(
        member=UserFactory(),
        amount=Decimal(9000),
        reason=WHY,
        by=UserFactory(job="admin"),
        key=str(sold.pk),
        at=at,
    )
    message = Message.objects.create(topic="EventVoted", payload={})
    Delivery.objects.create(message=message, listener=f"apps.x.{sold.pk}", state="dead")
    Business.objects.create(slug=f"s-{sold.pk.hex[-12:]}", name="Новый", category="salon")


def test_lists_cost_the_same_for_any_length(desk: Client, salon: Business, irina: User) -> None:
    names = ["control", "proposals", "decisions", "fraud", "members", "privacy", "onboarding"]
    names += ["jobs", "audit", "reports", "control_events"]

    def cost() -> dict[str, int]:
        found = {}
        for name in names:
            desk.get(reverse(f"backoffice:{name}"))
            with CaptureQueriesContext(connection) as asked:
                answer = desk.get(reverse(f"backoffice:{name}"))
            assert answer.status_code == 200
            found[name] = len(asked)
        return found

    fill(salon, irina)
    few = cost()
    fill(salon, irina)
    fill(salon, irina)

    assert cost() == few
    assert few.pop("reports") <= 40  # figures of the network stand there too
    assert max(few.values()) <= 24


# --- the palette ---------------------------------------------------------------------------------
def test_palette_finds_people_by_something_exact_partners_and_events(
    desk: Client, salon: Business, anna: User, signed_in: SignedIn
) -> None:
    event, waiting = published(business=salon), submitted(title="Поход за грибами")

    def found(text: str, browser: Client = desk) -> list[str]:
        hits = browser.post("/control/search/", {"q": text}).context["found"].hits
        return [hit.url for hit in hits]

    assert found("журнал") == ["/control/audit/"]
    assert found("cj,snbz") == ["/control/events/"]  # the layout was forgotten
    assert found("8 912 345-67-89") == [f"/control/members/{anna.pk}/"]
    assert found("8 912 345") == []
    assert found("миндаль") == ["/control/onboarding/salon/"]
    assert found("rfvby") == [f"/control/events/{event.pk}/"]  # «камин» in the other layout
    assert found("грибами", signed_in(moderator())) == [f"/control/proposals/{waiting.pk}/"]
    assert found("89123456789", signed_in(moderator())) == []
    part = desk.post("/control/search/", {"q": "zzz"}, headers={"HX-Request": "true"})
    assert "<html" not in text(part)
    assert "Ничего не нашлось" in text(part)


# --- events --------------------------------------------------------------------------------------
def test_an_event_shows_seats_the_line_and_why(desk: Client, cafe: Business) -> None:
    event = published(business=cafe, capacity=2)
    places = [comes(event) for _ in range(4)]
    address = f"/control/events/{event.pk}/"

    page = text(desk.get(address))
    desk.post(address, {"act": "remove", "row": str(places[0].pk), "reason": "коротко"})
    refused = text(desk.get(address))
    desk.post(address, {"act": "remove", "row": str(places[0].pk), "reason": WHY})
    desk.post(address, {"act": "seat", "row": str(places[3].pk), "reason": WHY, "over_limit": "1"})

    assert "2 / 2" in page
    assert "Следующая: первое свободное место" in page
    assert "Впереди ждёт 1 человек" in page
    assert "Убрана" not in refused
    states = {row.pk: row.state for row in event.registrations.all()}
    assert states[places[0].pk] == "removed"
    assert states[places[3].pk] == "confirmed"
    assert "сверх лимита: 1" in text(desk.get(address))


def test_an_event_is_cancelled_with_a_reason_and_a_comfort(desk: Client, cafe: Business) -> None:
    event = published(business=cafe)
    place, address = comes(event), f"/control/events/{event.pk}/"
    form = {"act": "cancel", "reason": WHY}

    too_much = desk.post(address, form | {"comfort": "1 500"}, follow=True)
    desk.post(address, form | {"comfort": "50"})

    assert "Не больше" in text(too_much)
    event.refresh_from_db()
    assert event.state == EventState.CANCELLED
    assert balance_of(place.member_id, at=timezone.now()).available == Decimal(50)
    assert "отменено" in text(desk.get(address))
    assert event.title in text(desk.get("/control/events/?when=past"))
    assert desk.post(address, {"act": "explode"}).status_code == 404


# --- moderation ----------------------------------------------------------------------------------
def test_case_is_claimed_then_approved_with_the_whole_list(signed_in: SignedIn) -> None:
    event, browser, other = submitted(), signed_in(moderator()), signed_in(moderator())
    address = f"/control/proposals/{event.pk}/"
    ticks = ["clear", "safe", "no_people", "no_advertising", "new"]

    browser.post(address, {"act": "claim"})
    taken = text(other.get(address))
    short = browser.post(address, {"act": "approve", "check": ticks[:4], "comment": "Хорошо"})
    done = browser.post(address, {"act": "approve", "check": ticks})

    assert "Потом снова свободно" in taken
    assert 'value="approve"' not in taken
    assert short.status_code == 422
    assert "отметьте весь список" in text(short)
    assert "Хорошо" in text(short)  # what was typed is kept
    assert done.url == "/control/proposals/"
    event.refresh_from_db()
    assert event.state == EventState.VOTING
    assert "Уже решено: одобрено" in text(other.get(address))


def test_own_proposal_is_not_hers_to_decide(signed_in: SignedIn) -> None:
    author = moderator()
    event, browser = submitted(creator=author), signed_in(author)
    address = f"/control/proposals/{event.pk}/"

    answer = browser.post(address, {"act": "reject", "reason": "unclear", "comment": "я" * 30})

    assert "Это ваше предложение" in text(browser.get(address))
    assert answer.status_code == 422
    assert Case.objects.get().decided_at is None


# --- two people ----------------------------------------------------------------------------------
def test_adjustment_is_decided_by_another_admin(
    desk: Client, irina: User, anna: User, signed_in: SignedIn
) -> None:
    asked = {"amount": Decimal(9000), "reason": WHY, "by": irina, "key": "a", "at": timezone.now()}
    row = adjust_balance(member=anna, **asked)
    form = {"act": "confirm", "row": str(row.pk)}

    own = text(desk.get("/control/decisions/"))
    signed_in(UserFactory(job="admin")).post("/control/decisions/", form)

    assert "Решает другой администратор" in own
    assert 'value="confirm"' not in own
    assert Adjustment.objects.get().state == "done"


def test_role_of_an_admin_wants_two_superadmins(signed_in: SignedIn, anna: User) -> None:
    first, second = (
        signed_in(UserFactory(job="superadmin")),
        signed_in(UserFactory(job="superadmin")),
    )
    given = {"act": "give", "who": "+7 912 345-67-89", "job": "admin", "reason": WHY}

    first.post("/control/roles/", given)
    anna.refresh_from_db()
    waiting = anna.job
    row = PAGE_ROW.search(text(second.get("/control/roles/")))
    second.post("/control/roles/", {"act": "confirm", "row": row[1]})

    anna.refresh_from_db()
    assert (waiting, anna.job) == ("", "admin")


# --- people --------------------------------------------------------------------------------------
def test_exact_phone_leads_to_the_card_and_blocking_wants_a_reason(
    desk: Client, anna: User
) -> None:
    found = desk.post("/control/members/", {"who": "8 912 345 67 89"})
    page = text(desk.get(found.url))
    mute = desk.post(found.url, {"act": "block", "reason": "нет"}, follow=True)
    anna.refresh_from_db()
    before = anna.blocked_at
    desk.post(found.url, {"act": "block", "reason": "Угрожала ведущей события"})

    anna.refresh_from_db()
    assert "9123456789" not in page.replace(" ", "").replace("-", "")
    assert 'role="alert"' in text(mute)
    assert before is None
    assert anna.blocked_at is not None
    assert "заблокирована с" in text(desk.get(found.url))


def test_erasure_is_carried_out_from_the_queue(desk: Client, irina: User, anna: User) -> None:
    asked = note_request(member=anna, kind="erasure", by=irina, at=timezone.now())
    form = {"request": str(asked.pk), "reason": "По письму от 20 ноября, ответили в тот же день"}

    before = text(desk.get("/control/privacy/"))
    desk.post("/control/privacy/", form)

    anna.refresh_from_db()
    assert "Удаление" in before
    assert anna.erased_at is not None
    assert PrivacyRequest.objects.get().closed_by == irina


def test_ten_working_days_end_in_the_second_week(irina: User, anna: User) -> None:
    friday = timezone.make_aware(timezone.datetime(2026, 11, 20, 18, 0))

    asked = note_request(member=anna, kind="copy", by=irina, at=friday)

    assert f"{timezone.localtime(asked.due_at):%d.%m.%Y %H:%M}" == "04.12.2026 23:59"


# --- the log -------------------------------------------------------------------------------------
def test_chain_is_whole_until_a_row_is_forged(desk: Client, anna: User) -> None:
    desk.post(
        f"/control/members/{anna.pk}/", {"act": "block", "reason": "Угрожала ведущей события"}
    )
    audit_chain.seal(at=timezone.now() + timedelta(minutes=11))  # past the gaps of other tests
    verify_audit()
    whole = text(desk.get("/control/audit/?action=accounts.block"))
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE core_auditentry DISABLE TRIGGER USER")
        cursor.execute(
            "UPDATE core_auditentry SET reason = 'другое' WHERE action = 'accounts.block'"
        )
    desk.post("/control/audit/", {"act": "verify"})

    number = AuditEntry.objects.get(action="accounts.block").pk
    assert "Угрожала ведущей события" in whole
    assert "Цепочка цела до" in whole
    assert f"Цепочка нарушена на №\u00a0{number}" in text(desk.get("/control/audit/"))
    assert audit_chain.last_verdict()[1].bad == number


def test_log_leaves_as_a_file_with_a_name_and_a_reason(desk: Client, anna: User) -> None:
    desk.post(f"/control/members/{anna.pk}/", {"act": "block", "reason": "=cmd Угрожала ведущей"})

    mute = desk.post("/control/audit/?action=accounts", {"reason": ""})
    file = desk.post("/control/audit/?action=accounts", {"reason": "Запрос службы безопасности"})

    lines = file.content.decode("utf-8-sig").splitlines()
    assert mute.status_code == 302
    assert "Запрос службы безопасности" in lines[0]
    assert any(";'=cmd Угрожала ведущей;" in line for line in lines)
    assert AuditEntry.objects.filter(action="core.audit_exported").count() == 1


# --- the machine ---------------------------------------------------------------------------------
def test_failed_job_stands_first_until_it_runs_well(desk: Client, monkeypatch) -> None:
    def broken(**_: object) -> int:
        raise RuntimeError("no connection")

    with monkeypatch.context() as patch:
        patch.setattr("apps.core.audit_chain.seal", broken)
        for _ in range(2):
            with pytest.raises(RuntimeError):
                seal_audit()
    failed = JobRun.objects.get(task="apps.core.tasks.seal_audit")
    page = text(desk.get("/control/jobs/"))
    seal_audit()
    well = JobRun.objects.get(task="apps.core.tasks.seal_audit")

    assert (failed.is_ok, failed.failures, failed.told) == (False, 2, "RuntimeError: no connection")
    assert "не удалось 2 раза подряд" in page
    assert (well.is_ok, well.failures, well.failed_at) == (True, 0, failed.failed_at)


def test_schedules_are_read_aloud_and_known_to_be_late() -> None:
    from celery.schedules import crontab  # noqa: PLC0415

    now = timezone.now()

    assert rhythm(30) == "каждые 30 секунд"
    assert rhythm(60) == "каждую минуту"
    assert rhythm(600) == "каждые 10 минут"
    assert rhythm(crontab(hour=3, minute=5)) == "каждый день в 3:05"
    assert rhythm(crontab(minute=40)) == "каждый час в 40 минут"
    assert rhythm(crontab(minute="*/15")) == "каждые 15 минут"
    thrice = crontab(day_of_week=1, hour="1,3,5", minute=50)
    assert rhythm(thrice) == "каждую неделю, понедельник в 1:50, 3:50, 5:50"
    assert [name for name in settings.CELERY_BEAT_SCHEDULE if name not in WORDS] == []
    assert rhythm(crontab(hour="2-6", minute=15)) == "каждый час с 2 до 6, в 15 минут"
    assert rhythm(crontab(day_of_week=1, hour=10, minute=0)) == "каждую неделю, понедельник в 10:00"
    assert is_late(30, now - timedelta(minutes=11), at=now)
    assert not is_late(30, now - timedelta(minutes=5), at=now)
    assert is_late(crontab(minute=40), now - timedelta(hours=3), at=now)
    assert not is_late(crontab(minute=40), now, at=now)


def test_dead_letters_are_tried_again_with_a_reason(desk: Client) -> None:
    message = Message.objects.create(topic="EventVoted", payload={})
    Delivery.objects.create(message=message, listener="apps.x.y", state="dead", attempts=8)

    desk.post("/control/jobs/", {"listener": "apps.x.y", "reason": "нет"})
    still = Delivery.objects.get().state
    desk.post("/control/jobs/", {"listener": "apps.x.y", "reason": "Починили слушателя"})

    assert (still, Delivery.objects.get().state) == ("dead", "waiting")


# --- opening a partner ---------------------------------------------------------------------------
def test_partner_opens_when_every_step_is_done_or_let_pass(
    desk: Client, irina: User, signed_in: SignedIn
) -> None:
    desk.post(
        "/control/onboarding/",
        {"name": "Новый салон", "slug": "new-salon", "category": "salon", "city": "Москва"},
    )
    partner = Business.objects.get(slug="new-salon")
    address, at = "/control/onboarding/new-salon/", timezone.now()
    Business.objects.filter(pk=partner.pk).update(description="Салон красоты у парка")
    add_location(business=partner, name="У парка", address="", by=None)
    staff_of(partner, role="business_owner")
    for step in (Step.DOCUMENTS, Step.CONTRACT, Step.RATES, Step.TEST):
        mark_step(business=partner, step=step, note=WHY, by=irina, at=at)

    early = desk.post(address, {"act": "activate", "reason": WHY}, follow=True)
    desk.post(address, {"act": "waive", "step": "crm", "reason": WHY})
    by_admin = partner.marks.filter(step=Step.CRM).exists()
    chief = signed_in(UserFactory(job="superadmin"))
    chief.post(address, {"act": "waive", "step": "crm", "reason": "Ведут учёт в тетради"})
    desk.post(address, {"act": "activate", "reason": WHY})

    partner.refresh_from_db()
    assert "CRM подключена и проверена" in text(early)
    assert not by_admin
    assert partner.state == State.ACTIVE


# --- the door ------------------------------------------------------------------------------------
def test_control_is_closed_to_those_who_work_at_a_partner(
    signed_in: SignedIn, vera: User, olga: User
) -> None:
    published()

    assert signed_in(vera).get("/control/").status_code == 403
    assert signed_in(olga).get("/control/members/").status_code == 403
