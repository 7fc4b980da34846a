"""Purchases straight into the engine, for tests of what is reckoned from them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from uuid import UUID

from apps.core import clickhouse
from tests.data import cdnow

SHOP = UUID(int=7)
COLUMNS = ("transaction_id", "sale_id", "business_id", "member", "kind", "category", "source")
COLUMNS += ("amount", "to_pay", "bonus_accrued", "bonus_spent", "purchased_at", "local_day")
COLUMNS += ("local_hour", "local_weekday", "closes", "version")


@dataclass(frozen=True)
class Bought:
    """A row of facts; `of` makes it a return of that sale, `closes` of all that was left."""

    number: int
    member: int
    day: date
    money: Decimal = Decimal("100.00")
    shop: UUID = SHOP
    of: int | None = None
    closes: bool = False

    def row(self) -> list[object]:
        moment = datetime(self.day.year, self.day.month, self.day.day, 12, tzinfo=UTC)
        own, sale = UUID(int=self.number), UUID(int=self.of or self.number)
        kind = "refund" if self.of else "purchase"
        return [own, sale, self.shop, UUID(int=self.member), kind, "salon", "import", self.money] + [
            self.money, Decimal(0), Decimal(0), moment, self.day, 12, self.day.isoweekday(),
            int(self.closes), self.number,
        ]  # fmt: skip


def put(rows: Iterable[Bought], *, token: str = "one") -> None:
    clickhouse.insert("transaction_facts", COLUMNS, [one.row() for one in rows], token=token)


def cdnow_master() -> list[Bought]:
    """All 69,659 purchases that the sample was drawn from. Raises cdnow.Unobtainable."""
    cdnow.FOLDER.mkdir(parents=True, exist_ok=True)
    rows = []
    for number, line in enumerate(cdnow.master(cdnow.FOLDER).splitlines()[1:], start=1):
        customer, day, _count, dollars = line.split()
        moment = date(int(day[:4]), int(day[4:6]), int(day[6:]))
        rows.append(Bought(number, int(customer), moment, Decimal(dollars)))
    return rows


def cdnow_sample() -> list[Bought]:
    """The published sample. Raises cdnow.Unobtainable."""
    rows = []
    cdnow.FOLDER.mkdir(parents=True, exist_ok=True)
    for number, line in enumerate(cdnow._sample(cdnow.FOLDER).splitlines(), start=1):
        _master, sample, day, _count, dollars = line.split()
        moment = date(int(day[:4]), int(day[4:6]), int(day[6:]))
        rows.append(Bought(number, int(sample), moment, Decimal(dollars)))
    return rows
