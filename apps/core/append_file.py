"""Files that only grow: JSON lines outside of the database, for what a restore must not undo."""

import fcntl
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import orjson


def append(path: Path, lines: Iterable[dict[str, Any]]) -> None:
    """Add lines and wait until the disk has them. One writer at a time."""
    path.parent.mkdir(parents=True, exist_ok=True)
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
    with os.fdopen(os.open(path, flags, 0o600), "ab") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        for line in lines:
            handle.write(orjson.dumps(line) + b"\n")
        handle.flush()
        os.fsync(handle.fileno())


def read(path: Path) -> list[dict[str, Any]]:
    """All lines, oldest first; none when there is no file. Raises ValueError for a broken line."""
    try:
        return [orjson.loads(line) for line in path.read_bytes().splitlines() if line.strip()]
    except FileNotFoundError:
        return []
