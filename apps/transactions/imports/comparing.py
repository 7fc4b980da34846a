"""The same file against the three stores: sales, ledger, ClickHouse. Nothing is written."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from apps.analytics.queries import facts_of
from apps.businesses.models import Business
from apps.loyalty.queries import paid_for
from apps.transactions.imports.reading import PurchaseFile
from apps.transactions.imports.rows import Purchase
from apps.transactions.imports.running import Progress, batches
from apps.transactions.models import Transaction

BATCH = 2000  # ids in one statement to ClickHouse
NAMED = 10  # lines named in the answer


@dataclass
class Sums:
    """How many purchases and how much, ₽."""

    count: int = 0
    total: Decimal = Decimal("0.00")

    def add(self, count: int, total: Decimal) -> None:
        self.count += count
        self.total += total


@dataclass
class Comparison:
    """The file and the three stores; rows that could not be compared; lines of purchases that
    PostgreSQL lacks or has with another sum (the first ten)."""

    file: Sums = field(default_factory=Sums)
    sales: Sums = field(default_factory=Sums)
    ledger: Sums = field(default_factory=Sums)
    facts: Sums = field(default_factory=Sums)
    spoiled: int = 0
    repeated: int = 0
    differing: list[int] = field(default_factory=list)

    @property
    def agrees(self) -> bool:
        return not self.differing and self.file == self.sales == self.ledger == self.facts


def compare_file(*, file: PurchaseFile, business: Business, progress: Progress) -> Comparison:
    """Look every purchase of the file up by its key. Raises clickhouse.Unavailable."""
    result = Comparison()
    met: set[bytes] = set()
    rows = 0
    for batch in batches(file, business, size=BATCH):
        result.spoiled += batch.spoiled
        fresh = [one for one in batch.purchases if _is_first(one, met)]
        result.repeated += len(batch.purchases) - len(fresh)
        _look_up(business, fresh, result)
        rows += batch.rows
        progress(batch.end, rows)
    return result


def _is_first(purchase: Purchase, met: set[bytes]) -> bool:
    digest = hashlib.blake2b(purchase.key.encode(), digest_size=12).digest()
    if digest in met:
        return False
    met.add(digest)
    return True


def _look_up(business: Business, purchases: Sequence[Purchase], result: Comparison) -> None:
    rows = Transaction.objects.filter(
        business=business, key__in={key for purchase in purchases for key in purchase.keys}
    ).values_list("key", "id", "amount")
    found = {key: (pk, amount) for key, pk, amount in rows}
    for purchase in purchases:
        result.file.add(1, purchase.amount)
        amount = next((found[key][1] for key in purchase.keys if key in found), None)
        if amount != purchase.amount and len(result.differing) < NAMED:
            result.differing.append(purchase.line)
    if found:
        ids = [pk for pk, _amount in found.values()]
        result.sales.add(len(ids), sum((amount for _pk, amount in found.values()), Decimal(0)))
        result.ledger.add(*paid_for(ids))
        result.facts.add(*facts_of(business=business, sale_ids=ids))
