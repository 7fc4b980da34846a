"""Words for the person at the terminal."""

import sys
from pathlib import Path


class Problem(Exception):
    """An ordinary mistake: its text is the whole message, no traceback is shown."""


def prepare() -> None:
    """Let Russian text and broken pipes (`make run | head`) pass without a traceback."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="replace", line_buffering=True)


def say(text: str = "", end: str = "\n") -> None:
    """Print a line; a closed terminal is not a reason to stop."""
    try:
        print(text, end=end, flush=True)
    except (OSError, ValueError):
        return


def complain(text: str) -> None:
    """Print a line to the error stream."""
    try:
        print(text, file=sys.stderr, flush=True)
    except (OSError, ValueError):
        return


def tail(path: Path, lines: int = 20) -> str:
    """Last lines of a log, indented; a sentence when the log is missing or empty."""
    try:
        text = path.read_bytes()[-64_000:].decode("utf-8", "replace")
    except OSError:
        return "    (no log)"
    last = text.splitlines()[-lines:]
    return "\n".join(f"    {line}" for line in last) or "    (the log is empty)"


def trim(path: Path, limit: int = 10_000_000) -> None:
    """Move a log of more than `limit` bytes aside; one older file is kept."""
    try:
        if path.stat().st_size > limit:
            path.replace(path.with_suffix(".log.1"))
    except OSError:
        return
