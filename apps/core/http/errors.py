"""The one handler that knows about status numbers: exceptions in, failure envelopes out."""

from typing import Any

import structlog
from django.core.exceptions import PermissionDenied
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _
from rest_framework import exceptions as drf
from rest_framework.response import Response

from apps.core.errors import Invalid, Refused, TooMany
from apps.core.http import envelope

log = structlog.get_logger(__name__)

STATUS = {
    "MALFORMED": 400,
    "UNAUTHENTICATED": 401,
    "TOKEN_EXPIRED": 401,
    "TOKEN_REUSED": 401,
    "CODE_INVALID": 401,
    "CODE_EXPIRED": 401,
    "FORBIDDEN": 403,
    "STATUS_REQUIRED": 403,
    "BLOCKED": 403,
    "NOT_FOUND": 404,
    "METHOD_NOT_ALLOWED": 405,
    "CONFLICT": 409,
    "INSUFFICIENT_BONUS": 409,
    "EVENT_FULL": 409,
    "ALREADY_USED": 409,
    "ALREADY_REGISTERED": 409,
    "ALREADY_VOTED": 409,
    "WRONG_STATE": 409,
    "IDEMPOTENCY_IN_PROGRESS": 409,
    "STALE": 412,
    "TOO_LARGE": 413,
    "UNSUPPORTED_MEDIA": 415,
    "VALIDATION_ERROR": 422,
    "IDEMPOTENCY_MISMATCH": 422,
    "RATE_LIMITED": 429,
    "INTERNAL": 500,
    "UNAVAILABLE": 503,
}

MESSAGES: dict[str, Any] = {
    "MALFORMED": _("The request cannot be read. Nothing was changed."),
    "UNAUTHENTICATED": _("Please sign in."),
    "FORBIDDEN": _("You may not do this."),
    "NOT_FOUND": _("Not found."),
    "METHOD_NOT_ALLOWED": _("This address does not take this method."),
    "TOO_LARGE": _("The request is too large: at most 1 MiB."),
    "UNSUPPORTED_MEDIA": _("Send JSON: Content-Type must be application/json."),
    "VALIDATION_ERROR": _("Please check the data. Nothing was changed."),
    "RATE_LIMITED": _("Too many requests. Please wait a little."),
    "INTERNAL": _("Something went wrong on our side. Nothing was lost; please try again later."),
    "UNAVAILABLE": _("The service is temporarily unavailable. Nothing was lost."),
}

# DRF's and Django's exceptions → the contract's code. Order matters: subclasses first.
KNOWN: list[tuple[type[Exception], str]] = [
    (drf.ParseError, "MALFORMED"),
    (drf.NotAuthenticated, "UNAUTHENTICATED"),
    (drf.AuthenticationFailed, "UNAUTHENTICATED"),
    (drf.PermissionDenied, "FORBIDDEN"),
    (PermissionDenied, "FORBIDDEN"),
    (drf.NotFound, "NOT_FOUND"),
    (Http404, "NOT_FOUND"),
    (drf.MethodNotAllowed, "METHOD_NOT_ALLOWED"),
    (drf.UnsupportedMediaType, "UNSUPPORTED_MEDIA"),
    (drf.Throttled, "RATE_LIMITED"),
    (OperationalError, "UNAVAILABLE"),
    (InterfaceError, "UNAVAILABLE"),
]

# What Django answers by itself, before a view or instead of one, by status.
OF_STATUS = {400: "MALFORMED", 403: "FORBIDDEN", 404: "NOT_FOUND", 413: "TOO_LARGE"}


def _flatten(detail: Any) -> dict[str, Any]:
    """Field → list of messages, as the contract wants; nested fields become `items.0.price`."""
    flat: dict[str, list[str]] = {}

    def walk(prefix: str, value: Any) -> None:
        if isinstance(value, dict):
            for name, inner in value.items():
                walk(f"{prefix}.{name}" if prefix else str(name), inner)
        elif isinstance(value, list) and any(isinstance(item, dict | list) for item in value):
            for index, inner in enumerate(value):
                walk(f"{prefix}.{index}", inner)
        else:
            messages = value if isinstance(value, list) else [value]
            flat.setdefault(prefix or "nonFieldErrors", []).extend(str(m) for m in messages)

    walk("", detail)
    return {name.replace("non_field_errors", "nonFieldErrors"): m for name, m in flat.items()}


def _failure(code: str, message: Any = None, details: dict[str, Any] | None = None) -> Response:
    text = str(message if message is not None else MESSAGES[code])
    return Response(envelope.failure(code, text, details), status=STATUS[code])


def _lists(details: dict[str, Any]) -> dict[str, list[str]]:
    """Field → list of messages, also where a refusal tells one value: `available: ["120.00"]`."""
    return {
        name: [str(one) for one in value] if isinstance(value, list | tuple) else [str(value)]
        for name, value in details.items()
        if value is not None
    }


def _of_refusal(refusal: Refused) -> Response:
    if isinstance(refusal, Invalid):
        message = str(refusal)
        return _failure(refusal.code, None, {refusal.field: [message]})
    response = _failure(refusal.code, refusal, _lists(refusal.details))
    if isinstance(refusal, TooMany):
        response["Retry-After"] = str(refusal.details["retry_after"])
    elif refusal.code == "IDEMPOTENCY_IN_PROGRESS":
        response["Retry-After"] = "1"
    return response


def answer(failure: Exception, context: dict[str, Any]) -> Response:
    """DRF's exception handler. Transactions of the view were rolled back by the exception itself."""
    if isinstance(failure, Refused):
        response = _of_refusal(failure)
    elif isinstance(failure, drf.ValidationError):
        response = _failure("VALIDATION_ERROR", None, _flatten(failure.detail))
    else:
        code = next((code for kind, code in KNOWN if isinstance(failure, kind)), None)
        if code is None:
            # Nobody's refusal: a fault of ours. The log has the traceback, the person never.
            log.error("request.crashed", exc_info=failure)
            code = "INTERNAL"
        response = _failure(code)
    if isinstance(failure, drf.MethodNotAllowed):
        view = context.get("view")
        response["Allow"] = ", ".join(view.allowed_methods) if view else ""
    if isinstance(failure, drf.Throttled):
        response["Retry-After"] = str(int(getattr(failure, "wait", None) or 1) + 1)
    if response.status_code == 401:
        response["WWW-Authenticate"] = "Bearer"
    return response


def plain(code: str) -> HttpResponse:
    """A failure outside of DRF: unknown route, body too large, a crash."""
    return envelope.failure_response(STATUS[code], code, MESSAGES[code])


def of_status(status: int) -> HttpResponse:
    """The envelope in place of a page that Django made for a failure."""
    return plain(OF_STATUS.get(status, "MALFORMED" if status < 500 else "INTERNAL"))


def of_api(request: HttpRequest, code: str) -> HttpResponse | None:
    """The failure as JSON when an API address was asked, else None: a page answers."""
    return plain(code) if envelope.is_api(request) else None
