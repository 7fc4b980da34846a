"""Random histories of one member against the reference model, checked after every step."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import hypothesis.strategies as st
import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, settings
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from apps.core.money import from_kopecks, to_kopecks
from apps.loyalty import queries, services
from apps.loyalty.models import Debt, Lot, Wallet
from tests.factories.accounts import UserFactory
from tests.factories.businesses import BusinessFactory
from tests.loyalty.model import BOXES, Model, ModelLot, Taking

START = datetime(2026, 1, 10, 12, tzinfo=UTC)
CLEARING = """
SELECT i.slug, a.slug, sum(CASE WHEN p.dst = 'spent' THEN p.amount ELSE -p.amount END)::bigint
FROM loyalty_posting p
JOIN loyalty_lot l ON l.id = p.lot_id
JOIN businesses_business i ON i.id = l.issuer_id
JOIN businesses_business a ON a.id = p.acceptor_id
WHERE p.src = 'spent' OR p.dst = 'spent' GROUP BY 1, 2
"""
money = st.integers(min_value=0, max_value=500_000).map(from_kopecks)
bonuses = st.integers(min_value=1, max_value=30_000).map(from_kopecks)


class Ledger(RuleBasedStateMachine):
    purchases = Bundle("purchases")
    holds = Bundle("holds")
    spendings = Bundle("spendings")

    @initialize()
    def begin(self) -> None:
        self.block = transaction.atomic()
        self.block.__enter__()
        self.at, self.step, self.model = START, 0, Model()
        self.member = UserFactory(tier_code="vip")
        self.businesses = [BusinessFactory(), BusinessFactory(pending_days=14), BusinessFactory()]

    def teardown(self) -> None:
        if hasattr(self, "block"):
            transaction.set_rollback(True)
            self.block.__exit__(None, None, None)

    def key(self) -> str:
        self.step += 1
        return f"step{self.step}"

    @rule(target=purchases, paid=money, place=st.integers(0, 2), days_ago=st.integers(0, 20))
    def earn(self, paid: Decimal, place: int, days_ago: int) -> tuple:
        business, occurred = self.businesses[place], self.at - timedelta(days=days_ago)
        key = self.key()
        for _ in range(2):  # a replay changes nothing
            posted = services.earn_for_purchase(
                member=self.member, business=business, paid=paid, key=key,
                occurred_at=occurred, posted_at=self.at,
            )  # fmt: skip
        lot = self.model.earn(
            business.slug, to_kopecks(paid), 700, occurred, self.at, business.pending_days
        )
        return posted.journal_id, lot, {"paid": paid, "returned": Decimal(0), "taken": 0}

    @rule(target=spendings, amount=bonuses, place=st.integers(0, 2))
    def spend(self, amount: Decimal, place: int) -> object:
        business = self.businesses[place]
        taken = self.model.take(business.slug, to_kopecks(amount), "spent", self.at)
        try:
            with transaction.atomic():
                posted = services.spend_bonus(
                    member=self.member, business=business, amount=amount, key=self.key(), at=self.at
                )
        except services.InsufficientBonus:
            assert taken is None
            return multiple()
        assert taken is not None
        return posted.journal_id, taken

    @rule(target=holds, amount=bonuses, place=st.integers(0, 2))
    def hold(self, amount: Decimal, place: int) -> object:
        business = self.businesses[place]
        taken = self.model.take(business.slug, to_kopecks(amount), "held", self.at)
        try:
            with transaction.atomic():
                hold = services.hold_bonus(
                    member=self.member, business=business, amount=amount, key=self.key(), at=self.at
                )
        except services.InsufficientBonus:
            assert taken is None
            return multiple()
        assert taken is not None
        return {"hold": hold, "amount": amount, "taken": taken, "open": True}

    @rule(target=spendings, hold=holds, share=st.integers(1, 110))
    def capture(self, hold: dict, share: int) -> object:
        amount = from_kopecks(max(1, to_kopecks(hold["amount"]) * share // 100))
        try:
            with transaction.atomic():
                posted = services.capture_hold(hold_id=hold["hold"].pk, amount=amount, at=self.at)
        except services.MoreThanHeld:
            assert hold["open"]
            assert amount > hold["amount"]
            return multiple()
        except services.HoldResolved:
            assert not hold["open"] or hold["hold"].expires_at <= self.at
            return multiple()
        if posted.replayed:
            return multiple()
        assert hold["open"]
        hold["open"] = False
        return posted.journal_id, self.model.resolve(hold["taken"], to_kopecks(amount), self.at)

    @rule(hold=holds)
    def release(self, hold: dict) -> None:
        try:
            with transaction.atomic():
                posted = services.release_hold(hold_id=hold["hold"].pk, at=self.at)
        except services.HoldResolved:
            assert not hold["open"]
            return
        if not posted.replayed:
            assert hold["open"]
            hold["open"] = False
            self.model.resolve(hold["taken"], 0, self.at)

    @rule(spending=spendings, amount=bonuses)
    def refund(self, spending: tuple, amount: Decimal) -> None:
        journal_id, taken = spending
        assert isinstance(taken, Taking)
        done = self.model.refund(taken, to_kopecks(amount), self.at)
        try:
            with transaction.atomic():
                services.refund_spend(
                    journal_id=journal_id, amount=amount, key=self.key(), at=self.at
                )
        except services.MoreThanSpent:
            assert not done
        else:
            assert done

    @rule(purchase=purchases, share=st.integers(1, 110))
    def give_back(self, purchase: tuple, share: int) -> None:
        journal_id, lot, facts = purchase
        returned = from_kopecks(max(1, to_kopecks(facts["paid"]) * share // 100))
        try:
            with transaction.atomic():
                posted = services.claw_back(
                    journal_id=journal_id, returned=returned, key=self.key(), at=self.at
                )
        except services.MoreThanPaid:
            assert facts["returned"] + returned > facts["paid"]
            return
        facts["returned"] += returned
        facts["taken"] += to_kopecks(posted.amount)
        assert isinstance(lot, ModelLot | None)
        if lot and posted.amount:
            self.model.claw(lot, to_kopecks(posted.amount), self.at)
        if facts["returned"] == facts["paid"]:  # any split of a full return takes all of it
            assert facts["taken"] == (sum(lot.boxes.values()) if lot else 0)

    @rule(hours=st.sampled_from([0, 1, 5, 24, 24 * 13, 24 * 31, 24 * 80]))
    def time_passes(self, hours: int) -> None:
        self.at += timedelta(hours=hours)

    @rule()
    def night(self) -> None:
        for _ in range(2):  # twice equals once
            services.wake_due(at=self.at)
            services.expire_due(at=self.at)
        self.model.wake(self.at)
        self.model.expire(self.at)

    @invariant()
    def books_agree(self) -> None:
        if not hasattr(self, "model"):
            return
        rows = list(Lot.objects.filter(wallet_id=self.member.pk).order_by("id").values(*BOXES))
        assert rows == [lot.boxes for lot in self.model.lots]
        wallet = Wallet.objects.filter(pk=self.member.pk).values("pending", "available", "held")
        debt = sum(d.amount - d.repaid for d in Debt.objects.filter(wallet_id=self.member.pk))
        if rows:
            assert wallet[0] == {box: self.model.total(box) for box in BOXES[:3]}
        assert debt == self.model.owed()
        live = sum(lot.boxes["available"] for lot in self.model.spendable(self.at))
        assert queries.balance_of(self.member.pk, at=self.at).available == from_kopecks(live)
        with connection.cursor() as cursor:
            cursor.execute(CLEARING)
            clearing = {(issuer, acceptor): total for issuer, acceptor, total in cursor.fetchall()}
        assert {k: v for k, v in clearing.items() if v} == {
            k: v for k, v in self.model.clearing.items() if v
        }


def run(examples: int, steps: int) -> None:
    run_state_machine_as_test(
        Ledger,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            print_blob=True,
        ),
    )


@pytest.mark.django_db
def test_short_histories_agree_with_the_model():
    """At least 500 steps."""
    run(examples=20, steps=30)
    assert queries.ledger_faults() == {}


@pytest.mark.slow
@pytest.mark.django_db
def test_long_histories_agree_with_the_model():
    """At least 20,000 steps."""
    run(examples=400, steps=60)
