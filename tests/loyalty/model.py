"""A small reference model of the ledger, in plain Python, against which histories are checked.

Written for clarity, not speed: every lot is a dictionary of boxes, every operation a loop.
"""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from apps.core.money import from_kopecks, to_kopecks
from apps.loyalty import rules

BOXES = ("pending", "available", "held", "spent", "expired", "revoked")


@dataclass
class ModelLot:
    issuer: UUID
    activates_at: datetime
    expires_at: datetime
    boxes: dict[str, int]
    order: int
    clawed: int = 0
    forgiven: int = 0

    def move(self, src: str, dst: str, amount: int) -> None:
        assert 0 < amount <= self.boxes[src], (src, dst, amount, self.boxes)
        self.boxes[src] -= amount
        self.boxes[dst] += amount


@dataclass
class ModelDebt:
    creditor: UUID
    amount: int
    repaid: int = 0


@dataclass
class Taking:
    """Parts taken by one spending, hold or capture: (lot, amount) in the order they were taken."""

    business: UUID
    parts: list[tuple[ModelLot, int]]
    returned: dict[int, int] = field(default_factory=dict)


class Model:
    """One member."""

    def __init__(self) -> None:
        self.tiers = ModelTiers()
        self.given: dict[date, int] = {}
        self.lots: list[ModelLot] = []
        self.debts: list[ModelDebt] = []
        self.clearing: dict[tuple[UUID, UUID], int] = {}

    def total(self, box: str) -> int:
        return sum(lot.boxes[box] for lot in self.lots)

    def owed(self) -> int:
        return sum(debt.amount - debt.repaid for debt in self.debts)

    def spendable(self, at: datetime) -> list[ModelLot]:
        live = [lot for lot in self.lots if lot.boxes["available"] and lot.expires_at > at]
        return sorted(live, key=lambda lot: (lot.expires_at, lot.order))

    def clear(self, issuer: UUID, acceptor: UUID, amount: int) -> None:
        pair = (issuer, acceptor)
        self.clearing[pair] = self.clearing.get(pair, 0) + amount

    def earn(
        self,
        business: UUID,
        paid: int,
        rate_bp: int,
        occurred_at: datetime,
        now: datetime,
        days: int,
    ) -> ModelLot | None:
        amount = to_kopecks(rules.accrual(paid=from_kopecks(paid), rate_bp=rate_bp))
        if not amount:
            return None
        activates_at = rules.activation(occurred_at=occurred_at, pending_days=days)
        lot = ModelLot(
            business,
            activates_at,
            rules.expiry(activates_at=activates_at),
            dict.fromkeys(BOXES, 0) | {"pending": amount},
            len(self.lots),
        )
        self.lots.append(lot)
        if activates_at <= now:
            lot.move("pending", "available", amount)
        if self.owed():
            self.repay(now)
        return lot

    def take(self, business: UUID, amount: int, box: str, at: datetime) -> Taking | None:
        live = self.spendable(at)
        if sum(lot.boxes["available"] for lot in live) < amount:
            return None
        parts = []
        for lot in live:
            part = min(amount, lot.boxes["available"])
            if part:
                lot.move("available", box, part)
                parts.append((lot, part))
                amount -= part
                if box == "spent":
                    self.clear(lot.issuer, business, part)
        return Taking(business, parts)

    def resolve(self, hold: Taking, used: int, at: datetime) -> Taking:
        spent = []
        released = False
        for lot, part in hold.parts:
            now_used = min(used, part)
            used -= now_used
            if now_used:
                lot.move("held", "spent", now_used)
                self.clear(lot.issuer, hold.business, now_used)
                spent.append((lot, now_used))
            if part > now_used:
                released = True
                box = "available" if lot.expires_at > at else "expired"
                lot.move("held", box, part - now_used)
        if released and self.owed():
            self.repay(at)
        return Taking(hold.business, spent)

    def refund(self, spent: Taking, amount: int, at: datetime) -> bool:
        left: dict[int, tuple[ModelLot, int]] = {}
        for lot, part in spent.parts:
            before = left.get(lot.order, (lot, 0))[1]
            left[lot.order] = (lot, before + part)
        rows = [(lot, n - spent.returned.get(lot.order, 0)) for lot, n in left.values()]
        if amount > sum(n for _lot, n in rows):
            return False
        for lot, n in sorted(rows, key=lambda row: (row[0].expires_at, row[0].order), reverse=True):
            part = min(amount, n)
            if part:
                lot.move("spent", "available" if lot.expires_at > at else "expired", part)
                self.clear(lot.issuer, spent.business, -part)
                spent.returned[lot.order] = spent.returned.get(lot.order, 0) + part
                amount -= part
        if self.owed():
            self.repay(at)
        return True

    def claw(self, lot: ModelLot, amount: int, at: datetime) -> None:
        for box in ("pending", "available"):
            part = min(amount, lot.boxes[box])
            if part:
                lot.move(box, "revoked", part)
                lot.clawed += part
                amount -= part
        forgiven = min(amount, lot.boxes["expired"] - lot.forgiven)
        lot.forgiven += forgiven
        amount -= forgiven
        if amount:
            lot.clawed += amount
            self.debts.append(ModelDebt(lot.issuer, amount))
            self.repay(at)

    def repay(self, at: datetime) -> None:
        for debt in self.debts:
            for lot in self.spendable(at):
                part = min(debt.amount - debt.repaid, lot.boxes["available"])
                if part:
                    lot.move("available", "spent", part)
                    self.clear(lot.issuer, debt.creditor, part)
                    debt.repaid += part

    def wake(self, at: datetime) -> None:
        woken = False
        for lot in self.lots:
            if lot.boxes["pending"] and lot.activates_at <= at:
                lot.move("pending", "available", lot.boxes["pending"])
                woken = True
        if woken and self.owed():
            self.repay(at)

    def expire(self, at: datetime) -> None:
        for lot in self.lots:
            if lot.boxes["available"] and lot.expires_at <= at:
                lot.move("available", "expired", lot.boxes["available"])

    def give(self, friend: "Model", amount: int, at: datetime) -> str:
        """ "" when given, else why not."""
        today = at.astimezone(MOSCOW).date()
        if self.owed():
            return "debt"
        if self.given.get(today, 0) + amount > 300_000:
            return "limit"
        live = self.spendable(at)
        if sum(lot.boxes["available"] for lot in live) < amount:
            return "insufficient"
        self.given[today] = self.given.get(today, 0) + amount
        for lot in live:
            part = min(amount, lot.boxes["available"])
            if part:
                lot.move("available", "revoked", part)
                amount -= part
                boxes = dict.fromkeys(BOXES, 0) | {"available": part}
                friend.lots.append(
                    ModelLot(lot.issuer, lot.activates_at, lot.expires_at, boxes, len(friend.lots))
                )
        if friend.owed():
            friend.repay(at)
        return ""

    def adjust(self, network: UUID, amount: int, at: datetime) -> bool:
        if amount > 0:
            boxes = dict.fromkeys(BOXES, 0) | {"available": amount}
            lapse = rules.expiry(activates_at=at)
            self.lots.append(ModelLot(network, at, lapse, boxes, len(self.lots)))
            if self.owed():
                self.repay(at)
            return True
        live, left = self.spendable(at), -amount
        if sum(lot.boxes["available"] for lot in live) < left:
            return False
        for lot in live:
            part = min(left, lot.boxes["available"])
            if part:
                lot.move("available", "revoked", part)
                left -= part
        return True

    def close(self, at: datetime) -> None:
        for lot in self.lots:
            if lot.boxes["pending"]:
                lot.move("pending", "revoked", lot.boxes["pending"])
            if lot.boxes["available"]:
                box = "revoked" if lot.expires_at > at else "expired"
                lot.move("available", box, lot.boxes["available"])


