"""The balance in Redis: asked instead of PostgreSQL, dropped by everything that moves value."""

import threading
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal as D
from typing import Any

import pytest
import redis
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.core import redis_line
from apps.loyalty import balance_cache, queries, services
from apps.transactions.services import SaleRow, record_purchases
from tests.factories.accounts import UserFactory
from tests.factories.businesses import BusinessFactory

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _fresh_line():
    redis_line.forget_silence()
    balance_cache._owed.clear()
    yield
    redis_line.forget_silence()
    balance_cache._owed.clear()


class Desk:
    """A member with 200 bonuses, a friend with none, and what is done with them."""

    def __init__(self) -> None:
        self.at = timezone.now()
        self.business, self.slow = BusinessFactory(), BusinessFactory(pending_days=14)
        self.member, self.friend = UserFactory(), UserFactory()
        self.numbers = iter(range(1000))
        self.bought = self.earn()

    def key(self) -> str:
        return f"k{next(self.numbers)}"

    def earn(self, business: Any = None) -> Any:
        return services.earn_for_purchase(
            member=self.member, business=business or self.business, paid=D(4000), key=self.key(),
            occurred_at=self.at, posted_at=self.at,
        )  # fmt: skip

    def spend(self) -> Any:
        return services.spend_bonus(
            member=self.member, business=self.business, amount=D(20), key=self.key(), at=self.at
        )

    def hold(self) -> Any:
        return services.hold_bonus(
            member=self.member, business=self.business, amount=D(20), key=self.key(), at=self.at
        )

    def in_bulk(self) -> None:
        row = SaleRow(key=self.key(), member_id=self.member.pk, amount=D(1000), occurred_at=self.at)
        record_purchases(business=self.business, rows=[row], by=None, source="import")

    def shown(self, member: Any) -> queries.Balance:
        return queries.shown_balance_of(member.pk, at=timezone.now())

    def true(self, member: Any) -> queries.Balance:
        return queries.balance_of(member.pk, at=timezone.now())


def acts(desk: Desk) -> dict[str, Callable[[], Any]]:
    """Everything that moves value, in an order in which each has something to move."""
    at, made = desk.at, {}

    def keep(name: str, act: Callable[[], Any]) -> Callable[[], None]:
        return lambda: made.update({name: act()})

    return {
        "earn": desk.earn,
        "earn, asleep": lambda: desk.earn(desk.slow),
        "spend": keep("spent", desk.spend),
        "refund of a spend": lambda: services.refund_spend(
            journal_id=made["spent"].journal_id, amount=D(10), key="refund", at=at
        ),
        "hold": keep("hold", desk.hold),
        "capture": lambda: services.capture_hold(hold_id=made["hold"].pk, amount=D(5), at=at),
        "another hold": keep("other", desk.hold),
        "release": lambda: services.release_hold(hold_id=made["other"].pk, at=at),
        "third hold": keep("late", desk.hold),
        "holds time out": lambda: services.time_out_holds(at=at + timedelta(hours=1)),
        "clawback": lambda: services.claw_back(
            journal_id=desk.bought.journal_id, returned=D(500), key="claw", at=at
        ),
        "gift": lambda: services.give(
            sender=desk.member, receiver=desk.friend, amount=D(10), key="gift", at=at
        ),
        "a batch of sales": desk.in_bulk,
        "pending ones wake": lambda: services.wake_due(at=at + timedelta(days=15)),
        "the rest expires": lambda: services.expire_due(at=at + timedelta(days=300)),
        "earned once more": desk.earn,
        "the wallet closes": lambda: services.close_wallet(member_id=desk.member.pk, at=at),
    }


def test_whatever_moves_value_drops_what_was_shown(api):
    desk = Desk()
    both = desk.member, desk.friend
    callers, written = [api.as_(one) for one in both], set()

    def newest(path: str) -> list[Any]:
        return [one.get(path).json()["data"] for one in callers]

    for name, act in acts(desk).items():
        before = [desk.shown(one) for one in both]
        lines = newest("/loyalty/history")
        act()
        after = [desk.true(one) for one in both]
        assert before != after, f"{name} moved nothing, so it proves nothing"
        assert [desk.shown(one) for one in both] == after, name
        # a limit of its own is answered by PostgreSQL
        assert newest("/loyalty/history") == newest("/loyalty/history?limit=20"), name
        if newest("/loyalty/history") != lines:
            written.add(name)
    assert written >= {"earn", "spend", "hold", "release", "clawback", "gift", "the rest expires"}


@pytest.mark.parametrize("path", ["/loyalty/balance", "/loyalty/history"])
def test_what_was_shown_before_asks_postgres_for_nothing_but_who_asks(api, path):
    desk = Desk()
    mine = api.as_(desk.member)
    first = mine.get(path)
    with CaptureQueriesContext(connection) as asked:
        again = mine.get(path)

    assert again.json()["data"] == first.json()["data"] != []
    assert again.json()["meta"].get("pagination") == first.json()["meta"].get("pagination")
    assert [q["sql"].split("FROM ")[1].split()[0] for q in asked] == ["accounts_session"]


def test_a_transaction_neither_believes_the_cache_nor_fills_it():
    desk = Desk()
    desk.shown(desk.member)
    with transaction.atomic():
        desk.spend()
        inside = desk.shown(desk.member)
        transaction.set_rollback(True)

    assert inside.available == D(180)
    assert desk.shown(desk.member).available == D(200)


def test_a_balance_is_not_shown_past_the_moment_when_some_of_it_lapses(time_machine):
    desk = Desk()
    time_machine.move_to(queries.balance_of(desk.member.pk, at=desk.at).expiring_at
                         - timedelta(seconds=90), tick=False)  # fmt: skip
    before = desk.shown(desk.member)
    time_machine.shift(timedelta(seconds=90))

    assert (before.available, desk.shown(desk.member).available) == (D(200), D(0))


def test_who_read_before_a_write_cannot_fill_after_it(monkeypatch):
    """The reader stops between its statement and its fill; meanwhile bonuses are spent."""
    desk = Desk()
    has_read, may_fill, asked = threading.Event(), threading.Event(), queries._asked

    def slowly(member_id: Any, *, at: Any) -> Any:
        row = asked(member_id, at=at)
        has_read.set()
        may_fill.wait(10)
        return row

    def read() -> None:
        desk.shown(desk.member)
        connection.close()

    monkeypatch.setattr(queries, "_asked", slowly)
    reader = threading.Thread(target=read)
    reader.start()
    assert has_read.wait(10)
    monkeypatch.setattr(queries, "_asked", asked)
    desk.spend()
    may_fill.set()
    reader.join()

    assert desk.shown(desk.member).available == D(180)


def test_readers_and_writers_at_once_end_with_what_is_true():
    desk = Desk()

    def work(number: int) -> None:
        writes = number % 3 == 0
        for _ in range(4 if writes else 40):
            desk.spend() if writes else desk.shown(desk.member)
        connection.close()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert desk.shown(desk.member) == desk.true(desk.member)


def test_without_redis_everything_goes_on_and_its_return_shows_nothing_old(monkeypatch, api):
    desk = Desk()
    desk.shown(desk.member)

    def dead(_name: str) -> Any:
        raise redis.ConnectionError("refused")

    with monkeypatch.context() as patched:
        patched.setattr(redis_line, "get_redis_connection", dead)
        desk.spend()
        shown = api.as_(desk.member).get("/loyalty/balance")
        assert shown.json()["data"]["available"] == "180.00"
    redis_line.forget_silence()  # some seconds later

    assert desk.shown(desk.member).available == D(180)
