"""The one shape of every answer: success with data, or failure with a code; meta in both."""

from decimal import Decimal
from typing import Any

import orjson
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.functional import Promise

from apps.core.context import caller
from apps.core.http.casing import camelize

OPTIONS = orjson.OPT_NON_STR_KEYS | orjson.OPT_UTC_Z | orjson.OPT_NAIVE_UTC


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return f"{value:.2f}"
    if isinstance(value, Promise):
        return str(value)
    raise TypeError(type(value).__name__)


def dumps(value: Any) -> bytes:
    """JSON with money as strings of two decimals and moments in UTC with Z."""
    return orjson.dumps(value, default=_plain, option=OPTIONS)


def meta(**extra: Any) -> dict[str, Any]:
    return {
        "timestamp": timezone.now().strftime("%Y-%m-%dT%H:%M:%SZ"),
        "requestId": caller().request_id,
        **extra,
    }


def success(data: Any, **extra: Any) -> bytes:
    """`data` is converted to camelCase unless it is an `orjson.Fragment` (a stored answer)."""
    body = data if isinstance(data, orjson.Fragment) else camelize(data)
    return dumps({"success": True, "data": body, "meta": meta(**extra)})


def failure(code: str, message: str, details: dict[str, Any] | None = None) -> bytes:
    error = {"code": code, "message": message, "details": camelize(details or {})}
    return dumps({"success": False, "error": error, "meta": meta()})


def failure_response(
    status: int, code: str, message: Any, details: dict[str, Any] | None = None
) -> HttpResponse:
    """A failure for places that DRF never reaches: unknown routes, middleware, crashes."""
    return HttpResponse(
        failure(code, str(message), details), status=status, content_type="application/json"
    )


def is_api(request: HttpRequest) -> bool:
    return request.path_info.startswith(("/api/", "/webhooks/", "/calendar/"))
