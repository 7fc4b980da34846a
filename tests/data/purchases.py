"""Files of purchases for the importer, written row by row."""

from collections.abc import Iterable, Sequence
from pathlib import Path

HEADER = "phone,occurred_at,amount,receipt_number"


def write_csv(path: Path, rows: Iterable[str], *, header: str = HEADER) -> Path:
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return path


def made_up(count: int, *, people: int = 40) -> Sequence[str]:
    """Rows with every sum and person of their own shape: repeats, zero sums, two formats."""
    return [
        f"+7900{2_000_000 + n % people},2025-{n % 12 + 1:02}-{n % 28 + 1:02},"
        f"{(n * 37 % 5000)}.{n % 100:02},R-{n}"
        for n in range(count)
    ]
