"""Guests and sales of five made-up systems, and what happens to them."""

import json
import os
import random
import threading
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

NAMES = ("Анна", "Мария", "Елена", "Ольга", "Дарья", "Вера", "Нина", "Юлия", "Алина", "Кира")
SURNAMES = ("Тестова", "Иванова", "Петрова", "Орлова", "Зимина", "Лаврова", "Белова", "Котова")
PRICES = {
    "yclients": (900, 12000, 50),
    "iiko": (450, 9000, 10),
    "onec": (390, 14000, 10),
    "onec2": (300, 6000, 10),
    "amocrm": (1500, 60000, 100),
    "renovatio": (700, 16000, 50),
}


@dataclass
class Guest:
    """`phone` E.164; empty for one who never gave it."""

    id: int
    phone: str
    first_name: str
    last_name: str
    birth_date: str = "1990-05-01"


@dataclass
class Refund:
    id: int
    amount: Decimal
    at: datetime


@dataclass
class Sale:
    """`state`: live, cancelled (still listed as such) or deleted (listed no more)."""

    id: int
    system: str
    guest: int | None
    amount: Decimal
    at: datetime
    changed_at: datetime
    version: int = 1
    state: str = "live"
    refunds: list[Refund] = field(default_factory=list)

    @property
    def net(self) -> Decimal:
        if self.state != "live":
            return Decimal(0)
        return max(self.amount - sum(one.amount for one in self.refunds), Decimal(0))


Heard = Callable[[str, "Sale"], None]


class World:
    """Everything that happened; all systems read it, one lock guards it. `heard` is told of each
    change: what happened (`create`, `update`, `delete`) and to which sale."""

    def __init__(self, *, seed: int = 7, guests: Sequence[Guest] = (), state: Path | None = None):
        self.lock = threading.RLock()
        self.dice = random.Random(seed)  # noqa: S311 - a made-up world, not a secret
        self.guests: dict[int, Guest] = {one.id: one for one in guests}
        self.sales: dict[int, Sale] = {}
        self.secrets: dict[str, Any] = {}
        self.listeners: list[Heard] = []
        self.notes: list[dict[str, Any]] = []  # what was written back
        self.next_id = 1000
        self.state = state
        if state and state.exists():
            self._load(state)

    # --- making ---
    def new_id(self) -> int:
        self.next_id += 1
        return self.next_id

    def add_guest(self, phone: str = "", **names: str) -> Guest:
        with self.lock:
            number = self.new_id()
            guest = Guest(
                number,
                phone,
                names.get("first_name") or self.dice.choice(NAMES),
                names.get("last_name") or self.dice.choice(SURNAMES),
                names.get("birth_date", "1990-05-01"),
            )
            self.guests[number] = guest
            return guest

    def sell(
        self,
        system: str,
        guest: Guest | None,
        amount: Decimal | int | str | None = None,
        at: datetime | None = None,
    ) -> Sale:
        with self.lock:
            now = datetime.now(UTC)
            if amount is None:
                least, most, step = PRICES[system]
                amount = self.dice.randrange(least, most, step)
            number, moment = self.new_id(), (at or now).replace(microsecond=0)
            sale = Sale(
                number,
                system,
                guest.id if guest else None,
                Decimal(amount).quantize(Decimal("0.01")),
                moment,
                max(moment, now.replace(microsecond=0)) if at is None else moment,
            )
            self.sales[number] = sale
        self._tell("create", sale)
        return sale

    # --- what happens to a sale ---
    def edit(self, sale: Sale, amount: Decimal | int | str) -> None:
        with self.lock:
            sale.amount = Decimal(amount).quantize(Decimal("0.01"))
            self._touch(sale)
        self._tell("update", sale)

    def cancel(self, sale: Sale) -> None:
        with self.lock:
            sale.state = "cancelled"
            self._touch(sale)
        self._tell("update", sale)

    def delete(self, sale: Sale) -> None:
        with self.lock:
            sale.state = "deleted"
            self._touch(sale)
        self._tell("delete", sale)

    def restore(self, sale: Sale) -> None:
        with self.lock:
            sale.state = "live"
            self._touch(sale)
        self._tell("update", sale)

    def refund(self, sale: Sale, amount: Decimal | int | str, at: datetime | None = None) -> None:
        with self.lock:
            moment = (at or datetime.now(UTC)).replace(microsecond=0)
            given = Decimal(amount).quantize(Decimal("0.01"))
            sale.refunds.append(Refund(self.new_id(), given, moment))
            self._touch(sale)
        self._tell("update", sale)

    def _touch(self, sale: Sale) -> None:
        sale.version += 1
        now = datetime.now(UTC).replace(microsecond=0)
        sale.changed_at = max(now, sale.changed_at + timedelta(seconds=1))

    def _tell(self, what: str, sale: Sale) -> None:
        for listener in list(self.listeners):
            listener(what, sale)
        self.save()

    # --- reading ---
    def of(self, system: str) -> list[Sale]:
        with self.lock:
            return [sale for sale in self.sales.values() if sale.system == system]

    def guest(self, number: int | None) -> Guest | None:
        return self.guests.get(number) if number is not None else None

    def truth(self, system: str) -> dict[str, Decimal]:
        """What a ledger must come to: net money by phone, guests without one left out."""
        sums: dict[str, Decimal] = defaultdict(Decimal)
        for sale in self.of(system):
            guest = self.guest(sale.guest)
            if guest and guest.phone and sale.net:
                sums[guest.phone] += sale.net
        return dict(sums)

    # --- keeping ---
    def save(self) -> None:
        if self.state is None:
            return
        with self.lock:
            whole = {
                "next_id": self.next_id,
                "guests": [asdict(one) for one in self.guests.values()],
                "sales": [asdict(one) for one in self.sales.values()],
                "secrets": self.secrets,
            }
            draft = self.state.with_suffix(".tmp")
            draft.write_text(json.dumps(whole, default=str, ensure_ascii=False))
            os.replace(draft, self.state)

    def _load(self, file: Path) -> None:
        whole = json.loads(file.read_text())
        self.next_id = whole["next_id"]
        self.secrets = whole["secrets"]
        self.guests |= {one["id"]: Guest(**one) for one in whole["guests"]}
        self.sales = {one["id"]: _sale(one) for one in whole["sales"]}


def _sale(row: dict[str, Any]) -> Sale:
    refunds = [
        Refund(one["id"], Decimal(one["amount"]), datetime.fromisoformat(one["at"]))
        for one in row.pop("refunds")
    ]
    times = {name: datetime.fromisoformat(row.pop(name)) for name in ("at", "changed_at")}
    return Sale(**row | times | {"amount": Decimal(row["amount"])}, refunds=refunds)
