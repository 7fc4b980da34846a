"""gunicorn's worker with threads, which at its end leaves nobody in its queue.

The kernel takes connections before the process does. Each process has a queue of its own
(`reuse_port`): what waits there when it is asked to stop would be reset as it ends, seconds later,
and meanwhile the kernel would add to it instead of turning to a process that goes on.
"""

from typing import Any

from gunicorn.workers.gthread import ThreadWorker


class Worker(ThreadWorker):
    sockets: list[Any]

    def set_accept_enabled(self, enabled: bool) -> None:
        if self.alive:
            super().set_accept_enabled(enabled)
        elif self.sockets:  # the end, once
            super().set_accept_enabled(True)  # the queue may be read without waiting
            for listener in self.sockets:
                self._take_all_of(listener)
            super().set_accept_enabled(False)
            for listener in self.sockets:
                listener.close()
            self.sockets = []

    def _take_all_of(self, listener: Any) -> None:
        taken = -1
        while taken != self.nr_conns:
            taken = self.nr_conns
            self.accept(listener)
