"""Random histories of two members against the reference model, checked after every step.

After a step the books of the two members are read in one statement for each invariant; the whole
nightly audit and the clearing of all months are asked at the end of a history.
"""

import contextlib
import sys
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID

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
    precondition,
    rule,
    run_state_machine_as_test,
)

from apps.accounts.models import StatusTier, User
from apps.businesses.queries import network
from apps.core.money import from_kopecks, to_kopecks
from apps.loyalty import queries, rules, services, settlement_queries
from apps.loyalty.models import AdjustmentState, StatementLine
from tests.factories.accounts import UserFactory
from tests.factories.businesses import BusinessFactory
from tests.loyalty.model import BOXES, LADDER, Model, ModelLot, ModelPayment, Taking

# Moments to begin at: moving every date moves nothing else (invariant 14).
NOON = datetime(2026, 1, 10, 12, tzinfo=UTC)
MIDNIGHT = datetime(2026, 2, 27, 21, tzinfo=UTC)  # in Moscow
STARTS = [NOON, MIDNIGHT, MIDNIGHT - timedelta(microseconds=1)]
LATEST = datetime(9999, 1, 1, tzinfo=UTC)

# Invariants 1 and 3 for the lots at hand: the boxes, and the fold of their postings from birth.
LOTS = """
SELECT l.wallet_id, l.pending, l.available, l.held, l.spent, l.expired, l.revoked,
       l.amount, l.clawed, l.amount + f.pending, f.available, f.held, f.spent, f.expired, f.revoked
FROM loyalty_lot l CROSS JOIN LATERAL (
    SELECT coalesce(sum((dst = 'pending')::int * amount - (src = 'pending')::int * amount), 0),
           coalesce(sum((dst = 'available')::int * amount - (src = 'available')::int * amount), 0),
           coalesce(sum((dst = 'held')::int * amount - (src = 'held')::int * amount), 0),
           coalesce(sum((dst = 'spent')::int * amount - (src = 'spent')::int * amount), 0),
           coalesce(sum((dst = 'expired')::int * amount), 0),
           coalesce(sum((dst = 'revoked')::int * amount), 0)
    FROM loyalty_posting WHERE lot_id = l.id
) f (pending, available, held, spent, expired, revoked)
WHERE l.wallet_id = ANY(%(members)s::uuid[]) ORDER BY l.id
"""
# Invariant 2, and what the product says can be spent at the moment.
WALLETS = """
SELECT w.member_id, w.pending, w.available, w.held, w.debt,
       (SELECT coalesce(sum(amount - repaid), 0) FROM loyalty_debt d
        WHERE d.wallet_id = w.member_id)
FROM loyalty_wallet w WHERE w.member_id = ANY(%(members)s::uuid[])
"""
# Invariant 7: spent or held although it had lapsed by then. Must be empty.
LATE = """
SELECT p.id FROM loyalty_posting p
JOIN loyalty_lot l ON l.id = p.lot_id JOIN loyalty_journal j ON j.id = p.journal_id
WHERE l.wallet_id = ANY(%(members)s::uuid[]) AND p.src = 'available' AND p.dst IN ('spent', 'held')
  AND l.expires_at <= j.occurred_at
"""
# Invariants 9 and 10: a hold falls apart into exactly what was held; no more comes back of a
# spending than was spent. Must be empty.
TORN = """
SELECT h.id FROM loyalty_journal h
JOIN loyalty_journal r ON r.ref_id = h.id AND r.kind IN ('capture', 'release')
WHERE h.wallet_id = ANY(%(members)s::uuid[]) AND h.kind = 'hold' AND h.amount IS DISTINCT FROM
      (SELECT sum(p.amount) FROM loyalty_posting p WHERE p.journal_id = r.id AND p.src = 'held')
UNION ALL
SELECT s.id FROM loyalty_journal s JOIN loyalty_journal r ON r.ref_id = s.id AND r.kind = 'refund'
WHERE s.wallet_id = ANY(%(members)s::uuid[]) GROUP BY s.id HAVING sum(r.amount) > s.amount
"""
# Invariant 13: the matrix, straight from the postings.
CLEARING = """
SELECT l.issuer_id, p.acceptor_id,
       sum(CASE WHEN p.dst = 'spent' THEN p.amount ELSE -p.amount END)::bigint
FROM loyalty_lot l JOIN loyalty_posting p ON p.lot_id = l.id
WHERE l.wallet_id = ANY(%(members)s::uuid[]) AND p.acceptor_id IS NOT NULL GROUP BY 1, 2
"""
# Lots with their dates: what a spending and its return leave alone.
WHOLE_LOTS = """
SELECT id, wallet_id, issuer_id, amount, pending, available, held, spent, expired, revoked, clawed,
       rate_bp, activates_at, expires_at
FROM loyalty_lot WHERE wallet_id = ANY(%(members)s::uuid[]) ORDER BY id
"""
# Invariant 19: words that stand in the ledger about the two.
WORDS = """
SELECT string_agg(concat_ws(' ', j.scope, j.key, j.rule), ' ') FROM loyalty_journal j
WHERE j.wallet_id = ANY(%(members)s::uuid[])
"""
money = st.integers(min_value=0, max_value=500_000).map(from_kopecks)
who = st.integers(0, 1)
bonuses = st.integers(min_value=1, max_value=30_000).map(from_kopecks)


