"""What the tests ran: the whole in one figure, and the parts that must be whole.

Reads `.coverage` of `make coverage`. Exit code 1: the whole is under its target, or a line or a
branch of the ledger, of rights or of sign-in was never taken.
"""

import json
import subprocess
import sys
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

from svoykrug.dev import console
from svoykrug.dev.checkout import ROOT
from svoykrug.dev.console import say

TARGET = 95.0  # percent, lines and branches together
WHOLE = {
    "ledger": (
        *("books", "bulk", "debts", "earning", "gifts", "issuing", "jobs", "returns"),
        *("settlement", "spending"),
    ),
    "rights": ("rights", "permissions", "auth"),
    "sign-in": ("codes", "code_guard", "sessions", "second_factor", "recovery", "pins", "tokens"),
}
PLACES = {
    "ledger": ("apps/loyalty/services",),
    "rights": ("apps/accounts",),
    "sign-in": ("apps/accounts/services", "apps/accounts"),
}


def main() -> int:
    console.prepare()
    report = _report()
    bad = [line for part in WHOLE for line in _gaps(report, part)]
    for line in bad:
        say(line)
    for part in WHOLE:
        say(f"{part}: {_percent(report, files_of(part)):.1f} % of lines and branches")
    total = float(report["totals"]["percent_covered"])
    say(f"everything: {total:.1f} % of lines and branches, wanted {TARGET:.0f} %")
    return 1 if bad or total < TARGET else 0


def files_of(part: str) -> list[str]:
    """Files of a part, as the report names them. Raises ValueError when one is gone."""
    found = []
    for name in WHOLE[part]:
        places = [f"{place}/{name}.py" for place in PLACES[part]]
        there = [place for place in places if (ROOT / place).exists()]
        if not there:
            raise ValueError(f"{part}: there is no {name}.py in {PLACES[part]}")
        found += there
    return found


def _report() -> dict[str, Any]:
    with NamedTemporaryFile(suffix=".json") as file:
        words = [sys.executable, "-m", "coverage", "json", "-q", "-o", file.name]
        subprocess.run(words, cwd=ROOT, check=True)
        found: dict[str, Any] = json.loads(Path(file.name).read_text())
        return found


def _gaps(report: dict[str, Any], part: str) -> list[str]:
    gaps = []
    for file in files_of(part):
        seen = report["files"].get(file, {})
        lines = seen.get("missing_lines", ["all"])
        branches = [f"{a}→{b}" for a, b in seen.get("missing_branches", ()) if a not in lines]
        if lines or branches:
            gaps.append(f"{part}: {file} never ran {', '.join(map(str, [*lines, *branches]))}")
    return gaps


def _percent(report: dict[str, Any], files: list[str]) -> float:
    sums = [report["files"].get(file, {}).get("summary", {}) for file in files]
    there = sum(one.get("num_statements", 0) + one.get("num_branches", 0) for one in sums)
    ran = sum(one.get("covered_lines", 0) + one.get("covered_branches", 0) for one in sums)
    return 100 * ran / there if there else 0.0


if __name__ == "__main__":
    sys.exit(main())
