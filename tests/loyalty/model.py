"""A small reference model of the ledger, in plain Python, against which histories are checked.

Written for clarity, not speed: every lot is a dictionary of boxes, every operation a loop.
"""

from dataclasses import dataclass, field
from datetime import datetime

from apps.core.money import from_kopecks, to_kopecks
from apps.loyalty import rules

BOXES = ("pending", "available", "held", "spent", "expired", "revoked")


@dataclass
class ModelLot:
    issuer: str
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
    creditor: str
    amount: int
    repaid: int = 0


@dataclass
class Taking:
    """Parts taken by one spending, hold or capture: (lot, amount) in the order they were taken."""

    business: str
    parts: list[tuple[ModelLot, int]]
    returned: dict[int, int] = field(default_factory=dict)


class Model:
    """One member."""

    def __init__(self) -> None:
        self.lots: list[ModelLot] = []
        self.debts: list[ModelDebt] = []
        self.clearing: dict[tuple[str, str], int] = {}

    def total(self, box: str) -> int:
        return sum(lot.boxes[box] for lot in self.lots)

    def owed(self) -> int:
        return sum(debt.amount - debt.repaid for debt in self.debts)

    def spendable(self, at: datetime) -> list[ModelLot]:
        live = [lot for lot in self.lots if lot.boxes["available"] and lot.expires_at > at]
        return sorted(live, key=lambda lot: (lot.expires_at, lot.order))

    def clear(self, issuer: str, acceptor: str, amount: int) -> None:
        pair = (issuer, acceptor)
        self.clearing[pair] = self.clearing.get(pair, 0) + amount

    def earn(
        self,
        business: str,
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

    def take(self, business: str, amount: int, box: str, at: datetime) -> Taking | None:
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
