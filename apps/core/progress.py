"""One line on the terminal that says how far a long command is. Silent when nobody watches."""

import time
from types import TracebackType
from typing import TextIO

from django.utils.translation import gettext as _

PAUSE = 0.2  # seconds between two looks
WIDTH = 24


class Progress:
    """`with Progress(total, stream) as progress: progress(done, rows)`.

    `total` and `done` are in any unit (bytes of a file); `rows` is what people count.
    """

    def __init__(self, total: int, stream: TextIO) -> None:
        self.total = max(total, 1)
        self.stream = stream
        self.watched = stream.isatty()
        self.started = self.shown = time.monotonic()

    def __call__(self, done: int, rows: int) -> None:
        now = time.monotonic()
        if not self.watched or (now - self.shown < PAUSE and done < self.total):
            return
        self.shown = now
        passed = max(now - self.started, 0.001)
        share = min(done / self.total, 1.0)
        full = round(share * WIDTH)
        text = _("rows: %(rows)s · %(rate)s a second · left: %(left)s") % {
            "rows": rows,
            "rate": round(rows / passed),
            "left": _clock(passed * (1 - share) / share) if share else "…",
        }
        bar = "█" * full + "░" * (WIDTH - full)
        self.stream.write(f"\r\x1b[K{bar} {share:4.0%} · {text}")
        self.stream.flush()

    def __enter__(self) -> "Progress":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        failure: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.watched:
            self.stream.write("\n")
            self.stream.flush()


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
