"""The page of the proof, from the tables and from what ran."""

import os
import platform
import textwrap
from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from tests.proof import results
from tests.proof.results import PAGE, Result
from tests.proof.tables import DOWN, FAULT, FOUND, OTHERS, THREATS, Row

FIGURES = ("runs", "operations", "seconds")


def write() -> None:
    PAGE.write_text(page(results.read()).rstrip() + "\n")


def page(found: dict[str, Result]) -> str:
    now, cores = datetime.now().astimezone(), os.cpu_count()
    return "\n".join(
        [
            "# Proof: it survives",
            "",
            *wrapped(
                f"Written by `make proof` on {now:%Y-%m-%d %H:%M %Z} from what ran at "
                f"{_commits(found)}, on {platform.machine()} {platform.system()} with {cores} "
                f"cores, Python {platform.python_version()}. Nothing here is written by hand; "
                "a row that did not run says so."
            ),
            "",
            *summary(found),
            *faults(found),
            *rows("When something is down", DOWN, found),
            *rows("Threats", THREATS, found),
            *rows("Other proofs", OTHERS, found),
            *rows("Found by these tests and mended", FOUND, found),
        ]
    )


def summary(found: dict[str, Result]) -> list[str]:
    names = results.named()
    states = Counter(found[name].state for name in names if name in found)
    tests = sum(found[name].tests for name in names if name in found)
    told = ", ".join(f"{states[state]} {state}" for state in results.WORST[::-1] if states[state])
    missing = len(names) - sum(states.values())
    return [*wrapped(
        f"{len(names)} named proofs ({tests} tests with their parameters): "
        f"{told or '0 passed'}, {missing} not run."
    ), ""]  # fmt: skip


def faults(found: dict[str, Result]) -> list[str]:
    names = [name for name in results.named() if name.startswith(FAULT)]
    ours = [one for name in names if (one := found.get(name))]
    runs, operations = (_sum(ours, figure) for figure in ("runs", "operations"))
    before = sum(sum(one.before.values()) for one in ours)
    earlier = f", and {before} runs at other commits" if before else ""
    lines = [
        "## Faults",
        "",
        *wrapped(
            "The production processes on servers of their own, under a load of sales, spending, "
            "returns, gifts, coupons and registrations over HTTP; clients repeat with the same "
            "key. After every run the invariants I1 to I12 (`tests/invariants.py`), and every "
            "answer that a client was given, are compared with the books. "
            f"{len(ours)} of {len(names)} kinds, {runs} runs, {operations} operations{earlier}."
        ),
        "",
        "| fault | runs | operations | s | books | commit, and runs at others |",
        "| --- | ---: | ---: | ---: | --- | --- |",
    ]
    for name in names:
        one = found.get(name)
        figures = [one.figures.get(figure, "–") if one else "–" for figure in FIGURES]
        said = "not run" if one is None else "true" if one.state == "passed" else one.state
        where = [f"`{one.commit}`"] if one else []
        if one and one.before:
            where.append(f"{sum(one.before.values())} before")
        lines.append(f"| {' | '.join([_kind(name), *figures, said, ', '.join(where)])} |")
    lines += ["", "What each is:", ""]
    for name in names:
        said = found[name].figures.get("said") or found[name].why if name in found else "not run"
        lines += wrapped(f"{_kind(name)}: {said}.", bullet="- ")
    return [*lines, ""]


def _sum(ours: Sequence[Result], figure: str) -> int:
    return sum(int(one.figures.get(figure, 0)) for one in ours if one.state == "passed")


def _kind(name: str) -> str:
    return name.partition("[")[2].rstrip("]")


def rows(title: str, table: Sequence[Row], found: dict[str, Result]) -> list[str]:
    lines = [f"## {title}", ""]
    for row in table:
        lines += wrapped(f"**{row.name}**: {row.said}. {row.note}".rstrip(), bullet="- ")
        for test in row.tests:
            lines += wrapped(f"{_short(test)}: {_told(found.get(test))}", bullet="  - ")
    return [*lines, ""]


def _short(test: str) -> str:
    if test.startswith(FAULT):
        return f"fault {_kind(test)}"
    file, _colons, name = test.partition("::")
    return f"`{name}` of `{file}`"


def _told(one: Result | None) -> str:
    if one is None:
        return "not run"
    many = f" ({one.tests} tests)" if one.tests > 1 else ""
    figures = "".join(
        f", {value} {name}"
        for name, value in one.figures.items()
        if name not in ("said", "seconds")
    )
    because = f" ({one.why})" if one.why else ""
    return f"{one.state}{many}, {one.seconds:.1f} s{figures}{because}"


def _commits(found: dict[str, Result]) -> str:
    names = dict.fromkeys(one.commit for one in sorted(found.values(), key=lambda one: one.at))
    return "commit " + ", ".join(f"`{name}`" for name in names) if names else "no commit yet"


def wrapped(text: str, *, bullet: str = "") -> list[str]:
    width = {"width": 98, "break_long_words": False, "break_on_hyphens": False}
    pad = " " * len(bullet)
    return textwrap.wrap(text, initial_indent=bullet, subsequent_indent=pad, **width)
