"""Movements of bonuses as facts; facts against the books; a month rebuilt; writers and kills."""

import io
import os
import random
import signal
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.utils import timezone

from apps.analytics import feeding, loader
from apps.analytics.models import FactBatch, FeedMark, Snapshot
from apps.analytics.services import reconciling
from apps.core import clickhouse
from apps.core.models import Delivery
from apps.loyalty.models import Lot, Posting, Wallet
from apps.transactions.services import refund_purchase
from tests.factories.transactions import sale
from tests.threads import race

ALIVE = "('pending', 'available', 'held')"
OPEN = f"""
SELECT sumIf(amount, dst IN {ALIVE}) - sumIf(amount, src IN {ALIVE}) FROM bonus_facts
"""
AT = datetime(2026, 2, 28, 21, 30, tzinfo=UTC)  # already March in Moscow


@pytest.fixture
def books(facts: None, business: Any, owner: Any, member: Any) -> Any:
    """A sale of February's last evening, another one, a return of half of it; all loaded."""
    sale(business=business, member=member, amount="1000.00", occurred_at=AT)
    other = sale(business=business, member=member, amount="400.00")
    refund_purchase(
        sale=other, amount=Decimal(200), reason="не подошло платье", by=owner, key="r",
        at=timezone.now(),
    )  # fmt: skip
    loader.load_waiting()
    return business


def agrees(**given: Any) -> str:
    out = io.StringIO()
    call_command("reconcile", since=AT.date() - timedelta(days=9), stdout=out, **given)
    return out.getvalue()


@pytest.mark.django_db
def test_open_bonuses_in_facts_are_the_wallets(books, member):
    [(opened,)] = clickhouse.read("test", OPEN)
    kinds = clickhouse.read("test", "SELECT stream, count() FROM bonus_facts GROUP BY 1 ORDER BY 1")

    assert opened * 100 == Wallet.objects.get(member=member).available
    assert kinds == [("born", Lot.objects.count()), ("moved", Posting.objects.count())]
    whose = "SELECT count() FROM bonus_facts WHERE member = {member:UUID}"
    assert clickhouse.read("test", whose, member=str(member.pk)) == [(0,)]


@pytest.mark.django_db
def test_loaded_again_from_the_start_is_the_same(books):
    before = clickhouse.read("test", OPEN)
    FeedMark.objects.update(loaded=0, waiting=0)

    loader.load_waiting()

    assert FeedMark.objects.filter(loaded__gt=0).count() == 2

    assert clickhouse.read("test", OPEN) == before
    assert not reconciling.compare(since=AT.date(), until=timezone.localdate())


@pytest.mark.django_db(transaction=True)
def test_what_commits_late_with_a_lower_number_is_not_lost(facts, business):
    sale(business=business, amount="100.00")
    loader.load_waiting()
    started, finish = threading.Event(), threading.Event()

    def slow() -> None:
        with transaction.atomic():
            sale(business=business, amount="100.00", key="slow")
            started.set()
            finish.wait(20)
        connection.close()

    writer = threading.Thread(target=slow)
    writer.start()
    started.wait(20)
    sale(business=business, amount="100.00", key="fast")
    loader.load_waiting()
    waiting = clickhouse.read("test", "SELECT count() FROM bonus_facts")
    finish.set()
    writer.join()
    loader.load_waiting()

    wanted = Lot.objects.count() + Posting.objects.count()
    assert waiting[0][0] < wanted
    assert clickhouse.read("test", "SELECT count() FROM bonus_facts") == [(wanted,)]


@pytest.mark.django_db
def test_facts_and_books_agree(books):
    assert "agree" in agrees()

    assert Snapshot.objects.get(kind="reconciled").summary["found"] == 0


