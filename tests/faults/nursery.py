"""Run as a program: a parent that has read the product's source once and gives birth to its processes.

A node, a worker, Beat or a command spends seconds of a processor on imports before its first line
of work. Here they are done once; each process then is a fork of this one that goes on as `python`
with the same words would: its own session, log, connections and threads. Nothing but modules is
shared, and a kill −9 of a child is a kill −9.

Lines of JSON on stdin: {"words": […], "log": path, "clock": seconds}. On stdout: {"ready"}, then
{"born": pid} for each and {"died": pid, "code": as of Popen} when one ended.
"""

import contextlib
import gc
import importlib
import json
import os
import runpy
import select
import signal
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import time_machine
from celery import current_app
from django.db import connections
from django.urls import get_resolver

SOURCE = (
    "svoykrug.wsgi",  # first: the applications are ready from then on
    "celery.bin.celery",
    "celery.worker.worker",
    "django_celery_beat.schedulers",
    "gunicorn.app.wsgiapp",
    "gunicorn.arbiter",
    "gunicorn.workers.gthread",
    "svoykrug.celery",
)


def read_the_source() -> None:
    """Everything that gunicorn, Celery and manage.py import before they begin."""
    sys.path[0] = os.getcwd()  # as `python -m` has it
    for name in SOURCE:
        importlib.import_module(name)
    current_app.loader.import_default_modules()
    _walk(get_resolver().url_patterns)
    opened = [one.alias for one in connections.all() if one.connection is not None]
    if opened:
        raise SystemExit(f"a connection is open before the fork: {opened}")


def _walk(patterns: Any) -> None:
    for pattern in patterns:
        _walk(getattr(pattern, "url_patterns", ()))


def tell(**line: Any) -> None:
    os.write(1, json.dumps(line).encode() + b"\n")


def bury() -> None:
    with contextlib.suppress(ChildProcessError):
        while (dead := os.waitpid(-1, os.WNOHANG))[0]:
            tell(died=dead[0], code=os.waitstatus_to_exitcode(dead[1]))


def orders() -> Iterator[dict[str, Any]]:
    """One at a time, until there is nobody to give them; the dead are told of meanwhile."""
    woken, wake = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(wake)  # a thread of a library may be the one that gets the signal
    rest = b""
    while True:
        ready, _, _ = select.select([0, woken], [], [])
        if woken in ready:
            os.read(woken, 4096)
            bury()
        if 0 in ready:
            piece = os.read(0, 65_536)
            if not piece:
                return
            *lines, rest = (rest + piece).split(b"\n")
            yield from map(json.loads, lines)


def be_born(order: dict[str, Any]) -> None:
    """In the child: what an interpreter of its own would begin with."""
    os.setsid()
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    log = os.open(order["log"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for ours, theirs in ((nothing, 0), (log, 1), (log, 2)):
        os.dup2(ours, theirs)
    os.close(nothing)
    os.close(log)
    sys.stdin = open(0)  # noqa: SIM115 - for the life of the process
    if order["clock"]:
        wrong = datetime.now(UTC) + timedelta(seconds=order["clock"])
        time_machine.travel(wrong, tick=True).start()


def live(words: list[str]) -> None:
    if words[0] == "-m":
        sys.argv = [words[1], *words[2:]]
        runpy.run_module(words[1], run_name="__main__", alter_sys=True)
    else:
        sys.argv = words
        runpy.run_path(words[0], run_name="__main__")


def main() -> None:
    read_the_source()
    gc.collect()
    gc.freeze()
    tell(ready=True)
    for order in orders():
        child = os.fork()
        if child:
            tell(born=child)
            continue
        be_born(order)
        live(order["words"])
        return


if __name__ == "__main__":
    main()
