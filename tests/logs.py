"""The project's own logging, written to memory instead of the terminal."""

import io
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings

from svoykrug.logging import configure, logging_config


@contextmanager
def captured(*, json: bool = True, level: str = "DEBUG") -> Iterator[io.StringIO]:
    """What the configured handlers print inside the block, formatted as in life."""
    stream = io.StringIO()
    config = logging_config(json=json, level=level)
    config["handlers"]["console"]["stream"] = stream
    configure(config)
    try:
        yield stream
    finally:
        configure(settings.LOGGING)