@pytest.mark.django_db
@pytest.mark.parametrize(("table", "days"), [("transaction_facts", 2), ("bonus_facts", 1)])
def test_what_is_lost_altered_or_too_much_is_rebuilt(books, table, days):
    clickhouse.command(f"ALTER TABLE {table} DELETE WHERE local_day < '2026-03-05' "
                       "SETTINGS mutations_sync = 1")  # fmt: skip
    clickhouse.command(f"ALTER TABLE {table} UPDATE amount = amount + 1 WHERE 1 "
                       "SETTINGS mutations_sync = 1")  # fmt: skip
    with pytest.raises(CommandError, match=f"{days} days differ"):
        agrees(check=True)

    said = agrees()

    assert said.count(f"rebuilt {table}") == days
    assert "agree" in said
    closes = "SELECT kind, amount, closes FROM transaction_facts ORDER BY amount"
    assert [row[0] for row in clickhouse.read("test", closes)] == ["refund", "purchase", "purchase"]
    done = Snapshot.objects.get(kind="reconciled").summary
    assert (done["found"], done["left"], len(done["rebuilt"])) == (days, 0, days)


@pytest.mark.django_db
def test_rebuilt_rows_equal_the_loaded_ones(books):
    columns = ", ".join(
        name for name in loader.TRANSACTION_FACTS.columns if name not in {"version"}
    )
    every = f"SELECT {columns} FROM transaction_facts ORDER BY transaction_id"
    before = clickhouse.read("test", every)

    reconciling.rebuild(table="transaction_facts", month=AT.date() + timedelta(days=1))
    reconciling.rebuild(table="transaction_facts", month=timezone.localdate())

    assert clickhouse.read("test", every) == before


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_six_writers_kills_at_random_and_every_batch_twice(facts, business, engine):
    """Loaders are real processes, killed with -9 at random moments while six threads sell."""
    if engine:
        engine.close()  # they want its folder
    chance = random.Random(8)
    given = connection.settings_dict
    environment = os.environ | {
        "DATABASE_URL": "postgres://{USER}:{PASSWORD}@{HOST}:{PORT}/{NAME}".format(**given),
        "CLICKHOUSE_URL": f"chdb://{settings.CLICKHOUSE['path']}"
        f"?database={settings.CLICKHOUSE['database']}",
    }
    command = [sys.executable, "-W", "ignore", "-m", "tests.analytics.loading"]
    done = threading.Event()
    kills = 0

    def sell() -> None:
        work = lambda n: [  # noqa: E731
            sale(business=business, amount="1.00", key=f"{n}:{i}").pk for i in range(60)
        ]
        assert not [one for one in race(6, work) if isinstance(one, Exception)]
        done.set()

    writers = threading.Thread(target=sell)
    writers.start()
    while kills < 12:
        with subprocess.Popen(
            command, cwd=settings.BASE_DIR, env=environment, stdout=subprocess.PIPE, text=True
        ) as child:
            assert child.stdout.readline() == "ready\n"
            time.sleep(chance.random() * 1.5)
            child.send_signal(signal.SIGKILL)
            kills += 1
    writers.join()
    loader.load_waiting()

    rows = clickhouse.read("test", "SELECT count(), sum(amount) FROM transaction_facts")
    ledger = clickhouse.read("test", "SELECT count() FROM bonus_facts")
    assert done.is_set()
    assert rows == [(360, Decimal("360.00"))]
    assert ledger == [(Lot.objects.count() + Posting.objects.count(),)]
    assert not FactBatch.objects.exclude(state=FactBatch.State.LOADED).exists()
    ours = Delivery.objects.filter(listener=loader.TRANSACTION_FACTS.listener)
    assert not ours.exclude(state=Delivery.State.DONE).exists()
    assert reconciling.compare(since=timezone.localdate() - timedelta(days=2),
                               until=timezone.localdate() + timedelta(days=1)) == []  # fmt: skip


def test_the_mark_waits_for_writers_of_its_moment(monkeypatch):
    """Those who came later are nobody to wait for."""
    feed = feeding.Feed("x", "bonus_facts", "loyalty_posting", lambda: 9, lambda *_given: [])
    writers = [{"1/5"}, {"1/5", "2/7"}, {"1/5"}, {"1/5"}]
    monkeypatch.setattr(feeding, "_writing", lambda _feed: writers.pop(0) if writers else {"1/5"})
    monkeypatch.setattr(feeding, "PATIENCE", 0)
    mark = FeedMark(feed="x", loaded=3, waiting=5, writers=["8/8"])
    monkeypatch.setattr(mark, "save", lambda **_given: None)

    assert feeding.settled_upto(feed, mark) == 5
    assert (mark.waiting, set(mark.writers)) == (9, {"1/5", "2/7"})