MOSCOW = ZoneInfo("Europe/Moscow")
DAY = timedelta(days=1)
# position: (rate, kopecks asked for, partners asked for)
LADDER = {1: (500, 0, 1), 2: (700, 300_000, 1), 3: (1000, 900_000, 2)}


@dataclass
class ModelPayment:
    at: datetime
    business: UUID
    paid: int
    returns: list[tuple[datetime, int]] = field(default_factory=list)


@dataclass
class ModelTiers:
    """Tiers told day by day, without any shortcut."""

    position: int = 1
    since: datetime | None = None
    moves: list[tuple[datetime, int]] = field(default_factory=list)
    payments: list[ModelPayment] = field(default_factory=list)

    def rate_at(self, moment: datetime) -> int:
        here = 1
        for at, position in self.moves:
            if at <= moment:
                here = position
        return LADDER[here][0]

    def has(self, position: int, day: date) -> bool:
        _rate, threshold, least = LADDER[position]
        left: list[tuple[UUID, int]] = []
        for payment in self.payments:
            if timedelta(0) <= day - payment.at.astimezone(MOSCOW).date() < 365 * DAY:
                back = sum(n for at, n in payment.returns if at.astimezone(MOSCOW).date() <= day)
                if payment.paid > back:
                    left.append((payment.business, payment.paid - back))
        return sum(n for _b, n in left) >= threshold and len({b for b, _n in left}) >= least

    def evaluate(self, at: datetime, joined: datetime) -> None:
        today = at.astimezone(MOSCOW).date()
        reached = max((one for one in LADDER if one > 1 and self.has(one, today)), default=1)
        if reached > self.position:
            self.move(reached, at)
        elif self.position > 1 and not self.has(self.position, today):
            start = (self.since or joined).astimezone(MOSCOW).date()
            short = 0
            day = today
            while day >= start and short <= 30 and not self.has(self.position, day):
                short += 1
                day -= DAY
            if short > 30:  # today is the 31st day without enough: 30 are over
                self.move(self.position - 1, at)

    def move(self, position: int, at: datetime) -> None:
        self.position, self.since = position, at
        self.moves.append((at, position))
