"""Races on real threads and real PostgreSQL connections."""

import threading
from collections.abc import Callable
from typing import Any

from django.db import connection


def race(count: int, work: Callable[[int], Any]) -> list[Any]:
    """Run `work(n)` on `count` threads from one barrier; what each returned or raised."""
    barrier, outcomes = threading.Barrier(count), []

    def run(n: int) -> None:
        try:
            barrier.wait()
            outcomes.append(work(n))
        except Exception as failure:  # noqa: BLE001 - the outcome is what the test looks at
            outcomes.append(failure)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(n,)) for n in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes
