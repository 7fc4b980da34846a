"""What each operation of the ledger asks of PostgreSQL: a table, so that a statement more is seen.

One statement is one round trip. The notes say what stands beside the three of every operation
(lock the wallet, write the journal row, move).
"""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal as D
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.loyalty import queries, services
from apps.loyalty.models import Journal
from tests.factories.accounts import UserFactory
from tests.factories.businesses import BusinessFactory
from tests.factories.offers import offer_of

pytestmark = pytest.mark.django_db


class Desk:
    """One member with 100 bonuses of 2 000 ₽, and what is done with them."""

    def __init__(self) -> None:
        self.at = timezone.now()
        self.business = BusinessFactory()
        self.slow = BusinessFactory(pending_days=14)
        self.member, self.friend = UserFactory(), UserFactory()
        self.bought = self.earn("bought", "2000")
        services.lock_wallets({self.friend.pk})

    def earn(self, key: str, paid: str = "2000", *, member: Any = None, at: Any = None) -> Any:
        return services.earn_for_purchase(
            member=member or self.member, business=self.business, paid=D(paid), key=key,
            occurred_at=at or self.at, posted_at=self.at,
        )  # fmt: skip

    def earn_slowly(self) -> Any:
        return services.earn_for_purchase(
            member=self.member, business=self.slow, paid=D(100), key="slow",
            occurred_at=self.at, posted_at=self.at,
        )  # fmt: skip

    def spend(self, amount: str = "40", key: str = "spend") -> Any:
        return services.spend_bonus(
            member=self.member, business=self.business, amount=D(amount), key=key, at=self.at
        )

    def hold(self) -> Any:
        return services.hold_bonus(
            member=self.member, business=self.business, amount=D(40), key="hold", at=self.at
        )

    def capture(self, hold: Any) -> Any:
        return services.capture_hold(hold_id=hold.pk, amount=D(15), at=self.at)

    def release(self, hold: Any) -> Any:
        return services.release_hold(hold_id=hold.pk, at=self.at)

    def refund(self, spent: Any) -> Any:
        return services.refund_spend(
            journal_id=spent.journal_id, amount=D(10), key="refund", at=self.at
        )

    def claw(self, earned: Any, returned: str = "500") -> Any:
        return services.claw_back(
            journal_id=earned.journal_id, returned=D(returned), key="claw", at=self.at
        )

    def give(self) -> Any:
        return services.give(
            sender=self.member, receiver=self.friend, amount=D(10), key="gift", at=self.at
        )


Act = Callable[[Any], Any]


def asked(act: Callable[[], Any]) -> int:
    """Statements of the ledger: without savepoints, the audit log and the outbox."""
    with CaptureQueriesContext(connection) as statements:
        act()
    beside = ("SAVEPOINT", "RELEASE", '"core_', "core_message", "core_delivery")
    return sum(
        not any(word in query["sql"][:60] for word in beside)
        for query in statements.captured_queries
    )


# name, what is done before, what is counted, how many; loyalty.md 3.4 has the same names
TABLE: list[tuple[str, Act, Callable[[Desk, Any], Any], int]] = [
    # + which offers are in force
    ("earn", lambda desk: None, lambda desk, _: desk.earn("next"), 4),
    ("earn, pending", lambda desk: desk.spend(), lambda desk, _: desk.earn_slowly(), 4),
    # + the row of the hold's code and end
    ("hold", lambda desk: None, lambda desk, _: desk.hold(), 4),
    ("spend", lambda desk: None, lambda desk, _: desk.spend(), 3),
    ("capture a part", Desk.hold, Desk.capture, 3),
    ("release", Desk.hold, Desk.release, 3),
    ("refund of a spend", Desk.spend, Desk.refund, 3),
    # + what earlier returns took, + the lots, since a lot of each funder is taken from apart
    ("clawback", lambda desk: desk.bought, Desk.claw, 5),
    # two wallets are made and locked, both debts and today's gifts are read, two journal rows, one
    # move, the gift's own row
    ("gift", lambda desk: None, lambda desk, _: desk.give(), 7),
    ("balance", lambda d: None, lambda d, _: queries.balance_of(d.member.pk, at=d.at), 1),
]  # fmt: skip


@pytest.mark.parametrize(("before", "act", "most"), [row[1:] for row in TABLE],
                         ids=[row[0] for row in TABLE])  # fmt: skip
def test_an_operation_asks_as_often_as_the_table_says(before, act, most):
    desk = Desk()
    ready = before(desk)

    assert asked(lambda: act(desk, ready)) == most
    assert queries.ledger_faults() == {}


def test_a_clawback_with_a_shortfall_asks_for_a_debt_and_its_repayment():
    desk = Desk()
    desk.spend("100")

    # the debt, the repayment's journal row, the repayment
    assert asked(lambda: desk.claw(desk.bought)) == 8
    assert queries.ledger_faults() == {}


def test_an_accrual_in_debt_asks_for_its_repayment():
    desk = Desk()
    desk.spend("100")
    desk.claw(desk.bought)

    assert asked(lambda: desk.earn("next")) == 6
    assert queries.ledger_faults() == {}


@pytest.mark.parametrize("members", [1, 60])
def test_sweeps_ask_the_same_for_any_number(members):
    desk = Desk()
    for n in range(members):
        desk.earn(f"m{n}", member=UserFactory())
    later = desk.at + timedelta(days=200)

    # lock, journal row, move, make sure that nothing is left; then one look that finds nothing
    assert asked(lambda: services.expire_due(at=later)) == 5
    assert queries.ledger_faults() == {}


def test_a_replay_of_a_capture_moves_nothing():
    desk = Desk()
    hold = desk.hold()
    first = desk.capture(hold)

    # the journal row meets itself and is read
    assert asked(lambda: desk.capture(hold)) == 3
    assert Journal.objects.filter(ref_id=hold.pk).get().pk == first.journal_id


def test_a_return_on_a_capped_offer_frees_its_limits_in_one_statement():
    desk = Desk()
    offer_of(desk.business, budget=D(1000), cap_day=D(500), cap_member=D(500))
    earned = desk.earn("offered")

    assert asked(lambda: desk.claw(earned)) == 6
