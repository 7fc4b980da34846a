"""Structured logs that cannot print a phone, a code or a token.

Every record, ours or a library's, passes `mask` last, after formatting, so that nobody has to
remember to mask. Request id and caller come from contextvars bound by the middleware.
"""

import logging
import logging.config
from collections.abc import MutableMapping
from typing import Any

import structlog

from apps.core.masking import PHONE, mask_text

SECRET_KEYS = {
    "code",
    "password",
    "token",
    "refresh_token",
    "access_token",
    "phone",
    "email",
    "secret",
}


def mask(_logger: Any, _name: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """The processor that stands before the renderer in every chain."""
    for key, value in event.items():
        if key in SECRET_KEYS:
            event[key] = "***"
        elif isinstance(value, int | float):  # bool is an int
            event[key] = "+7***" if PHONE.search(str(value)) else value
        elif value is not None and key != "exc_info" and not key.startswith("_"):
            event[key] = mask_text(str(value))
    return event


def mask_foreign(
    logger: Any, name: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """The same for lines of libraries; ours passed `mask` on their way here."""
    return event if event.get("_from_structlog") else mask(logger, name, event)


def _format_exception(
    _logger: Any, _name: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    # Rendered to text here, so that `mask` sees the traceback too.
    return structlog.processors.format_exc_info(_logger, _name, event)


SHARED: list[Any] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.stdlib.PositionalArgumentsFormatter(),
    _format_exception,
    mask,
]


def logging_config(*, json: bool, level: str) -> dict[str, Any]:
    """The dictionary for `LOGGING`: lines for people in development, JSON in production."""
    renderer: Any = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if json
        else structlog.dev.ConsoleRenderer(colors=False)
    )
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "plain": {
                "()": structlog.stdlib.ProcessorFormatter,
                "foreign_pre_chain": SHARED[:-1],
                "processors": [
                    mask_foreign,
                    structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                    renderer,
                ],
            }
        },
        "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "plain"}},
        "root": {"handlers": ["console"], "level": level},
        "loggers": {
            "django.request": {"level": "ERROR"},
            "celery.app.trace": {"level": "WARNING"},
            "celery.worker.strategy": {"level": "WARNING"},
            "celery.beat": {"level": "WARNING"},
            "django_celery_beat": {"level": "WARNING"},
            "httpx2": {"level": "WARNING"},
        },
    }


def configure(config: dict[str, Any]) -> None:
    """Set up stdlib logging and structlog together (`LOGGING_CONFIG`)."""
    logging.config.dictConfig(config)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *SHARED,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
