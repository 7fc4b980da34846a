"""The owner's page of her systems: testing, switching, reading the past, the log with its filters;
and the network's page of everybody's connections."""

from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from django.utils import timezone

from apps.backoffice.pages.crm import STEPS
from apps.core.ids import new_id
from apps.crm import services
from apps.crm.enums import Reason, RecordState
from apps.crm.models import Backfill, CRMIntegration, ExternalRecord, SyncRun
from apps.transactions.models import Transaction
from tests.backoffice.conftest import SignedIn
from tests.crm.world import Stand
from tests.factories.accounts import UserFactory

pytestmark = pytest.mark.django_db


def page(row: CRMIntegration) -> str:
    return f"/biz/{row.business.slug}/crm/"


def act(client: Client, row: CRMIntegration, action: str, **given: object) -> str:
    """Press a button of the page; what the page says then."""
    asked = {"action": action, "system": row.system, **given}
    answer = client.post(page(row), asked, follow=True, secure=True)
    assert answer.status_code == 200
    return answer.content.decode()


def sync(integration: CRMIntegration) -> int:
    since = datetime.now(UTC) - timedelta(days=35)
    return services.sync_transactions(integration.business_id, since)


def aside(stand: Stand, salon: CRMIntegration) -> list[ExternalRecord]:
    """A sale too large and a sale of nobody, put aside."""
    [guest] = stand.members(1)
    stand.world.sell("yclients", guest, "1500000")
    stand.world.sell("yclients", stand.world.add_guest(""), "2000")
    sync(salon)
    return list(ExternalRecord.objects.order_by("reason"))


# --- the connection ------------------------------------------------------------------------------
def test_a_test_of_the_connection_says_which_step_failed(
    stand: Stand, salon: CRMIntegration, owner: Client
) -> None:
    well = act(owner, salon, "test")
    stand.server.stop()
    broken = act(owner, salon, "test")

    assert "Подключение работает." in well
    assert all(str(words) in well for words in STEPS.values())
    assert "Подключение пока не работает" in broken
    assert str(STEPS["address"]) in broken
    shown_once = owner.get(page(salon), secure=True)
    assert shown_once.context["steps"] == []


def test_a_connection_is_read_switched_off_and_on_again(
    stand: Stand, salon: CRMIntegration, owner: Client
) -> None:
    begun = act(owner, salon, "sync")
    said = act(owner, salon, "off")
    off = CRMIntegration.objects.get().state
    act(owner, salon, "on")

    assert "Синхронизация началась" in begun
    assert "Всё, что уже получено, остаётся" in said
    assert (off, CRMIntegration.objects.get().state) == ("off", "active")
    for action, wrong in (("sync", {"system": "iiko"}), ("retry", {"record": "x"})):
        assert str(services.ConnectionMissing.message) in act(owner, salon, action, **wrong)
    other = owner.get(f"{page(salon)}?system=iiko", secure=True).context
    assert (other["one"], other["adding"]) == (None, "iiko")
    assert "yclients" not in dict(other["others"])


def test_the_past_is_read_from_the_midnight_of_a_day_of_the_calendar(
    salon: CRMIntegration, owner: Client
) -> None:
    for none in ("", "2026-02-30", "0001-01-01"):
        assert "Выберите первый день" in act(owner, salon, "backfill", since=none)
        assert owner.get(f"{page(salon)}?day={none}", secure=True).status_code == 200
    assert not Backfill.objects.exists()
    day = timezone.localdate() - timedelta(days=10)

    said = act(owner, salon, "backfill", since=day.isoformat())

    since = timezone.localtime(Backfill.objects.get().since)
    assert (since.date(), since.hour, since.minute) == (day, 0, 0)
    assert "Прошлое загружается" in said


# --- what is listed ------------------------------------------------------------------------------
def test_records_put_aside_are_listed_by_reason(
    stand: Stand, salon: CRMIntegration, owner: Client
) -> None:
    nameless, large = aside(stand, salon)

    def listed(query: str) -> set[ExternalRecord]:
        return set(owner.get(f"{page(salon)}?{query}", secure=True).context["records"])

    assert (nameless.reason, large.reason) == (Reason.NO_PHONE, Reason.OVER_LIMIT)
    assert listed("") == listed("reason=x") == {nameless, large}
    assert listed(f"reason={Reason.OVER_LIMIT}") == {large}
    ExternalRecord.objects.update(state=RecordState.UNCLAIMED)
    ExternalRecord.objects.filter(pk=large.pk).update(phone_index="some guest's")
    assert listed("records=unclaimed") == {large}  # the other one has no phone to wait for
    assert listed("") == set()


def test_the_log_is_filtered_by_day_state_reason_and_answer(
    stand: Stand, salon: CRMIntegration, owner: Client
) -> None:
    sync(salon)
    stand.system("yclients").faults.plan(*["error_500"] * 4)
    sync(salon)
    old = SyncRun.objects.order_by("started_at").first()
    SyncRun.objects.filter(pk=old.pk).update(started_at=timezone.now() - timedelta(days=3))
    whole = set(SyncRun.objects.all())
    failed = whole - {old}
    yesterday = timezone.localdate() - timedelta(days=3)

    def listed(query: str) -> set[SyncRun]:
        return set(owner.get(f"{page(salon)}?{query}", secure=True).context["runs"])

    assert listed("") == listed("day=x&state=x&trigger=x&http=x") == whole
    assert listed(f"day={yesterday}") == {old}
    assert listed(f"state={old.state}") == {one for one in whole if one.state == old.state}
    assert listed(f"trigger={old.trigger}") == {o for o in whole if o.trigger == old.trigger}
    assert listed("http=500") == failed
    assert listed("http=404") == set()


# --- the network's page --------------------------------------------------------------------------
def test_what_was_put_aside_is_tried_again_for_chosen_connections(
    stand: Stand,
    salon: CRMIntegration,
    signed_in: SignedIn,
) -> None:
    aside(stand, salon)
    for sold in stand.world.of("yclients"):
        sold.amount = min(sold.amount, 700)
    desk = signed_in(UserFactory(job="admin"))

    def press(*chosen: object) -> str:
        form = {"chosen": [str(one) for one in chosen]}
        answer = desk.post("/control/integrations/", form, follow=True, secure=True)
        return answer.content.decode()

    listed = desk.get("/control/integrations/", secure=True)
    nothing = press("x", new_id())
    done = press(salon.pk)

    assert [count for _one, count in listed.context["found"]] == [2]
    assert "Выберите" in nothing
    assert "1 запись из 2" in done
    assert [one.amount for one in Transaction.objects.all()] == [700]
