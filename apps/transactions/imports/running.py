"""One file into one business: read, write in batches, report what was refused."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal

from django.utils import timezone

from apps.businesses.models import Business
from apps.transactions.imports.reading import PurchaseFile
from apps.transactions.imports.report import Report
from apps.transactions.imports.rows import Fault, Purchase, RowReader
from apps.transactions.imports.writing import write_batch

BATCH = 2000  # rows per transaction
Progress = Callable[[int, int], None]  # bytes read, rows read


@dataclass
class Tally:
    """Rows read, sales added and their sum, rows that were there already, rows refused."""

    read: int = 0
    added: int = 0
    known: int = 0
    refused: int = 0
    total: Decimal = Decimal("0.00")


@dataclass
class Batch:
    """Consecutive rows of the file: readable ones, faults of the others, and where they end."""

    purchases: list[Purchase] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    spoiled: int = 0
    end: int = 0

    @property
    def rows(self) -> int:
        return len(self.purchases) + self.spoiled


def batches(file: PurchaseFile, business: Business, *, size: int) -> Iterator[Batch]:
    """The file in parts of `size` rows, in its order."""
    reader = RowReader(
        columns=file.columns, zone=business.zone, limit=business.max_sale, now=timezone.now()
    )
    batch = Batch()
    for line in file.lines():
        row = reader.read(line)
        batch.end = line.end
        if isinstance(row, Purchase):
            batch.purchases.append(row)
        elif row:
            batch.faults += row
            batch.spoiled += 1
        if batch.rows == size:
            yield batch
            batch = Batch()
    if batch.rows:
        yield batch


def import_file(
    *,
    file: PurchaseFile,
    business: Business,
    report: Report,
    tally: Tally,
    progress: Progress,
    size: int = BATCH,
) -> None:
    """Record every row that is not there yet, adding up in `tally`.

    Killed at any moment it leaves whole batches; the next run finds them and goes on.
    """
    for batch in batches(file, business, size=size):
        outcome = write_batch(business=business, purchases=batch.purchases)
        report.add(sorted([*batch.faults, *outcome.faults], key=lambda fault: fault.line))
        tally.read += batch.rows
        tally.added += outcome.added
        tally.total += outcome.total
        tally.known += outcome.known
        tally.refused += batch.spoiled + len(outcome.faults)
        progress(batch.end, tally.read)
