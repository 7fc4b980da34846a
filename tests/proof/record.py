"""A pytest plugin: writes what became of each test at the moment it ends, so that nothing of what was
proven is lost when a run is cut off, and ends a test that takes too long.

One JSON line a test in the file PROOF_RESULTS. With xdist the lines are written by the process
that hands tests out; each worker watches its own clock.
"""

import json
import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

LIMIT = float(os.environ.get("PROOF_LIMIT") or 300)  # seconds for one test


class TooLong(BaseException):
    """Past everything that catches exceptions: threads of a test may be waiting for each other."""


def _ring(_number: int, _frame: FrameType | None) -> None:
    raise TooLong(f"did not end within {LIMIT:.0f} s")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call() -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        return (yield)
    before = signal.signal(signal.SIGALRM, _ring)
    signal.setitimer(signal.ITIMER_REAL, LIMIT)
    try:
        return (yield)
    except TooLong as late:
        pytest.fail(str(late))
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if "PYTEST_XDIST_WORKER" in os.environ:
        return
    if report.when == "call" or report.outcome != "passed":
        _write(report)


def _name(nodeid: str) -> str:
    """Below `tests/`, without the group that xdist puts behind it."""
    name = nodeid.removeprefix("tests/")
    return name.rpartition("@")[0] if name.rfind("@") > name.rfind("]") else name


def _write(report: pytest.TestReport) -> None:
    state = {"passed": "passed", "skipped": "skipped"}.get(report.outcome, "failed")
    line: dict[str, Any] = {
        "test": _name(report.nodeid),
        "state": state,
        "seconds": round(report.duration, 2),
        "why": "" if state == "passed" else _why(report),
        "figures": {name: str(value) for name, value in report.user_properties},
    }
    with Path(os.environ["PROOF_RESULTS"]).open("a") as file:
        file.write(json.dumps(line, ensure_ascii=False) + "\n")


def _why(report: pytest.TestReport) -> str:
    """The first line of what went wrong."""
    told: Any = report.longrepr
    if isinstance(told, tuple):  # file, line, reason of a skip
        return str(told[2]).removeprefix("Skipped: ")[:200]
    crash = getattr(told, "reprcrash", None)
    return (str(crash.message if crash else told).strip() or "?").splitlines()[0][:200]
