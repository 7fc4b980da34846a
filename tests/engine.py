"""The embedded ClickHouse engine of a test process, opened once and kept.

The product opens and closes it around every operation, because several processes share its folder;
that is 60 ms each time, and nobody shares a test's folder. With a server there is nothing to keep.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from clickhouse_connect.driver.client import Client
from django.conf import settings

from apps.core import clickhouse

opened = clickhouse._embedded  # the product's own


class Engine:
    """In place of the product's own door, for one folder."""

    def __init__(self) -> None:
        self.path = settings.CLICKHOUSE["path"]
        self.client: Client | None = None
        self.database = "default"

    @contextmanager
    def session(self, database: str | None) -> Iterator[Client]:
        if settings.CLICKHOUSE["path"] != self.path:  # a process holds one folder
            self.close()
            with opened(database) as other:
                yield other
            return
        with clickhouse._turn:
            before = self.database
            self._use(database or "default")
            try:
                assert self.client
                yield self.client
            finally:
                self._use(before)

    def close(self) -> None:
        """For a test in which another process wants the folder; the next session opens it."""
        with clickhouse._turn:
            if self.client:
                self.client.close()
            self.client, self.database = None, "default"

    def _use(self, database: str) -> None:
        if self.client is None:
            self.client = clickhouse._engine(self.path)
        if self.database != database:
            self.client.command(f"USE `{database}`")
            self.database = database
