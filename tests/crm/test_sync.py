"""A month of each system's sales ends with the ledger that the simulator calls true."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from time import monotonic
from uuid import UUID

import pytest
from django.db import connection
from django_celery_beat.models import PeriodicTask

from apps.crm import services
from apps.crm.adapters.yclients import YclientsAdapter
from apps.crm.enums import RecordState, RunState, State, Trigger
from apps.crm.models import CRMIntegration, ExternalRecord, SyncRun
from apps.crm.services import locks
from apps.crm.tasks import sync_integration
from apps.transactions.models import Transaction
from tests.crm.world import Month, Stand, assert_equals_truth, no_sale_twice
from tests.factories.accounts import UserFactory

pytestmark = pytest.mark.django_db
NAMES = ["yclients", "iiko", "onec", "amocrm", "renovatio"]


def sync(integration: CRMIntegration, days: int = 35) -> int:
    since = datetime.now(UTC) - timedelta(days=days)
    return services.sync_transactions(integration.business_id, since)


@pytest.mark.parametrize("name", NAMES)
def test_month_of_sales_is_in_the_ledger(stand: Stand, name: str) -> None:
    month = Month(stand, name)
    month.sell(60)
    integration = stand.connect(name)

    first, second = sync(integration), sync(integration)

    assert first > 0
    assert second == 0
    assert_equals_truth(stand, integration)


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("seed", [1, 2])
def test_edits_deletions_and_returns_in_any_order_of_polls(
    stand: Stand, name: str, seed: int
) -> None:
    month = Month(stand, name, seed=seed)
    month.sell(25)
    integration = stand.connect(name)
    for _round in range(6):
        for _n in range(month.dice.randrange(1, 8)):
            month.happen()
        if month.dice.random() < 0.8:
            sync(integration)

    sync(integration)

    assert_equals_truth(stand, integration)
    no_sale_twice(integration)


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_outages_and_broken_answers_lose_nothing(stand: Stand, name: str) -> None:
    month = Month(stand, name, seed=3)
    month.sell(30)
    integration = stand.connect(name)
    sync(integration)
    faults = stand.system(name).faults
    for fault in ["error_500", "html_503", "broken_json", "drop", "throttle_inside", "packed"]:
        month.happen()
        month.sell(2)
        faults.plan(fault)
        sync(integration)
    faults.calm()

    sync(integration)

    assert_equals_truth(stand, integration)


def test_a_few_bytes_a_second_are_silence(stand: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    month = Month(stand, "yclients")
    month.sell(30)
    integration = stand.connect("yclients")
    sync(integration)
    month.sell(5)
    # Every part arrives within the time for a part; the whole answer has seconds of its own.
    monkeypatch.setattr(
        YclientsAdapter, "policy", replace(YclientsAdapter.policy, deadline=1.0, attempts=1)
    )
    faults = stand.system("yclients").faults
    faults.plan(*["slow"] * 4)
    began = monotonic()

    sync(integration)

    assert monotonic() - began < 20
    run = SyncRun.objects.latest("started_at")
    assert (run.state, run.trouble) == (RunState.FAILED, "timeout")
    faults.calm()
    sync(integration)
    assert_equals_truth(stand, integration)
    no_sale_twice(integration)


def test_failed_page_is_never_an_empty_page(stand: Stand) -> None:
    month = Month(stand, "yclients")
    month.sell(120)
    integration = stand.connect("yclients")
    sync(integration)
    before = stand.world.truth("yclients")

    # The second page fails whatever is tried: what it held is not missing.
    stand.system("yclients").faults.plan("", *["throttle_inside"] * 4)
    sync(integration)

    run = SyncRun.objects.latest("started_at")
    assert (run.state, run.trouble) == (RunState.FAILED, "throttled")
    assert stand.world.truth("yclients") == before
    assert_equals_truth(stand, integration)


def test_unknown_guest_stays_outside_until_she_joins(stand: Stand) -> None:
    guest = stand.world.add_guest("+79165550001")
    stand.world.sell("yclients", guest, "1500.00")
    integration = stand.connect("yclients")
    sync(integration)
    record = ExternalRecord.objects.get()
    assert (record.state, record.sale) == (RecordState.UNCLAIMED, None)

    from apps.accounts.services import get_or_create_member  # noqa: PLC0415

    member, _new = get_or_create_member(phone="+79165550001", at=datetime.now(UTC))
    services.claim_records(member=member, at=datetime.now(UTC))

    sale = Transaction.objects.get()
    assert (sale.member_id, sale.amount) == (member.pk, Decimal("1500.00"))


def test_guest_of_another_member_moves_the_sale(stand: Stand) -> None:
    one, other = stand.members(2)
    sale = stand.world.sell("yclients", one, "2000.00")
    integration = stand.connect("yclients")
    sync(integration)

    sale.guest = other.id
    stand.world.edit(sale, "2000.00")
    sync(integration)

    assert_equals_truth(stand, integration)


def test_nonsense_is_put_aside_and_the_rest_is_applied(stand: Stand) -> None:
    [guest] = stand.members(1)
    stand.world.sell("yclients", guest, "99999999.00")
    stand.world.sell("yclients", guest, "1500000.00")
    stand.world.sell("yclients", guest, "100.00", datetime.now(UTC) + timedelta(seconds=30))
    stand.world.sell("yclients", guest, "700.00")
    integration = stand.connect("yclients")

    sync(integration)

    reasons = ExternalRecord.objects.filter(state="quarantine").values_list("reason", flat=True)
    assert sorted(reasons) == ["bad_amount", "over_limit"]
    assert sorted(Transaction.objects.values_list("amount", flat=True)) == [100, 700]


def test_short_pages_are_read_to_the_end(stand: Stand) -> None:
    month = Month(stand, "yclients")
    month.sell(130)
    stand.system("yclients").faults.habits.add("short_pages")
    integration = stand.connect("yclients")

    sync(integration)

    assert_equals_truth(stand, integration)


def test_too_many_vanished_at_once_are_not_believed(stand: Stand, monkeypatch) -> None:
    month = Month(stand, "yclients")
    month.sell(40)
    integration = stand.connect("yclients")
    sync(integration)
    before = stand.world.truth("yclients")

    for sale in month.sales:
        sale.state = "deleted"
    sync(integration)

    run = SyncRun.objects.latest("started_at")
    assert run.trouble == "suspicious"
    assert sum(Transaction.objects.values_list("returned", flat=True)) == 0
    assert before


def test_one_read_at_a_time_whoever_starts_it(stand: Stand) -> None:
    """Another worker holds the connection: nobody else reads it, until that worker is dead."""
    integration = stand.connect("yclients")
    other = connection.copy()
    with other.cursor() as cursor:
        number = locks._number("sync", integration.pk)
        cursor.execute("SELECT pg_advisory_lock(%s)", [number])

    with pytest.raises(services.Busy):
        services.run_sync(integration.pk, trigger=Trigger.HAND)
    assert sync_integration(integration_id=str(integration.pk)) == 0
    assert sync(integration) == 0
    assert not SyncRun.objects.exists()

    other.close()  # as kill -9 does; the server learns of it a moment later
    with locks.alone("sync", integration.pk, patience=10):
        pass
    assert services.run_sync(integration.pk, trigger=Trigger.HAND).state == RunState.DONE


def test_beat_asks_each_system_as_often_as_it_should(stand: Stand) -> None:
    for name in NAMES:
        stand.connect(name)
    rows = PeriodicTask.objects.filter(name__startswith="crm.sync").select_related("interval")

    every = {row.name.rpartition(" ")[2]: row.interval.every for row in rows if row.enabled}

    assert every == {"yclients": 5, "iiko": 5, "onec": 15, "amocrm": 5, "renovatio": 10}
    row = CRMIntegration.objects.get(system="onec")
    admin = UserFactory(job="admin")
    services.change_poll(
        integration=row, changes={"poll_minutes": 60}, by=admin, reason="База медленная"
    )
    assert rows.get(name__endswith="onec").interval.every == 60


def test_past_goes_on_where_it_stopped(stand: Stand) -> None:
    month = Month(stand, "renovatio")
    month.sell(30)
    integration = stand.connect("renovatio")
    now = datetime.now(UTC)
    backfill = services.start_backfill(
        integration=integration, since=now - timedelta(days=100), by=None, at=now
    )
    stand.system("renovatio").faults.plan("", "", *["error_500"] * 4)  # the third of four windows

    assert not services.continue_backfill(backfill_id=backfill.pk)
    backfill.refresh_from_db()
    assert (backfill.percent, backfill.trouble) == (60, "server")
    assert services.continue_backfill(backfill_id=backfill.pk)

    backfill.refresh_from_db()
    assert (backfill.percent, backfill.trouble, backfill.received) == (100, "", 30)
    assert_equals_truth(stand, integration)


def test_five_failures_pause_and_a_wrong_key_stops(stand: Stand) -> None:
    integration = stand.connect("yclients")
    stand.system("yclients").faults.chances = {"error_500": 1.0}
    for _n in range(5):
        services.run_sync(integration.pk, trigger=Trigger.SCHEDULE)
    integration.refresh_from_db()
    assert integration.paused_until
    assert integration.state == State.ACTIVE

    resting = services.run_sync(integration.pk, trigger=Trigger.SCHEDULE, force=False)
    assert resting.trouble == "paused"
    stand.system("yclients").faults.chances = {"forbidden": 1.0}
    for _n in range(2):
        services.run_sync(integration.pk, trigger=Trigger.HAND)

    integration.refresh_from_db()
    assert integration.state == State.STOPPED
    assert integration.trouble in ("rights", "server")
    assert UUID(str(integration.pk))
