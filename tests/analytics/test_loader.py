from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from apps.analytics import loader, queries, tasks
from apps.analytics.models import FactBatch
from apps.core import clickhouse
from apps.core.models import Delivery
from apps.loyalty.models import Lot, Posting
from tests.factories.businesses import BusinessFactory
from tests.factories.transactions import sale
from tests.threads import race

DAY = date(2026, 3, 1)
NIGHT = datetime(2026, 2, 28, 21, 30, tzinfo=UTC)  # already 1 March in Moscow


@pytest.fixture(autouse=True)
def _clickhouse(facts):
    """Every test here reads and writes the engine."""


def count() -> int:
    return clickhouse.read("test.count", "SELECT count() FROM transaction_facts")[0][0]


@pytest.mark.django_db
def test_a_sale_reaches_the_owners_figures_on_the_day_of_the_business(business):
    sale(business=business, amount="100.10", occurred_at=NIGHT)
    sale(business=business, amount="200.20", occurred_at=NIGHT)
    sale(business=BusinessFactory(), amount="999.00", occurred_at=NIGHT)

    loaded = loader.load_waiting()

    assert loaded == 3
    [day] = queries.sales_by_day(business=business, since=DAY, until=DAY)
    assert day == queries.DaySales(DAY, Decimal("300.30"), 2, 2, Decimal("15.01"))


@pytest.mark.django_db
def test_days_without_sales_are_zeros_and_present(business):
    rows = queries.sales_by_day(business=business, since=date(2026, 3, 1), until=date(2026, 3, 3))

    assert rows == [queries.DaySales(date(2026, 3, n)) for n in (1, 2, 3)]


@pytest.mark.django_db
def test_loading_again_adds_nothing(business):
    sale(business=business)

    assert (loader.load_waiting(), loader.load_waiting(), count()) == (1, 0, 1)


@pytest.mark.django_db
def test_a_crash_after_the_insert_sends_the_same_batch_and_adds_nothing(business, monkeypatch):
    for _ in range(5):
        sale(business=business)
    batch = loader.freeze(loader.TRANSACTION_FACTS)
    rows = loader.rows_of(loader.TRANSACTION_FACTS, loader._payloads(batch_id=batch.pk))
    clickhouse.insert(
        "transaction_facts", loader.TRANSACTION_FACTS.columns, rows, token=str(batch.pk)
    )

    loaded = loader.load_waiting()  # the crashed run never marked it

    assert (loaded, count()) == (5, 5)
    assert FactBatch.objects.get(table="transaction_facts").state == FactBatch.State.LOADED
    ours = Delivery.objects.filter(listener=loader.TRANSACTION_FACTS.listener)
    assert not ours.exclude(state=Delivery.State.DONE).exists()


@pytest.mark.django_db
def test_copies_outside_of_the_tokens_window_collapse_by_version(business):
    sale(business=business, amount="100.00", occurred_at=NIGHT)
    batch = loader.freeze(loader.TRANSACTION_FACTS)
    rows = loader.rows_of(loader.TRANSACTION_FACTS, loader._payloads(batch_id=batch.pk))

    for token in ("first", "second", "third"):
        clickhouse.insert("transaction_facts", loader.TRANSACTION_FACTS.columns, rows, token=token)

    [day] = queries.sales_by_day(business=business, since=DAY, until=DAY)
    assert (day.revenue, day.receipts) == (Decimal("100.00"), 1)


@pytest.mark.django_db
def test_a_frozen_batch_that_was_altered_is_not_sent(business):
    done = sale(business=business)
    loader.freeze(loader.TRANSACTION_FACTS)
    ours = Delivery.objects.filter(listener=loader.TRANSACTION_FACTS.listener)
    message = ours.select_related("message").get().message
    assert message.payload["transaction_id"] == str(done.pk)
    message.payload["amount"] = "1.00"
    message.save()

    with pytest.raises(loader.BatchChanged):
        loader.load_waiting()
    assert count() == 0


@pytest.mark.django_db
def test_facts_wait_while_clickhouse_is_down_and_arrive_later(business, settings):
    sale(business=business)
    real = settings.CLICKHOUSE
    settings.CLICKHOUSE = {
        "embedded": False,
        "url": "http://127.0.0.1:9/none",
        "path": "",
        "database": "none",
    }

    assert tasks.load_facts() == 0
    assert queries.freshness().waiting == 1
    with pytest.raises(clickhouse.Unavailable):
        queries.sales_by_day(business=business, since=DAY, until=DAY)

    settings.CLICKHOUSE = real
    assert tasks.load_facts() == 1
    assert count() == 1


def of_the_ledger() -> int:
    return clickhouse.read("test.count", "SELECT count() FROM bonus_facts")[0][0]


@pytest.fixture
def frozen(business, settings):
    """Movements of a sale that were frozen when ClickHouse went away; it is back."""
    sale(business=business)
    for table in loader.TABLES:
        loader._load_table(table, loader.MOST_ROWS)
    there = settings.CLICKHOUSE
    settings.CLICKHOUSE = there | {"embedded": False, "url": "http://127.0.0.1:9/none"}
    with pytest.raises(clickhouse.Unavailable):
        loader.load_waiting()
    settings.CLICKHOUSE = there
    return FactBatch.objects.filter(state=FactBatch.State.FROZEN)


@pytest.mark.django_db
def test_movements_of_the_ledger_wait_frozen_and_arrive_once(frozen):
    waiting = frozen.get().rows, of_the_ledger()

    loader.load_waiting()
    loader.load_waiting()

    assert waiting == (1, 0)
    assert of_the_ledger() == Lot.objects.count() + Posting.objects.count()
    assert not frozen.exists()


@pytest.mark.django_db
def test_movements_that_are_other_than_they_were_frozen_are_not_sent(frozen):
    frozen.update(digest="0" * 64)

    with pytest.raises(loader.BatchChanged):
        loader.load_waiting()

    assert of_the_ledger() == 0


@pytest.mark.django_db
def test_clickhouse_holds_no_member_id(member, business):
    sale(member=member, business=business)
    loader.load_waiting()

    [(surrogate,)] = clickhouse.read("test.member", "SELECT member FROM transaction_facts")
    assert surrogate != member.pk


@pytest.mark.django_db(transaction=True)
def test_six_writers_and_two_loaders_lose_and_double_nothing(business):
    def work(n):
        if n >= 6:
            return sum(loader.load_waiting(most_rows=7) for _ in range(5))
        return [sale(business=business, amount="1.00", key=f"{n}:{i}").pk for i in range(10)]

    outcomes = race(8, work)
    loader.load_waiting(most_rows=7)

    assert not [outcome for outcome in outcomes if isinstance(outcome, Exception)]
    rows = clickhouse.read("test.sum", "SELECT count(), sum(amount) FROM transaction_facts")
    assert rows == [(60, Decimal("60.00"))]
