"""`make proof`: runs every test that the tables name and writes docs/proof.md from what happened.

`python -m tests.proof run` runs and writes. A long run may be made in parts: `part NAME ARGS` adds
the results of some of the tests, `write` writes from all parts, and the page names the commit of
each. Nothing on the page is typed by hand: a row without a result says so.
"""

import platform
import subprocess
import sys
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from xml.etree import ElementTree as Xml

from tests.proof.tables import DOWN, FAULT, OTHERS, THREATS, Row

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / ".run" / "proof"
PAGE = ROOT / "docs" / "proof.md"
FIGURES = ("runs", "operations", "seconds")


@dataclass
class Result:
    """What became of one test; `figures` is what it wrote down itself."""

    state: str
    seconds: float
    why: str = ""
    figures: dict[str, str] = field(default_factory=dict)


def named() -> list[str]:
    """All tests of the tables, whole files' parameters together, as pytest is asked for them."""
    names = {test.partition("[")[0] for row in (*THREATS, *DOWN, *OTHERS) for test in row.tests}
    return [f"tests/{name}" for name in sorted(names | {FAULT})]


def run(part: str, words: Sequence[str]) -> int:
    """Run the named tests, or those that `words` choose of them; pytest's exit code."""
    RESULTS.mkdir(parents=True, exist_ok=True)
    told = ["--junitxml", str(RESULTS / f"{part}.xml"), "-o", f"junit_suite_name={commit()}"]
    command = [sys.executable, "-m", "pytest", "-q", "-m", "slow or not slow", *told, *words]
    return subprocess.run([*command, *named()], cwd=ROOT).returncode


def parts() -> list[Xml.Element]:
    """The suites of all parts, oldest first: what was run again counts as it went last."""
    suites = [
        suite for file in RESULTS.glob("*.xml") for suite in Xml.parse(file).iter("testsuite")
    ]
    return sorted(suites, key=lambda suite: suite.get("timestamp", ""))


def results() -> dict[str, Result]:
    """Results by the name that the tables use, parameters with it."""
    cases = [case for suite in parts() for case in suite.iter("testcase")]
    return {name: one for case in cases for name, one in _read(case)}


def commit() -> str:
    changed = _git("status", "--porcelain", "--untracked-files=no")
    return _git("rev-parse", "--short=12", "HEAD") + ("+changes" if changed != "unknown" else "")


def _read(case: Xml.Element) -> Iterator[tuple[str, Result]]:
    module = case.get("classname", "").removeprefix("tests.").replace(".", "/")
    state, why = "passed", ""
    for word in ("failure", "error", "skipped"):
        if (found := case.find(word)) is not None:
            state, why = word, (found.get("message") or "").splitlines()[0][:200]
    figures = {one.get("name", ""): one.get("value", "") for one in case.iter("property")}
    result = Result(state, float(case.get("time", 0)), why, figures)
    yield f"{module}.py::{case.get('name')}", result


def of(name: str, found: dict[str, Result]) -> Result | None:
    """The result of a test with all its parameters: the worst state, the sum of times."""
    if "[" in name:
        return found.get(name)
    ours = [one for key, one in found.items() if key.partition("[")[0] == name]
    if not ours:
        return None
    worst = next((one for one in ours if one.state != "passed"), ours[0])
    return Result(worst.state, sum(one.seconds for one in ours), worst.why, ours[0].figures)


# --- the page ------------------------------------------------------------------------------------
def page(found: dict[str, Result]) -> str:
    return "\n".join(
        [
            "# Proof: it survives",
            "",
            *wrapped(
                f"Written by `make proof` on {datetime.now().astimezone():%Y-%m-%d %H:%M %Z} from "
                f"what ran at {_commits()}, on {platform.machine()} {platform.system()}, Python "
                f"{platform.python_version()}. "
                "Nothing here is written by hand; a row that did not run says so."
            ),
            "",
            *summary(found),
            *faults(found),
            *rows("When something is down", DOWN, found),
            *rows("Threats", THREATS, found),
            *rows("Other proofs", OTHERS, found),
        ]
    )


def summary(found: dict[str, Result]) -> list[str]:
    states = [one.state for one in found.values()]
    bad = states.count("failure") + states.count("error")
    return [
        f"{len(states)} tests: {states.count('passed')} passed, {bad} failed, "
        f"{states.count('skipped')} skipped.",
        "",
    ]


def faults(found: dict[str, Result]) -> list[str]:
    ours = {name: one for name, one in found.items() if name.startswith(FAULT)}
    runs = sum(int(one.figures.get("runs", 0)) for one in ours.values())
    operations = sum(int(one.figures.get("operations", 0)) for one in ours.values())
    lines = [
        "## Faults",
        "",
        *wrapped(
            "The production processes on servers of their own, under a load of sales, spending, "
            "returns, gifts, coupons and registrations over HTTP; clients repeat with the same "
            "key. After every run the invariants I1 to I12 (`tests/invariants.py`), and every "
            "answer that a client was given, are compared with the books. "
            f"{len(ours)} kinds, {runs} runs, {operations} operations."
        ),
        "",
        "| fault | runs | operations | s | books |",
        "| --- | ---: | ---: | ---: | --- |",
    ]
    for name, one in ours.items():
        cells = [name.partition("[")[2].rstrip("]"), *(one.figures.get(f, "–") for f in FIGURES)]
        lines.append(f"| {' | '.join(cells)} | {'true' if one.state == 'passed' else one.state} |")
    lines += ["", "What each is:", ""]
    for name, one in ours.items():
        short = name.partition("[")[2].rstrip("]")
        lines += wrapped(f"{short}: {one.figures.get('said', one.why)}.", bullet="- ")
    return [*lines, ""]


def rows(title: str, table: Sequence[Row], found: dict[str, Result]) -> list[str]:
    lines = [f"## {title}", ""]
    for row in table:
        lines += wrapped(f"**{row.name}**: {row.said}. {row.note}".rstrip(), bullet="- ")
        for test in row.tests:
            lines += wrapped(f"`{_short(test)}`: {_told(of(test, found))}", bullet="  - ")
    return [*lines, ""]


def _short(test: str) -> str:
    return test.replace(FAULT, "fault ") if "[" in test else test


def _told(one: Result | None) -> str:
    if one is None:
        return "not run"
    because = f" ({one.why})" if one.why else ""
    return f"{one.state}, {one.seconds:.1f} s{because}"


def wrapped(text: str, *, bullet: str = "") -> list[str]:
    width = {"width": 98, "break_long_words": False, "break_on_hyphens": False}
    pad = " " * len(bullet)
    return textwrap.wrap(text, initial_indent=bullet, subsequent_indent=pad, **width)


def _git(*words: str) -> str:
    done = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True)
    return done.stdout.strip() or "unknown"


def _commits() -> str:
    names = dict.fromkeys(suite.get("name", "?") for suite in parts())
    return "commit " + ", ".join(f"`{name}`" for name in names)


def main(words: Sequence[str]) -> int:
    asked, code = [*words] or ["run"], 0
    if asked[0] == "run":
        for old in RESULTS.glob("*.xml"):
            old.unlink()
        code = run("all", asked[1:])
    elif asked[0] == "part":
        return run(asked[1], asked[2:])
    if not any(RESULTS.glob("*.xml")):
        print("There are no results yet: make proof", file=sys.stderr)  # noqa: T201
        return 1
    PAGE.write_text(page(results()).rstrip() + "\n")
    print(f"Written: {PAGE.relative_to(ROOT)}")  # noqa: T201
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
