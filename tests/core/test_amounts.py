"""What people type as a sum, line by line: `tests/data/amounts.tsv` holds the text (`\\uXXXX`,
`\\t`, `\\n`, `\\r`, `\\\\` stand for signs that cannot be seen) and what it means, `-` for refused."""

import re
from pathlib import Path

from apps.core.money import AmountInvalid, parse_amount

TABLE = Path(__file__).parents[1] / "data" / "amounts.tsv"
NAMED = {"t": "\t", "n": "\n", "r": "\r", "\\": "\\"}


def shown(text: str) -> str:
    return re.sub(
        r"\\(?:u([0-9a-f]{4})|([tnr\\]))",
        lambda found: chr(int(found[1], 16)) if found[1] else NAMED[found[2]],
        text,
    )


LINES = [line.split("\t") for line in TABLE.read_text(encoding="utf-8").splitlines()]


def test_the_table_is_long_and_has_both_kinds() -> None:
    refused = sum(meaning == "-" for _text, meaning in LINES)

    assert len(LINES) >= 300
    assert 100 < refused < len(LINES) - 100
    assert len({text for text, _meaning in LINES}) == len(LINES)


def test_every_line_is_read_as_it_says() -> None:
    """One test for all lines: the wrong ones are listed together."""
    wrong = {text: said for text, meaning in LINES if (said := read(shown(text))) != meaning}

    assert wrong == {}


def read(text: str) -> str:
    try:
        return f"{parse_amount(text):.2f}"
    except AmountInvalid:
        return "-"
