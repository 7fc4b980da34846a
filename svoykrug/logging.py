"""Structured logs that cannot print a phone, a code or a token.

Every record, ours or a library's, passes `mask` last, after formatting, so that nobody has to
remember to mask. Request id and caller come from contextvars bound by the middleware.
"""

import logging
import logging.config
import re
from collections.abc import MutableMapping
from typing import Any

import structlog

# A Russian number in any usual form, an e-mail, a JWT, and long opaque secrets after their names.
PHONE = re.compile(
    r"(?<![\w-])(?:\+?7|8)[\s(\-]*9\d{2}[\s)\-]*\d{3}[\s\-]*\d{2}[\s\-]*\d{2}(?![\w-])"
)
EMAIL = re.compile(r"[\w.+-]+@[\w-]+\.[\w.-]+")
TOKEN = re.compile(r"eyJ[\w-]+\.[\w-]+\.[\w-]*|(?<=Bearer )[\w.~+/-]+=*")
NAMED = re.compile(
    r"(?i)(\b(?:code|password|token|secret|otp|refresh|authorization)\b[\"']?\s*[:=]\s*[\"']?)"
    r"[^\s\"',}&]+"
)
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


def mask_text(text: str) -> str:
    """The text with phones, e-mails, tokens and named secrets replaced by stars."""
    text = TOKEN.sub("***", text)
    text = PHONE.sub("+7***", text)
    text = EMAIL.sub("***@***", text)
    return NAMED.sub(r"\1***", text)


def mask(_logger: Any, _name: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """The processor that stands before the renderer in every chain."""
    for key, value in event.items():
        if key in SECRET_KEYS:
            event[key] = "***"
        elif isinstance(value, str):
            event[key] = mask_text(value)
        elif not isinstance(value, int | float | bool | type(None)) and key != "exc_info":
            event[key] = mask_text(str(value))
    return event


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
                "foreign_pre_chain": SHARED,
                "processors": [
                    structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                    mask,
                    renderer,
                ],
            }
        },
        "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "plain"}},
        "root": {"handlers": ["console"], "level": level},
        "loggers": {
            "django.request": {"level": "ERROR"},
            "celery.app.trace": {"level": "WARNING"},
            "celery.beat": {"level": "WARNING"},
            "django_celery_beat": {"level": "WARNING"},
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