class Ledger(RuleBasedStateMachine):
    """Two members with everything that may happen to their wallets and tiers."""

    purchases = Bundle("purchases")
    holds = Bundle("holds")
    spendings = Bundle("spendings")

    steps = 0  # of all histories of this process

    @initialize(start=st.sampled_from(STARTS))
    def begin(self, start: datetime) -> None:
        self.block = transaction.atomic()
        self.block.__enter__()
        self.start = self.at = start
        self.step = 0
        for position, (_rate, threshold, _least) in LADDER.items():
            StatusTier.objects.filter(position=position).update(threshold=from_kopecks(threshold))
        self.people = [UserFactory(joined_at=start), UserFactory(joined_at=start)]
        self.ids = [person.pk for person in self.people]
        self.models = [Model(), Model()]
        self.admins = [UserFactory(job="admin"), UserFactory(job="admin")]
        self.businesses = [BusinessFactory(), BusinessFactory(pending_days=14), BusinessFactory()]
        self.open_holds: list[dict] = []
        self.network = network()

    def teardown(self) -> None:
        """The whole audit and the clearing of everything, once a history."""
        if not hasattr(self, "block"):
            return
        try:
            if sys.exc_info()[0] is None:
                self.ends_cleared()
        finally:
            transaction.set_rollback(True)
            self.block.__exit__(None, None, None)

    def ends_cleared(self) -> None:
        assert queries.ledger_faults() == {}
        told = self.told_clearing()
        for at in (self.at, self.at + timedelta(days=62)):
            month = rules.month_before(at)
            statements = [services.close_month(month=month, by=None, at=at) for _ in range(2)]
            assert statements[0] == statements[1]
            matrix = settlement_queries.matrix_of(month, at=at)
            assert sum(net.net for net in matrix.nets) == 0
        closed: Counter[tuple[UUID, UUID]] = Counter()
        for line in StatementLine.objects.all():
            assert line.amount == line.bonuses  # one for one
            closed[line.debtor_id, line.creditor_id] += line.bonuses
        assert without_zeros(closed) == without_zeros(told)
        assert settlement_queries.reckon_open(until=LATEST) == []
        assert queries.ledger_faults() == {}
        words = rows(WORDS, self.ids)[0][0] or ""
        for person in self.people:
            assert person.phone[2:] not in words
            assert person.first_name not in words

    def told_clearing(self) -> Counter[tuple[UUID, UUID]]:
        told: Counter[tuple[UUID, UUID]] = Counter()
        for model in self.models:
            for pair, amount in model.clearing.items():
                told[pair] += amount
        return told

    def key(self) -> str:
        self.step += 1
        return f"step{self.step}"

    @rule(target=purchases, who=who, paid=money, place=st.integers(0, 2), ago=st.integers(0, 20))
    def earn(self, who: int, paid: Decimal, place: int, ago: int) -> tuple:
        member, model = self.people[who], self.models[who]
        business, occurred = self.businesses[place], self.at - timedelta(days=ago)
        key = self.key()
        for _ in range(2):  # a replay changes nothing
            posted = services.earn_for_purchase(
                member=member, business=business, paid=paid, key=key,
                occurred_at=occurred, posted_at=self.at,
            )  # fmt: skip
        lot = model.earn(
            business.pk,
            to_kopecks(paid),
            model.tiers.rate_at(occurred),  # however late: the tier of that day
            occurred,
            self.at,
            business.pending_days,
        )
        payment = ModelPayment(occurred, business.pk, to_kopecks(paid))
        model.tiers.payments.append(payment)
        facts = {"paid": paid, "returned": Decimal(0), "taken": 0, "payment": payment}
        return who, posted.journal_id, lot, facts

    @rule(target=spendings, who=who, amount=bonuses, place=st.integers(0, 2))
    def spend(self, who: int, amount: Decimal, place: int) -> object:
        business = self.businesses[place]
        taken = self.models[who].take(business.pk, to_kopecks(amount), "spent", self.at)
        try:
            with transaction.atomic():
                posted = services.spend_bonus(
                    member=self.people[who], business=business, amount=amount, key=self.key(),
                    at=self.at,
                )  # fmt: skip
        except services.InsufficientBonus:
            assert taken is None
            return multiple()
        assert taken is not None
        return who, posted.journal_id, taken

    @rule(target=holds, who=who, amount=bonuses, place=st.integers(0, 2))
    def hold(self, who: int, amount: Decimal, place: int) -> object:
        business = self.businesses[place]
        taken = self.models[who].take(business.pk, to_kopecks(amount), "held", self.at)
        try:
            with transaction.atomic():
                hold = services.hold_bonus(
                    member=self.people[who], business=business, amount=amount, key=self.key(),
                    at=self.at,
                )  # fmt: skip
        except services.InsufficientBonus:
            assert taken is None
            return multiple()
        assert taken is not None
        made = {"hold": hold, "amount": amount, "taken": taken, "who": who, "open": True}
        self.open_holds.append(made)
        return made

    def resolved(self, hold: dict, used: int) -> Taking:
        hold["open"] = False
        self.open_holds.remove(hold)
        return self.models[hold["who"]].resolve(hold["taken"], used, self.at)

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
        return hold["who"], posted.journal_id, self.resolved(hold, to_kopecks(amount))

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
            self.resolved(hold, 0)

    @rule(spending=spendings, amount=bonuses)
    def refund(self, spending: tuple, amount: Decimal) -> None:
        who, journal_id, taken = spending
        assert isinstance(taken, Taking)
        done = self.models[who].refund(taken, to_kopecks(amount), self.at)
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
        who, journal_id, lot, facts = purchase
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
        facts["payment"].returns.append((self.at, to_kopecks(returned)))
        assert isinstance(lot, ModelLot | None)
        if lot and posted.amount:
            self.models[who].claw(lot, to_kopecks(posted.amount), self.at)
        if facts["returned"] == facts["paid"]:  # any split of a full return takes all of it
            assert facts["taken"] == (sum(lot.boxes.values()) if lot else 0)

    @rule(who=who, amount=bonuses)
    def gift(self, who: int, amount: Decimal) -> None:
        key, (sender, receiver) = self.key(), (self.people[who], self.people[1 - who])
        refused = self.models[who].give(self.models[1 - who], to_kopecks(amount), self.at)
        try:
            for _ in range(2):  # a replay changes nothing
                with transaction.atomic():
                    services.give(
                        sender=sender, receiver=receiver, amount=amount, key=key, at=self.at
                    )
        except services.GiverInDebt:
            assert refused == "debt"
        except services.GiftOverLimit:
            assert refused == "limit"
        except services.InsufficientBonus:
            assert refused == "insufficient"
        else:
            assert refused == ""

    @rule(who=who, amount=bonuses, sign=st.sampled_from([1, 1, -1]))
    def adjust(self, who: int, amount: Decimal, sign: int) -> None:
        asker, other = self.admins
        try:
            with transaction.atomic():
                row = services.adjust_balance(
                    member=self.people[who], amount=amount * sign, reason="сверка по жалобе",
                    by=asker, key=self.key(), at=self.at,
                )  # fmt: skip
                if row.state == AdjustmentState.WAITING:  # she did 5 000 alone today
                    services.decide_adjustment(
                        adjustment_id=row.pk, is_confirmed=True, by=other, at=self.at
                    )
        except services.InsufficientBonus:
            done = False
        else:
            done = True
        kopecks = to_kopecks(amount) * sign
        assert self.models[who].adjust(self.network.pk, kopecks, self.at) is done

    @precondition(lambda self: self.step % 7 == 0)
    @rule(who=who)
    def close(self, who: int) -> None:
        """As at an erasure; what comes later is closed again."""
        for _ in range(2):
            services.close_wallet(member_id=self.people[who].pk, at=self.at)
        for hold in [one for one in self.open_holds if one["who"] == who]:
            self.resolved(hold, 0)
        self.models[who].close(self.at)

    @rule(hours=st.sampled_from([0, 1, 5, 24, 24 * 13, 24 * 31, 24 * 80, 24 * 300]))
    def time_passes(self, hours: int) -> None:
        self.at += timedelta(hours=hours)

    @rule()
    def night(self) -> None:
        for _ in range(2):  # twice equals once
            services.time_out_holds(at=self.at)
            services.wake_due(at=self.at)
            services.expire_due(at=self.at)
        for hold in [one for one in self.open_holds if one["hold"].expires_at <= self.at]:
            self.resolved(hold, 0)
        for model in self.models:
            model.wake(self.at)
            model.expire(self.at)

    @rule()
    def month_ends(self) -> None:
        """Everything of the months before is cleared; the rest waits."""
        services.close_month(month=rules.month_before(self.at), by=None, at=self.at)

    @rule(who=who, just_before=st.booleans())
    def edge(self, who: int, just_before: bool) -> None:
        """To the microsecond at which the next lot wakes or lapses, or to the one before."""
        moments = [
            moment
            for lot in self.models[who].lots
            for moment in (lot.activates_at, lot.expires_at)
            if moment > self.at
        ]
        if moments:
            self.at = min(moments) - timedelta(microseconds=just_before)

    @rule(by_night=st.booleans())
    def evaluate(self, by_night: bool) -> None:
        """At an event or by the clock: one answer (invariant 15), told by the model too."""
        for _ in range(2):  # twice equals once
            if by_night:
                services.move_tiers(at=self.at)
            else:
                for member in self.people:
                    services.update_status_tier(member, at=self.at)
        for n, member in enumerate(self.people):
            self.models[n].tiers.evaluate(self.at, self.start)
            self.people[n] = User.objects.select_related("tier").get(pk=member.pk)
            assert self.people[n].tier.position == self.models[n].tiers.position

    @rule(who=who, paid=money, place=st.integers(0, 2))
    def a_purchase_never_lowers(self, who: int, paid: Decimal, place: int) -> None:
        """Invariant 15, tried and taken back."""
        without = self.tried(who)
        with_it = self.tried(
            who,
            lambda: services.earn_for_purchase(
                member=self.people[who], business=self.businesses[place], paid=paid,
                key="tried", occurred_at=self.at, posted_at=self.at,
            ),
        )  # fmt: skip
        assert with_it >= without

    @rule(purchase=purchases)
    def a_return_never_raises(self, purchase: tuple) -> None:
        who, journal_id, _lot, facts = purchase
        left = facts["paid"] - facts["returned"]
        if left:
            without = self.tried(who)
            with_it = self.tried(
                who,
                lambda: services.claw_back(
                    journal_id=journal_id, returned=left, key="tried", at=self.at
                ),
            )
            assert with_it <= without

    @rule(who=who, amount=bonuses)
    def spent_and_given_back_is_nothing(self, who: int, amount: Decimal) -> None:
        """Invariant 4, dates included, tried and taken back."""
        before = rows(WHOLE_LOTS, self.ids)
        with transaction.atomic():
            with contextlib.suppress(services.InsufficientBonus), transaction.atomic():
                posted = services.spend_bonus(
                    member=self.people[who], business=self.businesses[0], amount=amount,
                    key="tried", at=self.at,
                )  # fmt: skip
                services.refund_spend(
                    journal_id=posted.journal_id, amount=amount, key="tried", at=self.at
                )
            assert rows(WHOLE_LOTS, self.ids) == before
            transaction.set_rollback(True)

    def tried(self, who: int, act: Callable[[], object] = lambda: None) -> int:
        """The tier after something that is undone at once."""
        with transaction.atomic():
            act()
            member = User.objects.select_related("tier").get(pk=self.people[who].pk)
            position = services.update_status_tier(member, at=self.at).position
            transaction.set_rollback(True)
        return position

    @invariant()
    def books_agree(self) -> None:
        if not hasattr(self, "models"):
            return
        Ledger.steps += 1
        found: dict[UUID, list[dict[str, int]]] = {pk: [] for pk in self.ids}
        for pk, *numbers in rows(LOTS, self.ids):
            boxes, (amount, clawed), fold = numbers[:6], numbers[6:8], numbers[8:]
            assert min(boxes) >= 0
            assert sum(boxes) == amount >= clawed
            assert boxes == fold
            found[pk].append(dict(zip(BOXES, boxes, strict=True)))
        wallets = {pk: sums for pk, *sums in rows(WALLETS, self.ids)}
        for pk, model in zip(self.ids, self.models, strict=True):
            assert found[pk] == [lot.boxes for lot in model.lots]
            *totals, debt, owed = wallets.get(pk, [0] * 5)
            assert totals == [model.total(box) for box in BOXES[:3]]
            assert debt == owed == model.owed()
            live = sum(lot.boxes["available"] for lot in model.spendable(self.at))
            assert queries.balance_of(pk, at=self.at).available == from_kopecks(live)
        clearing = {
            (issuer, acceptor): total for issuer, acceptor, total in rows(CLEARING, self.ids)
        }
        assert without_zeros(clearing) == without_zeros(self.told_clearing())
        assert rows(LATE, self.ids) == rows(TORN, self.ids) == []


def rows(statement: str, members: list[UUID]) -> list[tuple]:
    with connection.cursor() as cursor:
        cursor.execute(statement, {"members": members})
        return list(cursor.fetchall())


def without_zeros(sums: Mapping[tuple[UUID, UUID], int]) -> dict[tuple[UUID, UUID], int]:
    return {pair: amount for pair, amount in sums.items() if amount}


def run(least: int, *, long: int) -> None:
    """Histories of up to `long` steps, until there are at least so many steps."""
    before = Ledger.steps
    while Ledger.steps - before < least:
        run_state_machine_as_test(
            Ledger,
            settings=settings(
                max_examples=20,
                stateful_step_count=long,
                deadline=None,
                suppress_health_check=list(HealthCheck),
                print_blob=True,
            ),
        )


@pytest.mark.django_db
def test_short_histories_agree_with_the_model():
    run(250, long=40)


@pytest.mark.slow
@pytest.mark.django_db
def test_long_histories_agree_with_the_model():
    run(20_000, long=60)
