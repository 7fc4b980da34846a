"""What goes wrong with a CRM: what becomes of the connection, and what its owner reads."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from apps.crm import services, tasks
from apps.crm.adapters.yclients import YclientsAdapter
from apps.crm.enums import EventState, RunState, State, Trigger
from apps.crm.models import Backfill, CallLog, CRMIntegration, SyncRun, WebhookEvent
from apps.crm.services import webhooks
from apps.transactions.models import Transaction
from tests.crm.test_webhooks import call
from tests.crm.world import Stand, assert_equals_truth

pytestmark = pytest.mark.django_db
WORDS = {
    "throttle": "система просит паузу",
    "throttle_html": "система просит паузу",
    "throttle_inside": "система просит паузу",
    "broken_json": "ответ не читается",
    "packed": "ответ не читается",
    "error_500": "система неисправна",
    "html_503": "система неисправна",
    "drop": "нет связи",
    "hang": "система не отвечает",
    "huge": "ответ слишком большой",
    "redirect": "система отклонила запрос",
    "unauthorized": "неверный ключ",
    "unpaid": "лицензия системы не оплачена",
    "forbidden": "у ключа не хватает прав",
}


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """One attempt, and so many seconds of patience with silence."""

    def wait(seconds: float) -> None:
        policy = replace(YclientsAdapter.policy, attempts=1, read_seconds=seconds)
        monkeypatch.setattr(YclientsAdapter, "policy", policy)

    wait(10)
    return wait


def poll(row: CRMIntegration) -> SyncRun:
    run = services.run_sync(row.pk, trigger=Trigger.SCHEDULE, force=False)
    row.refresh_from_db()
    return run


def page(owner: Client, row: CRMIntegration, **query: str) -> str:
    where = f"/biz/{row.business.slug}/crm/"
    answer = owner.get(where, {"system": row.system, **query}, secure=True)
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


# --- every trouble -------------------------------------------------------------------------------
def test_every_trouble_has_its_words_and_takes_nothing_back(
    stand: Stand, salon: CRMIntegration, owner: Client, hasty: Callable[[float], None]
) -> None:
    [guest] = stand.members(1)
    stand.world.sell("yclients", guest, "1500")
    poll(salon)
    stand.world.sell("yclients", guest, "700")
    faults = stand.system("yclients").faults

    for fault, words in WORDS.items():
        faults.chances = {fault: 1.0}
        hasty(0.1 if fault == "hang" else 10)
        run = services.run_sync(salon.pk, trigger=Trigger.HAND)
        assert (run.state, run.get_trouble_display()) == (RunState.FAILED, words), fault
        assert Transaction.objects.get().amount_left == 1500

    shown = page(owner, salon, state="failed")
    assert [words for words in WORDS.values() if f"не вышло: {words}" not in shown] == []
    assert shown.count("не вышло: система просит паузу") == 3
    assert "Остановлено: у ключа не хватает прав" in shown  # the last of them
    assert page(owner, salon, http="402").count("лицензия системы не оплачена") > 0
    faults.calm()
    poll(salon)  # stopped: nobody but a person asks
    assert Transaction.objects.count() == 1
    services.run_sync(salon.pk, trigger=Trigger.HAND)
    salon.refresh_from_db()
    assert (salon.state, salon.trouble, salon.failures) == (State.ACTIVE, "", 0)
    assert_equals_truth(stand, salon)


def test_key_that_ended_is_asked_for_anew_unnoticed(stand: Stand, salon: CRMIntegration) -> None:
    stand.system("yclients").faults.plan("unauthorized")

    assert poll(salon).state == RunState.DONE

    assert [call.trouble for call in CallLog.objects.filter(run__isnull=False).order_by("pk")][
        :2
    ] == ["auth", ""]
    assert salon.trouble == ""


def test_pauses_grow_and_end_by_themselves(
    stand: Stand, salon: CRMIntegration, owner: Client, hasty: Callable[[float], None]
) -> None:
    stand.system("yclients").faults.chances = {"error_500": 1.0}
    now = datetime.now(UTC)

    pauses = []
    for _n in range(3):
        with time_machine.travel(now, tick=False):
            for _m in range(5):
                assert poll(salon).trouble == "server"
            assert salon.paused_until is not None
            pauses.append(salon.paused_until - now)
            assert poll(salon).trouble == "paused"
        now = salon.paused_until

    assert pauses == [timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=15)]
    assert salon.state == State.ACTIVE
    with time_machine.travel(now - timedelta(minutes=1), tick=False):
        assert "Пауза до" in page(owner, salon)
        services.retry_now(integration=salon, by=None, at=timezone.now())
        stand.system("yclients").faults.calm()
        assert poll(salon).state == RunState.DONE
    assert (salon.pauses, salon.paused_until) == (0, None)


def test_fault_of_our_own_is_called_so(
    stand: Stand, salon: CRMIntegration, owner: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> Any:
        raise RuntimeError("a mistake of a programmer")

    with monkeypatch.context() as patch:
        patch.setattr(YclientsAdapter, "changed_receipts", broken)
        with pytest.raises(RuntimeError):
            poll(salon)

    salon.refresh_from_db()
    assert (salon.trouble, salon.failures) == ("internal", 1)
    assert "ошибка на нашей стороне" in page(owner, salon)
    assert poll(salon).state == RunState.DONE


# --- calls that have to wait ---------------------------------------------------------------------
@pytest.fixture
def event(stand: Stand, salon: CRMIntegration) -> WebhookEvent:
    """A call about a sale while the system is out of order."""
    [guest] = stand.members(1)
    sale = stand.world.sell("yclients", guest, "1500")
    system = stand.system("yclients")
    system.faults.chances = {"forbidden": 1.0}
    assert call(salon, *system.hook("create", sale)) == 200
    return WebhookEvent.objects.get()


def test_call_waits_until_the_system_answers(
    stand: Stand, salon: CRMIntegration, event: WebhookEvent
) -> None:
    assert (event.state, event.attempts) == (EventState.WAITING, 1)
    assert not Transaction.objects.exists()
    assert tasks.process_waiting_webhooks() == 0  # not due yet

    stand.system("yclients").faults.calm()
    with time_machine.travel(event.due_at + timedelta(seconds=1)):
        assert tasks.process_waiting_webhooks() == 1
        assert tasks.process_waiting_webhooks() == 0

    event.refresh_from_db()
    assert (event.state, Transaction.objects.get().amount) == (EventState.DONE, 1500)
    assert services.process_webhook({"eventId": event.pk}) is None  # a late bell finds it done
    assert_equals_truth(stand, salon)


def test_call_is_given_up_and_the_poll_brings_its_sale(
    stand: Stand, salon: CRMIntegration, event: WebhookEvent
) -> None:
    waits = []
    for _n in range(webhooks.ATTEMPTS):
        event.refresh_from_db()
        if event.state == EventState.WAITING:
            waits.append(round((event.due_at - timezone.now()).total_seconds()))
            services.process_webhook({"eventId": event.pk})

    event.refresh_from_db()
    assert event.state == EventState.FAILED
    assert waits == webhooks.LATER
    assert Transaction.objects.count() == 0
    stand.system("yclients").faults.calm()
    services.run_sync(salon.pk, trigger=Trigger.SCHEDULE)
    assert Transaction.objects.get().amount == 1500


@pytest.mark.parametrize(
    "changes",
    [{"state": State.STOPPED}, {"paused_until": datetime(2099, 1, 1, tzinfo=UTC)}],
    ids=["stopped", "paused"],
)
def test_call_to_a_connection_that_rests_waits(
    stand: Stand, salon: CRMIntegration, event: WebhookEvent, changes: dict[str, Any]
) -> None:
    stand.system("yclients").faults.calm()
    stand.system("yclients").asked.clear()
    CRMIntegration.objects.filter(pk=salon.pk).update(**changes)

    assert services.process_webhook({"eventId": event.pk}) is None

    event.refresh_from_db()
    assert (event.state, event.attempts) == (EventState.WAITING, 2)
    assert stand.system("yclients").asked == []


def test_call_to_a_connection_that_is_off_finds_nobody(stand: Stand, salon: CRMIntegration) -> None:
    sale = stand.world.sell("yclients", None, "100")
    services.switch_off(integration=salon, by=None)

    assert call(salon, *stand.system("yclients").hook("create", sale)) == 404
    assert not WebhookEvent.objects.exists()


def test_call_that_names_nothing_wakes_the_poller(stand: Stand) -> None:
    [guest] = stand.members(1)
    cafe = stand.connect("iiko")
    sale = stand.world.sell("iiko", guest, "900")

    assert call(cafe, *stand.system("iiko").hook("create", sale)) == 200

    assert SyncRun.objects.get().trigger == Trigger.WEBHOOK
    assert Transaction.objects.get().amount == 900


# --- the clock -----------------------------------------------------------------------------------
def test_poll_of_the_clock_says_how_much_it_brought(stand: Stand, salon: CRMIntegration) -> None:
    for guest in stand.members(2):
        stand.world.sell("yclients", guest, "1500", datetime.now(UTC) - timedelta(days=3))

    since = (timezone.now() - timedelta(days=1)).isoformat()
    assert tasks.sync_integration(integration_id=str(salon.pk), trigger="hand", since=since) == 0
    assert tasks.sync_integration(integration_id=str(salon.pk)) == 2
    assert tasks.sync_integration(integration_id=str(salon.pk)) == 0


def test_past_is_gone_on_with_every_minute(
    stand: Stand, salon: CRMIntegration, owner: Client
) -> None:
    at = timezone.now()
    [guest] = stand.members(1)
    stand.world.sell("yclients", guest, "1500", at - timedelta(days=200))
    where = f"/biz/{salon.business.slug}/crm/"

    def ask(since: str) -> str:
        given = {"action": "backfill", "system": "yclients", "since": since}
        return owner.post(where, given, follow=True, secure=True).content.decode()

    assert "Выберите первый день" in ask("")
    assert str(services.backfills.PastTooLong.message) in ask("2015-01-01")
    assert str(services.backfills.PastTooLong.message) in ask("2099-01-01")
    assert not Backfill.objects.exists()
    assert "Прошлое загружается" in ask(f"{at - timedelta(days=230):%Y-%m-%d}")
    ask(f"{at - timedelta(days=400):%Y-%m-%d}")  # one that runs already is the answer
    stand.system("yclients").faults.chances = {"error_500": 1.0}
    assert tasks.continue_backfills() == 0
    backfill = Backfill.objects.get()
    assert (backfill.trouble, backfill.percent) == ("server", 0)
    stand.system("yclients").faults.calm()

    assert tasks.continue_backfills() == 1
    assert tasks.continue_backfills() == 0
    assert Transaction.objects.get().amount == 1500


def test_past_that_another_worker_reads_is_left_to_it(
    stand: Stand, salon: CRMIntegration, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = timezone.now()
    services.start_backfill(integration=salon, since=now - timedelta(days=9), by=None, at=now)
    monkeypatch.setattr("apps.crm.services.locks._take", lambda number: False)

    assert tasks.continue_backfills() == 0
    assert Backfill.objects.get().percent == 0


def test_old_calls_requests_and_runs_are_forgotten(stand: Stand, salon: CRMIntegration) -> None:
    sale = stand.world.sell("yclients", None, "100")
    for days in (100, 40, 1):
        with time_machine.travel(datetime.now(UTC) - timedelta(days=days)):
            poll(salon)
            sale.amount += 1
            call(salon, *stand.system("yclients").hook("update", sale))
    assert WebhookEvent.objects.count() == 3

    tasks.forget_old()

    ages = [round((timezone.now() - one.at).days) for one in CallLog.objects.all()]
    assert set(ages) == {40, 1, 0}
    assert WebhookEvent.objects.count() == 1
    assert {(timezone.now() - run.started_at).days for run in SyncRun.objects.all()} == {40, 1}
