"""A load of keep-alive connections, in a process of its own: `python -m tests.bench.speed.client`.

Reads one JSON document from standard input: port, connections, seconds, and requests as texts that
are sent in turn, each `filled` anew out of so many `members`. The first `lead` answers do not
count, and the seconds begin after them. With `rate` it keeps to so many requests a second, else it
sends as fast as answers come. Writes what came of it as JSON.
A bare protocol instead of an HTTP library: it must cost little beside the server it measures on the
same machine (the bench prints how much).
"""

import asyncio
import itertools
import json
import os
import random
import sys
import time
from typing import Any

from tests.bench.speed import filled


class Connection(asyncio.Protocol):
    """Sends, waits for the whole answer, sends the next."""

    def __init__(self, load: "Load") -> None:
        self.load = load
        self.buffer = b""
        self.left = -1

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self.due = time.perf_counter() + random.random() * self.load.pause
        self.go_on()

    def go_on(self) -> None:
        """At once, or at this connection's next moment; what is late is not made up for."""
        now = time.perf_counter()
        self.due = max(self.due + self.load.pause, now)
        if self.load.pause:
            asyncio.get_running_loop().call_later(self.due - now, self.send)
        else:
            self.send()

    def send(self) -> None:
        if self.transport.is_closing():
            return
        if self.load.is_over():
            self.transport.close()
            return
        self.sent = time.perf_counter()
        self.transport.write(self.load.next())

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        if self.left < 0:
            head, found, _body = self.buffer.partition(b"\r\n\r\n")
            if not found:
                return
            names = head.lower()
            length = names.partition(b"content-length:")[2].partition(b"\r\n")[0]
            self.left = len(head) + 4 + int(length or 0)
            self.status = int(head[9:12])
            self.closes = b"connection: close" in names
        if len(self.buffer) >= self.left:
            self.load.done(self.status, time.perf_counter() - self.sent, self.buffer)
            self.buffer, self.left = b"", -1
            self.transport.close() if self.closes else self.go_on()

    def connection_lost(self, _error: Any) -> None:
        self.load.gone(self)


class Load:
    def __init__(self, asked: dict[str, Any]) -> None:
        self.asked = asked
        self.texts = itertools.cycle(asked["requests"])
        self.number = itertools.count()
        self.prefix = f"{os.getpid()}-{time.time_ns()}"
        self.lead = asked.get("lead", 0)
        self.until = 0.0
        if not self.lead:
            self.begin()
        rate = asked.get("rate")
        self.pause = asked["connections"] / rate if rate else 0.0
        self.taken: list[float] = []
        self.statuses: dict[int, int] = {}
        self.first_wrong = ""
        self.open = 0
        self.over = asyncio.get_running_loop().create_future()

    def begin(self) -> None:
        """From here on it counts."""
        self.began, self.cpu = time.perf_counter(), time.process_time()
        self.until = self.began + self.asked["seconds"]

    def is_over(self) -> bool:
        return bool(self.until) and time.perf_counter() >= self.until

    def next(self) -> bytes:
        key = f"{self.prefix}-{next(self.number)}"
        return filled(next(self.texts), key=key, members=self.asked["members"]).encode()

    def done(self, status: int, seconds: float, answer: bytes) -> None:
        self.statuses[status] = self.statuses.get(status, 0) + 1
        if status >= 300 and not self.first_wrong:
            self.first_wrong = answer.decode(errors="replace")[-600:]
        if self.until:
            self.taken.append(seconds)
            return
        self.lead -= 1
        if self.lead <= 0:
            self.begin()

    def gone(self, _connection: Connection) -> None:
        if not self.is_over():
            asyncio.get_running_loop().create_task(self.connect())
        else:
            self.open -= 1
            if not self.open and not self.over.done():
                self.over.set_result(None)

    async def connect(self) -> None:
        loop = asyncio.get_running_loop()
        await loop.create_connection(lambda: Connection(self), "127.0.0.1", self.asked["port"])

    async def run(self) -> dict[str, Any]:
        self.open = self.asked["connections"]
        await asyncio.gather(*(self.connect() for _ in range(self.open)))
        await asyncio.wait_for(self.over, self.asked["seconds"] + 120)
        took = time.perf_counter() - self.began
        self.taken.sort()
        count = len(self.taken)
        return {
            "rate": count / took,
            "p50": self.taken[count // 2] * 1000,
            "p95": self.taken[int(count * 0.95)] * 1000,
            "cpu": (time.process_time() - self.cpu) / took,
            "statuses": self.statuses,
            "wrong": self.first_wrong,
        }


async def main() -> None:
    found = await Load(json.load(sys.stdin)).run()
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    asyncio.run(main())
