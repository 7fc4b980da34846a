"""The documents say what the code reads, runs and schedules; nothing more, nothing less."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings

ROOT = Path(settings.BASE_DIR)
READERS = [ROOT / "svoykrug" / "settings.py", ROOT / "svoykrug" / "gunicorn.conf.py"]
OPERATIONS = ROOT / "docs" / "operations.md"
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
# What reads a variable by its name: env.str("NAME"), required("NAME"), os.environ.get("NAME") …
CALLS = re.compile(r"env(\.\w+)?|required|secret_bytes|os\.(environ\.\w+|getenv)")
NAME = re.compile(r"[A-Z][A-Z0-9_]+")
LINK = re.compile(r"\]\((?!https?://|#|mailto:)([^)#\s]+)")


def read_names(path: Path) -> Iterator[str]:
    """Names of environment variables that a Python file reads, in whatever way."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and CALLS.fullmatch(ast.unparse(node.func)) and node.args:
            name = node.args[0]
        elif isinstance(node, ast.Subscript) and ast.unparse(node.value) == "os.environ":
            name = node.slice
        elif isinstance(node, ast.Compare) and ast.unparse(node.comparators[0]) == "os.environ":
            name = node.left
        else:
            continue
        if isinstance(name, ast.Constant) and NAME.fullmatch(str(name.value)):
            yield str(name.value)


def section(title: str) -> str:
    """One section of operations.md, up to the next of the same height."""
    found = re.search(rf"^## {title}$(.*?)(?=^## |\Z)", OPERATIONS.read_text(), re.M | re.S)
    assert found, f"operations.md has no section «{title}»"
    return found[1]


def quoted(text: str) -> set[str]:
    return set(re.findall(r"`([^`\n]+)`", text))


def first_column(text: str) -> set[str]:
    return quoted("\n".join(row.split("|")[1] for row in text.splitlines() if row.startswith("|")))


@pytest.mark.parametrize("path", READERS, ids=lambda path: path.name)
def test_every_variable_is_documented(path: Path) -> None:
    names = set(read_names(path))

    assert names, "the reader of names finds nothing: it no longer understands the file"
    assert names - quoted(section("Environment")) == set()


def test_every_documented_variable_is_read() -> None:
    read = {name for path in READERS for name in read_names(path)}

    assert first_column(section("Environment")) - read == set()


def test_every_schedule_is_documented() -> None:
    assert first_column(section("Schedules")) == set(settings.CELERY_BEAT_SCHEDULE)


def test_every_command_of_ours_is_documented() -> None:
    ours = {path.stem for path in ROOT.glob("apps/*/management/commands/[a-z]*.py")}
    documented = {words.split()[0] for words in first_column(section("Commands"))}

    assert ours - documented == set()
    assert documented - ours == {"migrate"}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(document: Path) -> None:
    targets = [target for target in LINK.findall(document.read_text()) if "docs/img/" not in target]

    assert [target for target in targets if not (document.parent / target).exists()] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_lines_fit(document: Path) -> None:
    lines = document.read_text().splitlines()

    assert [n for n, line in enumerate(lines, start=1) if len(line) > 100] == []
