"""Django's backend for PostgreSQL with a health check that is free as long as nothing has happened.

Django asks `SELECT 1` before the first statement of each request: a round trip of two that a read
makes. A server that ended, restarted or gave up on us has closed its side, and that is to be seen
on the socket without asking anybody. What nobody used for a while is asked as ever: something
between us and the server may have forgotten it without a word.
"""

import select
import time

import psycopg
from django.conf import settings

if settings.METRICS_TOKEN:
    from django_prometheus.db.backends.postgresql.base import DatabaseWrapper as Backend
else:
    from django.db.backends.postgresql.base import DatabaseWrapper as Backend

FRESH = 10.0  # seconds since the last look within which the socket alone is believed


class DatabaseWrapper(Backend):  # type: ignore[misc,unused-ignore]
    looked_at = 0.0

    def is_usable(self) -> bool:
        is_fresh = time.monotonic() - self.looked_at < FRESH
        is_known = is_fresh and not self.errors_occurred and self._is_silent()
        usable = is_known or bool(super().is_usable())
        self.looked_at = time.monotonic() if usable else 0.0
        return usable

    def _is_silent(self) -> bool:
        """The server has sent nothing since its last answer: no farewell, no end of the line."""
        if self.connection is None:
            return False
        try:
            watch = select.poll()
            watch.register(self.connection.pgconn.socket, select.POLLIN)
            return not watch.poll(0)
        except (psycopg.Error, OSError):
            return False
