"""The tables of the proof name tests that exist; requirements are locked."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest
from django.conf import settings

from tests.faults.kinds import KINDS
from tests.proof.tables import DOWN, FOUND, OTHERS, THREATS, Row, fault

ROOT = Path(settings.BASE_DIR)


@cache
def names_in(file: str) -> set[str]:
    tree = ast.parse((ROOT / "tests" / file).read_text())
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize("row", [*THREATS, *DOWN, *OTHERS, *FOUND], ids=lambda row: row.name)
def test_every_named_test_exists(row: Row) -> None:
    assert row.tests
    for test in row.tests:
        file, _colons, name = test.partition("[")[0].partition("::")
        assert name in names_in(file), test
        if "[" in test:
            assert test in {fault(kind) for kind in KINDS}


def test_every_threat_has_a_row() -> None:
    assert [row.name for row in THREATS] == [f"T{number}" for number in range(1, 35)]


@pytest.mark.parametrize(
    "file", sorted((ROOT / "requirements").glob("*.txt")), ids=lambda f: f.name
)
def test_every_requirement_is_locked_with_hashes(file: Path) -> None:
    text = file.read_text().replace("\\\n", " ")
    wanted = [line for line in text.splitlines() if re.match(r"[a-z0-9]", line, re.IGNORECASE)]

    assert wanted
    assert [line for line in wanted if "==" not in line or "--hash=sha256:" not in line] == []
