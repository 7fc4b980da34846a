"""One command with the servers of a profile up."""

import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from types import FrameType

from svoykrug.dev import embedded, envfile
from svoykrug.dev.checkout import ROOT, Profile, exclusive
from svoykrug.dev.console import Problem


def execute(profile: Profile, words: Sequence[str], *, servers: bool = True) -> int:
    """Run the command and return its exit code; 128 + n when signal n ended it. Raises Problem."""
    if servers:
        with embedded.in_use(profile) as environment:
            return _call(words, environment)
    profile.prepare()
    with exclusive(profile.state / "services.lock"):
        if not profile.env_file.exists():
            envfile.write(profile)
    return _call(words, envfile.effective(profile))


def _call(words: Sequence[str], environment: Mapping[str, str]) -> int:
    try:
        child = subprocess.Popen(_command(words), cwd=ROOT, env=environment)
    except FileNotFoundError as wrong:
        raise Problem(f"There is no command «{words[0]}».") from wrong
    except OSError as wrong:
        raise Problem(f"«{words[0]}» cannot be run: {wrong.strerror}.") from wrong

    def forward(number: int, _: FrameType | None) -> None:
        child.send_signal(number)

    # Ctrl-C reaches the child from the terminal by itself; we only must outlive it.
    old = {
        signal.SIGINT: signal.signal(signal.SIGINT, lambda *_: None),
        signal.SIGTERM: signal.signal(signal.SIGTERM, forward),
        signal.SIGHUP: signal.signal(signal.SIGHUP, forward),
    }
    try:
        code = child.wait()
    finally:
        for number, handler in old.items():
            signal.signal(number, handler)
    return code if code >= 0 else 128 - code


def _command(words: Sequence[str]) -> list[str]:
    """Python tools run through our interpreter: a moved .venv has scripts with a dead first line."""
    first, *rest = words
    if first == "python":
        return [sys.executable, *rest]
    if first in ("pytest", "mypy", "ruff"):
        return [sys.executable, "-m", first, *rest]
    return [first, *rest]
