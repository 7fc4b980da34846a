"""`make audit`: known faults of the locked versions, secrets in the code, the bill of materials.

What cannot be asked here says so aloud and does not count as clean. Exit code 1: something was
found. The tools live in `.venv-audit`, apart from the product.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from svoykrug.dev import console
from svoykrug.dev.checkout import ROOT, RUN
from svoykrug.dev.console import say

TOOLS = ROOT / ".venv-audit" / "bin"
KNOWN = ROOT / ".secrets.baseline"  # looked at by a person: names of fields, alphabets, examples
SBOM = RUN / "sbom.json"
# Digests that tools write, texts of catalogues, locks of requirements.
LEFT_OUT = (
    r"(\.po$|\.svg$|/migrations/|openapi.*\.yaml$|requirements/|^static/|\.secrets\.baseline)"
)
# Tests are full of made-up tokens and phones: there only keys of real services are looked for.
MADE_UP = (
    *("HexHighEntropyString", "Base64HighEntropyString", "KeywordDetector"),
    *("BasicAuthDetector", "JwtTokenDetector"),
)
PATIENCE = 180  # seconds


def main() -> int:
    console.prepare()
    if not TOOLS.exists():
        say("!!! NO AUDIT TOOLS: nothing was audited (make audit installs them from PyPI) !!!")
        return 0
    RUN.mkdir(exist_ok=True)
    return max(_vulnerabilities(), _secrets(), _bill())


def _call(tool: str, *words: str) -> subprocess.CompletedProcess[str]:
    command = [str(TOOLS / tool), *words]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE)


def _vulnerabilities() -> int:
    """Every locked version, asked of PyPI's own list of known faults."""
    words = ("-r", "requirements/local.txt", "--require-hashes", "--disable-pip")
    done = _call("pip-audit", *words, "--format", "json", "--progress-spinner", "off")
    try:
        asked = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError):
        reason = (done.stderr.strip().splitlines() or ["no answer"])[-1]
        say(f"!!! DEPENDENCIES NOT AUDITED: {reason[:200]} !!!")
        return 0
    silent = [one["name"] for one in asked if "skip_reason" in one]
    bad = [one for one in asked if one.get("vulns")]
    for one in bad:
        names = ", ".join(fault["id"] for fault in one["vulns"])
        say(f"{one['name']} {one['version']}: {names}")
    if silent:
        say(f"!!! {len(silent)} OF {len(asked)} DEPENDENCIES NOT AUDITED: PyPI is silent here !!!")
    say(f"dependencies: {len(asked) - len(silent)} asked, {len(bad)} with known faults")
    return 1 if bad else 0


def _secrets() -> int:
    """Keys and passwords in files that git knows, but for those a person has looked at."""
    found = {*_scan("apps", "svoykrug", "deploy", "docs", "clients", "templates"), *_top()}
    found |= {*_scan("tests", *(f"--disable-plugin={name}" for name in MADE_UP))}
    known = {*_places(json.loads(KNOWN.read_text()))}
    for place, kind, _digest in sorted(found - known):
        say(f"{place}: {kind}")
    say(f"secrets: {len(found - known)} new, {len(found & known)} known and looked at")
    return 1 if found - known else 0


def _scan(*words: str) -> Iterator[tuple[str, str, str]]:
    done = _call("detect-secrets", "scan", "--exclude-files", LEFT_OUT, *words)
    return _places(json.loads(done.stdout))


def _top() -> Iterator[tuple[str, str, str]]:
    files = sorted(path.name for path in ROOT.iterdir() if path.is_file())
    return _scan(*files, ".ci")


def _places(scanned: dict[str, dict[str, list[dict[str, str]]]]) -> Iterator[tuple[str, str, str]]:
    for file, lines in scanned["results"].items():
        for line in lines:
            yield file, line["type"], line["hashed_secret"]


def _bill() -> int:
    words = ("requirements/production.txt", "--output-reproducible", "-o", str(SBOM))
    done = _call("cyclonedx-py", "requirements", *words)
    if done.returncode:
        say(f"bill of materials: {done.stderr.strip()[-300:]}")
        return 1
    count = len(json.loads(SBOM.read_text())["components"])
    say(f"bill of materials: {count} components in {Path(SBOM).relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
