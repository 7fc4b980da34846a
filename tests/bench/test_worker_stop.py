"""A worker is asked to stop under load: `make bench ARGS=tests/bench/test_worker_stop.py`.

What it has begun it ends, what it has only taken from the queue it gives back: another worker does
the rest, and each task is done once.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

import pytest
import redis

from svoykrug.dev import embedded
from svoykrug.dev.checkout import ROOT, Profile
from svoykrug.dev.supervisor import COMMANDS
from tests.bench.speed.worker import BEGUN, ENDED, TOOK

pytestmark = pytest.mark.bench
QUEUE, APP = "bench-stop", "tests.bench.speed.worker"
TASKS, PATIENCE = 60, 150.0
SEND = f"""
import django
django.setup()
from {APP} import take_time
for number in range({TASKS}):
    take_time.apply_async((number,), queue={QUEUE!r})
"""


def environment_of(profile: Mapping[str, str]) -> dict[str, str]:
    made = {**profile, "ENVIRONMENT": "production", "SECURE_SSL_REDIRECT": "off",
            "DJANGO_SETTINGS_MODULE": "svoykrug.settings"}  # fmt: skip
    return {name: value for name, value in made.items() if not name.startswith("PYTEST_")}


def worker(environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
    """The production command over a queue of its own."""
    words = [APP if word == "svoykrug" else word for word in COMMANDS["worker"]]
    words[words.index("--queues") + 1] = QUEUE
    return subprocess.Popen([sys.executable, *words], env=environment, cwd=ROOT)


def until(is_so: Callable[[], bool]) -> None:
    ends = time.monotonic() + PATIENCE
    while not is_so():
        assert time.monotonic() < ends, "it takes too long"
        time.sleep(0.05)


def numbers(line: Any, key: str) -> list[int]:
    return sorted(int(one) for one in line.lrange(key, 0, -1))


def test_what_was_begun_is_ended_and_the_rest_given_back(capsys: Any) -> None:
    with capsys.disabled(), embedded.in_use(Profile("bench")) as profile:
        environment = environment_of(os.environ | profile)
        line, broker = (redis.Redis.from_url(f"{profile['REDIS_URL']}/{n}") for n in (0, 1))
        line.delete(BEGUN, ENDED)
        broker.delete(QUEUE)
        subprocess.run([sys.executable, "-c", SEND], env=environment, cwd=ROOT, check=True)
        assert broker.llen(QUEUE) == TASKS

        first = worker(environment)
        until(lambda: line.llen(ENDED) >= 4)
        signalled = time.monotonic()
        first.send_signal(signal.SIGTERM)
        code = first.wait(PATIENCE)
        took = time.monotonic() - signalled
        begun, ended, left = numbers(line, BEGUN), numbers(line, ENDED), broker.llen(QUEUE)

        second = worker(environment)
        until(lambda: line.llen(ENDED) >= TASKS)
        second.send_signal(signal.SIGTERM)
        second.wait(PATIENCE)
        done = numbers(line, ENDED)
        print(
            f"\nStopped in {took:.1f} s (a task takes {TOOK} s): {len(ended)} done, {left} given back"
        )

    assert code == 0
    assert begun == ended
    assert len(ended) + left == TASKS
    assert 0 < left < TASKS
    assert done == list(range(TASKS))  # the rest by the other one, none twice
