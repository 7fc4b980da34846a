"""The settings of the web server, with the server itself and an application that names its process."""

import http.client
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from svoykrug.dev import ports
from svoykrug.dev.checkout import ROOT

APPLICATION = """
import os

def application(environ, start):
    body = str(os.getpid()).encode()
    start("200 OK", [("Content-Length", str(len(body)))])
    return [body]
"""
CLIENTS, LEAST = 32, 3  # of 32 fair coins, fewer than three fall on one side once in eight million
WORDS = ("-m", "gunicorn", "who:application", "--config", str(ROOT / "svoykrug/gunicorn.conf.py"))


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "who.py").write_text(APPLICATION)
    return {
        **{name: value for name, value in os.environ.items() if "PROMETHEUS" not in name},
        "ENVIRONMENT": "production",
        "PORT": str(ports.choose()),
        "WEB_WORKERS": "2",
        "PYTHONPATH": str(tmp_path),
    }


@pytest.fixture
def port(environment: dict[str, str]) -> Iterator[int]:
    port = int(environment["PORT"])
    with subprocess.Popen([sys.executable, *WORDS], env=environment) as server:
        until = time.monotonic() + 30
        while ports.is_free(port) and server.poll() is None and time.monotonic() < until:
            time.sleep(0.1)
        yield port
        server.terminate()


@pytest.mark.skipif(sys.platform != "linux", reason="other systems do not spread connections")
def test_connections_spread_over_the_processes_and_the_port_is_nobody_elses(port, environment):
    until = time.monotonic() + 30
    seen: Counter[bytes] = Counter()
    while len(seen) < 2 and time.monotonic() < until:  # both have started
        seen[who(port)[0]] += 1

    lines = [who(port) for _ in range(CLIENTS)]  # all of them stay open
    spread = Counter(pid for pid, _line in lines)
    for _pid, line in lines:
        line.close()
    assert len(spread) == 2
    assert min(spread.values()) >= LEAST, spread

    second = subprocess.run(
        [sys.executable, *WORDS], env=environment, capture_output=True, text=True, timeout=60,
        check=False,
    )  # fmt: skip
    assert second.returncode
    assert f"Cannot listen at 127.0.0.1:{port}" in second.stderr


def who(port: int) -> tuple[bytes, http.client.HTTPConnection]:
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    line.request("GET", "/")
    return line.getresponse().read(), line
