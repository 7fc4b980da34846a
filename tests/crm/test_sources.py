"""What a system offers besides its usual feed: an older server, payments, appointments."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from apps.crm import services
from apps.crm.enums import Reason, RecordState, RunState, Trigger
from apps.crm.models import CRMIntegration, ExternalRecord
from apps.transactions.models import Transaction
from tests.backoffice.conftest import SignedIn
from tests.crm.world import Month, Stand, assert_equals_truth, ledger
from tests.factories.businesses import staff_of

pytestmark = pytest.mark.django_db


def sync(integration: CRMIntegration, days: int = 35) -> int:
    since = datetime.now(UTC) - timedelta(days=days)
    return services.sync_transactions(integration.business_id, since)


def poll(integration: CRMIntegration) -> None:
    run = services.run_sync(integration.pk, trigger=Trigger.SCHEDULE)
    assert (run.state, run.trouble) == (RunState.DONE, "")


# --- iiko: the server of the restaurant ----------------------------------------------------------
def licences(stand: Stand) -> list[str]:
    kept: list[str] = stand.world.secrets["resto"]
    return kept


def test_iiko_server_brings_what_its_report_can_name(stand: Stand) -> None:
    """The report knows a guest by the phone of her delivery only; others stay nobody's."""
    month = Month(stand, "iiko", seed=6)
    month.sell(40)
    integration = stand.connect("iiko", source="server")
    for _n in range(12):
        month.happen()

    sync(integration)

    named: dict[str, Decimal] = {}
    for sale in stand.world.of("iiko"):
        guest = stand.world.guest(sale.guest)
        if guest and guest in month.guests and sale.id % 3 == 0 and sale.net:
            named[guest.phone] = named.get(guest.phone, Decimal(0)) + sale.net
    assert len(named) > 2
    assert ledger(integration) == named
    assert ExternalRecord.objects.filter(state=RecordState.UNCLAIMED, reason="").count() > 5
    assert licences(stand) == []


def test_iiko_server_gets_its_licence_back_whatever_happened(stand: Stand) -> None:
    integration = stand.connect("iiko", source="server")
    month = Month(stand, "iiko")
    month.sell(5)
    for fault in ("broken_json", "forbidden", "packed"):
        stand.system("iiko").faults.plan("", "", fault)  # signing in and the columns go well
        run = services.run_sync(integration.pk, trigger=Trigger.HAND)
        assert run.state == RunState.FAILED
        assert licences(stand) == []

    licences(stand).append("somebody else holds the only licence")
    assert services.run_sync(integration.pk, trigger=Trigger.HAND).trouble == "auth"
    licences(stand).clear()
    assert services.run_sync(integration.pk, trigger=Trigger.HAND).state == RunState.DONE


def test_iiko_server_without_a_column_it_must_have(stand: Stand, monkeypatch) -> None:
    names = ("OrderNum", "DishDiscountSumInt", "DishReturnSum")
    monkeypatch.setattr("apps.crm.simulator.iiko.COLUMNS", names)
    business = stand.connect("onec").business
    given = stand.server.describe()["iiko"]
    row = services.connect(
        business=business, system="iiko", by=None, base_url=given["baseUrl"],
        credentials=given["credentials"], options=given["options"] | {"source": "server"},
    )  # fmt: skip

    steps = services.test_connection(integration=row, by=None)

    assert (steps[-1].name, steps[-1].trouble) == ("reading", "unreadable")
    assert licences(stand) == []


# --- Renovatio: payments where invoices are closed -----------------------------------------------
def test_renovatio_month_by_payments(stand: Stand) -> None:
    stand.system("renovatio").faults.habits.add("no_invoices")
    month = Month(stand, "renovatio", seed=8)
    month.sell(40)
    integration = stand.connect("renovatio", source="payments")
    for _round in range(4):
        for _n in range(5):
            month.happen()
        poll(integration)
    sync(integration)

    assert_equals_truth(stand, integration)
    assert not ExternalRecord.objects.filter(state=RecordState.QUARANTINE).exists()


