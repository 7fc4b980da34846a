"""What was seen, as a table for people: .run/crawl/, which git does not keep."""

from collections.abc import Sequence
from pathlib import Path

from django.conf import settings

from tests.crawl.walking import Seen

FOLDER = Path(settings.BASE_DIR) / ".run" / "crawl"
HEAD = ("role", "status", "queries", "ms", "view", "url", "came from", "problems")


def write(name: str, seen: Sequence[Seen]) -> Path:
    """A row for each page, those with problems first."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    rows = sorted(seen, key=lambda one: (not one.problems, one.role, one.view, one.url))
    lines = ["\t".join(HEAD)]
    for one in rows:
        told = (one.role, one.status, one.queries, one.milliseconds, one.view, one.url)
        lines.append("\t".join(map(str, (*told, one.came_from, " | ".join(one.problems)))))
    path = FOLDER / f"{name}.tsv"
    path.write_text("\n".join(lines) + "\n")
    with (FOLDER / "summary.txt").open("a") as file:
        file.write(f"{name}: {summary(seen)}\n")
    return path


def summary(seen: Sequence[Seen]) -> str:
    """One line: how many pages, views, problems, and the dearest page."""
    dearest = max(seen, key=lambda one: one.queries)
    broken = sum(bool(one.problems) for one in seen)
    return (
        f"{len(seen)} pages of {len({one.view for one in seen})} kinds, {broken} with problems; "
        f"at most {dearest.queries} statements ({dearest.view})"
    )
