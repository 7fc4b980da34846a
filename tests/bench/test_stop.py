"""The web server is asked to stop under load: `make bench ARGS=tests/bench/test_stop.py`.

What it has taken is answered whole, and so is what waited in the kernel's queue. Connections made
after the signal are refused: a proxy or a client sends them elsewhere.
"""

import os
import signal
import socket
import threading
import time
from collections import Counter
from typing import Any

import pytest

from tests.bench.speed import filled
from tests.bench.speed.stand import Size, Stand, stands
from tests.bench.test_speed import paths_of

pytestmark = pytest.mark.bench
SIZE = Size(
    int(os.environ.get("BENCH_MEMBERS") or 2_000), int(os.environ.get("BENCH_SALES") or 20_000)
)
CLIENTS, BEFORE, PATIENCE = 16, 5.0, 40.0  # clients; seconds


class Clients:
    """They ask one after another, on kept connections or on new ones; every fourth sells."""

    def __init__(self, stand: Stand, paths: dict[str, list[str]], *, is_kept: bool) -> None:
        self.stand, self.paths, self.is_kept = stand, paths, is_kept
        self.signalled = float("inf")
        self.over = threading.Event()
        self.seen: Counter[str] = Counter()

    def work(self, number: int) -> None:
        asked = self.paths["history cold" if number % 4 else "sale"]
        line, made, count = None, 0.0, number
        while not self.over.is_set():
            count += 1
            key = f"{id(self)}-{number}-{count}"
            text = filled(asked[count % len(asked)], key=key, members=SIZE.members)
            if not self.is_kept:
                text = text.replace("\r\nHost", "\r\nConnection: close\r\nHost", 1)
            try:
                if line is None:
                    made = time.monotonic()
                    line = socket.create_connection(("127.0.0.1", self.stand.port), PATIENCE)
                line.sendall(text.encode())
                head, whole = answer(line)
            except OSError:
                self.seen["lost" if made < self.signalled else "refused"] += 1
                line = None
                time.sleep(0.02)
                continue
            is_good = whole and head.startswith((b"HTTP/1.1 200", b"HTTP/1.1 201"))
            self.seen["answered" if is_good else "broken"] += 1
            if b"connection: close" in head.lower():
                line = None


def answer(line: socket.socket) -> tuple[bytes, bool]:
    """Its head, and whether all of its body came. Raises OSError when there is none."""
    got = b""
    while b"\r\n\r\n" not in got:
        part = line.recv(65536)
        if not part:
            raise ConnectionResetError
        got += part
    head, _gap, body = got.partition(b"\r\n\r\n")
    size = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
    while len(body) < size and (part := line.recv(65536)):
        body += part
    return head, len(body) == size


@pytest.mark.parametrize("is_kept", [False, True], ids=["new connections", "kept connections"])
def test_what_was_taken_is_answered(capsys: Any, is_kept: bool) -> None:
    with capsys.disabled(), stands(SIZE) as [stand]:
        clients = Clients(stand, paths_of(stand), is_kept=is_kept)
        threads = [threading.Thread(target=clients.work, args=(n,)) for n in range(CLIENTS)]
        for thread in threads:
            thread.start()
        time.sleep(BEFORE)
        web = stand.processes["web"]
        clients.signalled = time.monotonic()
        web.send_signal(signal.SIGTERM)
        code = web.wait(PATIENCE)
        took = time.monotonic() - clients.signalled
        clients.over.set()
        for thread in threads:
            thread.join()
        print(f"\nStopped in {took:.1f} s: {dict(clients.seen)}")

    assert code == 0
    assert clients.seen["answered"] > CLIENTS
    assert clients.seen["lost"] == clients.seen["broken"] == 0
