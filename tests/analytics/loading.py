"""A loader of its own process, to be killed: loads small batches for ever, sends each one twice."""

import os
import sys
import time
from typing import Any

import django


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "svoykrug.settings")
    django.setup()
    from apps.analytics import loader  # noqa: PLC0415 - Django first
    from apps.core import clickhouse  # noqa: PLC0415

    once = clickhouse.insert

    def twice(*given: Any, **named: Any) -> None:
        once(*given, **named)
        once(*given, **named)

    clickhouse.insert = twice
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    while True:
        loader.load_waiting(most_rows=9)
        time.sleep(0.01)


if __name__ == "__main__":
    main()
