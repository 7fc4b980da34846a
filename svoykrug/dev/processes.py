"""Looking at and stopping processes by what they are, never by a pid alone."""

import signal
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import psutil

type Steps = Iterable[tuple[signal.Signals, float]]


def in_folder(folder: Path) -> list[psutil.Process]:
    """Living processes whose working folder is this one.

    Servers go into their data folder when they start, so this tells ours from any other server
    of the same kind, even after the folder was deleted.
    """
    wanted = {str(folder), f"{folder} (deleted)"}
    return [p for p in psutil.process_iter() if _cwd(p) in wanted and is_alive(p)]


def serving(data: Path, cluster: str) -> list[psutil.Process]:
    """Living PostgreSQL processes of a data folder.

    Known by their command line: in a container the administrator may not look into the working
    folder of another account's process. The main one names the folder, its helpers the cluster.
    """
    return [p for p in psutil.process_iter() if _serves(p, data, cluster) and is_alive(p)]


def _serves(process: psutil.Process, data: Path, cluster: str) -> bool:
    words = command_line(process)
    if not words:
        return False
    return words[0].startswith(f"postgres: {cluster}: ") or (
        words[0].endswith("/postgres") and str(data) in words
    )


def command_line(process: psutil.Process) -> list[str]:
    """Words of a command line; empty when it is hidden or the process has ended."""
    try:
        return list(process.cmdline())
    except (psutil.Error, OSError):
        return []


def _cwd(process: psutil.Process) -> str:
    try:
        return process.cwd()
    except (psutil.Error, OSError):
        return ""


def is_alive(process: psutil.Process) -> bool:
    """A zombie answers to its pid forever in a container without an init: it is dead."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def stop(find: Callable[[], list[psutil.Process]], steps: Steps) -> bool:
    """Send each signal in turn and wait its seconds, until `find` finds nobody.

    Returns whether nobody is left.
    """
    for number, seconds in steps:
        for process in find():
            _send(process, number)
        deadline = time.monotonic() + seconds
        while left := find():
            if time.monotonic() > deadline:
                break
            time.sleep(0.02)
        if not left:
            return True
    return not find()


def _send(process: psutil.Process, number: signal.Signals) -> None:
    try:
        process.send_signal(number)
    except (psutil.Error, OSError):
        return


def environment_of(process: psutil.Process) -> dict[str, str]:
    """Environment a process was started with; empty when it is hidden from us."""
    try:
        return dict(process.environ())
    except (psutil.Error, OSError):
        return {}
