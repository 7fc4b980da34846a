"""What ran, as the page and the next run need it: the newest run of each named test counts."""

import ast
import json
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tests.proof.tables import DOWN, FAULT, FOUND, OTHERS, THREATS, fault

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / ".run" / "proof" / "results.jsonl"
PAGE = ROOT / "docs" / "proof.md"
TABLES = (*THREATS, *DOWN, *OTHERS, *FOUND)


@dataclass
class Result:
    """What became of a named test with all its parameters; `figures` is what it wrote down itself.

    `state`: passed, failed, skipped or cut off (its process was ended). `before`: passed runs of a
    fault at other commits, by commit."""

    state: str
    seconds: float
    commit: str
    at: str
    tests: int = 1
    why: str = ""
    figures: dict[str, str] = field(default_factory=dict)
    before: dict[str, int] = field(default_factory=dict)


def kinds() -> list[str]:
    """Names of the kinds of faults, read from their source: the page needs no Django."""
    tree = ast.parse((ROOT / "tests" / "faults" / "kinds.py").read_text())
    ours = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    return [
        node.name.replace("_", " ")
        for node in ours
        if any(ast.unparse(one).startswith("kind(") for one in node.decorator_list)
    ]


def named() -> list[str]:
    """All tests of the tables; each kind of fault is one of its own."""
    names = {test for row in TABLES for test in row.tests} | {fault(kind) for kind in kinds()}
    return sorted(names)


def name_of(test: str) -> str:
    """The named test that this one with its parameters belongs to."""
    return test if test.startswith(FAULT) else test.partition("[")[0]


def lines() -> list[dict[str, Any]]:
    if not RESULTS.exists():
        return []
    return [json.loads(line) for line in RESULTS.read_text().splitlines() if line.strip()]


def append(line: dict[str, Any]) -> None:
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    with RESULTS.open("a") as file:
        file.write(json.dumps(line, ensure_ascii=False) + "\n")


def read() -> dict[str, Result]:
    """By name. A line `begin` opens a run of some tests and forgets what was known of them, but for
    passed runs of a fault at another commit; a line `end` closes it: what it asked for and nobody
    wrote a line of was cut off."""
    found: dict[str, list[dict[str, Any]]] = {}
    before: dict[str, dict[str, int]] = {}
    run: dict[str, Any] = {}
    for line in lines():
        if "begin" in line:
            run = line
            for name in line["begin"]:
                known = found.pop(name, ())
                before.setdefault(name, {}).update(_runs(known, other_than=line["commit"]))
        elif "end" in line:
            for name in line["cut"]:
                cut = {"test": name, "state": "cut off", "seconds": 0.0, "why": line["why"]}
                found.setdefault(name, []).append(cut | _stamp(run))
        else:
            found.setdefault(name_of(line["test"]), []).append(line | _stamp(run))
    return {
        name: replace(_whole(ours), before=before.get(name, {})) for name, ours in found.items()
    }


def _runs(known: Sequence[dict[str, Any]], *, other_than: str) -> dict[str, int]:
    """Commit → passed runs of a fault there."""
    return {
        line["commit"]: int(line["figures"]["runs"])
        for line in known
        if line["state"] == "passed"
        and "runs" in line.get("figures", {})
        and line["commit"] not in (other_than, "?")
    }


def _stamp(run: dict[str, Any]) -> dict[str, Any]:
    return {"commit": run.get("commit", "?"), "at": run.get("at", "?")}


WORST = ("failed", "cut off", "skipped", "passed")


def _whole(ours: Sequence[dict[str, Any]]) -> Result:
    worst = min(ours, key=lambda line: WORST.index(line["state"]))
    return Result(
        state=worst["state"],
        seconds=sum(line["seconds"] for line in ours),
        commit=worst["commit"],
        at=worst["at"],
        tests=len({line["test"] for line in ours}),
        why=worst.get("why", ""),
        figures=ours[0].get("figures", {}),
    )


def commit() -> str:
    """What runs; the page itself is no change of it."""
    changed = git("status", "--porcelain", "--untracked-files=no", "--", ".", ":!docs/proof.md")
    return (git("rev-parse", "--short=12", "HEAD") or "unknown") + ("+changes" if changed else "")


# What a fault runs; for any other test all but pages of words.
OF_FAULTS = (
    *("apps", "svoykrug", "requirements", "manage.py", "pyproject.toml"),
    *("tests/faults", "tests/factories", "tests/invariants.py", "tests/conftest.py"),
)
OF_ALL = (".", ":!docs", ":!*.md")


def still_holds(name: str, *, ran_at: str, now: str) -> bool:
    """Whether a test that ran at one commit would run the very same things at the other."""
    if ran_at == now or "+" in ran_at + now:
        return ran_at == now
    paths = OF_FAULTS if name.startswith(FAULT) else OF_ALL
    words = ["git", "diff", "--quiet", ran_at, now, "--", *paths]
    return subprocess.run(words, cwd=ROOT, capture_output=True).returncode == 0


def git(*words: str) -> str:
    done = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True)
    return done.stdout.strip()
