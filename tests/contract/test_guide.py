"""Every command of docs/api.md, in its order, against a live server, with the status it promises."""

import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import pytest
from django.conf import settings

from tests.accounts.codes import last_code
from tests.contract.day import things

GUIDE = Path(settings.BASE_DIR) / "docs" / "api.md"
BLOCK = re.compile(r"<!-- (\d{3})((?: [A-Z_]+=\S+)*) -->\n```sh\n(.*?)```", re.S)
LEAST = 40  # commands; the guide only grows


@dataclass(frozen=True)
class Command:
    text: str
    status: int
    keeps: tuple[tuple[str, str], ...]  # variable, where in the answer


def commands() -> list[Command]:
    found = []
    for status, keeps, text in BLOCK.findall(GUIDE.read_text()):
        pairs = [tuple(one.split("=", 1)) for one in keeps.split()]
        found.append(Command(text.strip(), int(status), tuple(pairs)))  # type: ignore[arg-type]
    return found


def run(command: Command, known: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body of the one curl in the block, as a shell runs it."""
    script = 'curl() { command curl -i -w "\\n%{http_code}" "$@"; }\n' + command.text
    done = subprocess.run(
        ["bash", "-c", script], env=known, capture_output=True, timeout=60, check=True
    )
    rest, _newline, status = done.stdout.rpartition(b"\n")
    head, _blank, body = rest.partition(b"\r\n\r\n")
    lines = (line.partition(b": ") for line in head.split(b"\r\n")[1:])
    return int(status), {k.decode().lower(): v.decode() for k, _c, v in lines}, body


def picked(way: str, headers: dict[str, str], body: bytes) -> str:
    if way.startswith("header:"):
        return headers[way.removeprefix("header:").lower()]
    found: Any = orjson.loads(body)
    for step in way.split("."):
        found = found[int(step)] if step.isdigit() else found[step]
    return str(found)


def follow(known: dict[str, str], *, code: Any) -> list[str]:
    """Runs the guide; what did not answer as it says."""
    wrong = []
    for command in commands():
        if "$CODE\\" in command.text:
            known["CODE"] = code()
        status, headers, body = run(command, known)
        if status != command.status:
            wrong.append(f"{status}, not {command.status}: {command.text}\n{body[:300]!r}")
            continue
        for name, way in command.keeps:
            known[name] = picked(way, headers, body)
    return wrong


def test_the_guide_holds_its_commands() -> None:
    text = GUIDE.read_text()

    assert len(commands()) >= LEAST
    assert text.count("```sh") == len(commands()), "a command without its status"


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(not shutil.which("curl"), reason="NO GUIDE WAS RUN: no curl on this machine")
def test_every_command_answers_as_the_guide_says(live_server: Any) -> None:
    known = {"API": f"{live_server.url}/api/v1", "PATH": "/usr/bin:/bin"} | things()

    assert follow(known, code=lambda: last_code(known["PHONE"])) == []