def test_renovatio_without_rights_to_invoices_says_so(stand: Stand) -> None:
    stand.system("renovatio").faults.habits.add("no_invoices")
    with pytest.raises(AssertionError):
        stand.connect("renovatio")
    assert CRMIntegration.objects.get().trouble == "rights"


def test_payment_back_finds_its_payment_of_weeks_ago(stand: Stand) -> None:
    [guest] = stand.members(1)
    integration = stand.connect("renovatio", source="payments")
    sale = stand.world.sell("renovatio", guest, "5400", datetime.now(UTC) - timedelta(days=40))
    alone = stand.world.sell("renovatio", guest, "900", datetime.now(UTC) - timedelta(days=200))
    sync(integration, days=60)
    poll(integration)
    stand.world.refund(sale, "1400")
    stand.world.refund(alone, "900")

    for _n in range(2):  # the same few hours again: nothing flips
        poll(integration)

        assert Transaction.objects.get().amount_left == 4000
        lost = ExternalRecord.objects.get(state=RecordState.QUARANTINE)
        assert (lost.reason, lost.amount) == (Reason.NO_ORIGINAL, 900)


# --- 1C: returns are documents of their own ------------------------------------------------------
def test_return_waits_for_a_sale_that_was_not_read_yet(
    stand: Stand,
    signed_in: SignedIn,
) -> None:
    [guest] = stand.members(1)
    shop = stand.connect("onec")
    sale = stand.world.sell("onec", guest, "5400", datetime.now(UTC) - timedelta(days=50))
    stand.world.refund(sale, "1400")
    sync(shop)
    waiting = ExternalRecord.objects.get()
    assert (waiting.state, waiting.amount) == (RecordState.WAITING, 1400)
    owner = signed_in(staff_of(shop.business, role="business_owner"))
    page = owner.get(f"/biz/{shop.business.slug}/crm/", secure=True).content.decode()
    assert "ждёт свою продажу" in page

    sync(shop, days=60)  # somebody has read the past

    assert_equals_truth(stand, shop)
    waiting.refresh_from_db()
    assert waiting.state == RecordState.APPLIED


# --- YCLIENTS: appointments beside the money -----------------------------------------------------
@pytest.fixture
def visit(stand: Stand) -> tuple[CRMIntegration, object]:
    """A paid visit of three weeks ago, before the days that every poll reads again."""
    [guest] = stand.members(1)
    while not (sale := stand.world.sell("yclients", guest, "3000", long_ago())).id % 5:
        stand.world.delete(sale)
    integration = stand.connect("yclients")
    sync(integration)
    poll(integration)
    assert Transaction.objects.get().amount_left == 3000
    return integration, sale


def long_ago() -> datetime:
    return datetime.now(UTC) - timedelta(days=21)


@pytest.mark.parametrize("what", ["delete", "cancel", "edit"])
def test_old_visit_that_changes_is_noticed_by_its_appointment(
    stand: Stand, visit: tuple[CRMIntegration, object], what: str
) -> None:
    integration, sale = visit
    if what == "edit":
        stand.world.edit(sale, "2500")
    else:
        getattr(stand.world, what)(sale)

    poll(integration)
    assert_equals_truth(stand, integration)

    sync(integration)  # the long read agrees
    assert_equals_truth(stand, integration)


def test_missed_visit_counts_nothing_though_its_payment_stands(
    stand: Stand, visit: tuple[CRMIntegration, object]
) -> None:
    integration, sale = visit
    stand.world.cancel(sale)
    assert stand.system("yclients").payment(sale)["amount"] == "3000.00"

    sync(integration)
    assert Transaction.objects.get().amount_left == 0

    stand.world.restore(sale)
    poll(integration)
    assert sum(one.amount_left for one in Transaction.objects.all()) == 3000


def test_right_to_appointments_is_proved_with_the_connection(stand: Stand, monkeypatch) -> None:
    system = stand.system("yclients")
    monkeypatch.setattr(system, "answer", _without_records(system))

    with pytest.raises(AssertionError):
        stand.connect("yclients")

    assert CRMIntegration.objects.get().trouble == "rights"


def _without_records(system):
    answer = system.answer
    return lambda request: (
        system.refusal(403, "Недостаточно прав") if "/records/" in request.path else answer(request)
    )
