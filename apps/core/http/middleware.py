"""What surrounds every request: its id, its caller in the logs, and guards of the API's edge."""

import time
from collections.abc import Callable
from uuid import UUID

import structlog
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import translation

from apps.core import context
from apps.core.http import envelope, errors
from apps.core.ids import new_id

log = structlog.get_logger("request")
GetResponse = Callable[[HttpRequest], HttpResponse]


def _request_id(given: str | None) -> str:
    try:
        return str(UUID(given or ""))
    except ValueError:
        return str(new_id())


class RequestIdMiddleware:
    """Takes `X-Request-ID` if it is a UUID, else makes one; header, logs and audit carry it."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request_id = _request_id(request.headers.get("X-Request-ID"))
        address = request.META.get("REMOTE_ADDR") or None
        context.bind(context.Caller(request_id=request_id, address=address))
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id)
        started = time.perf_counter()
        response = self.get_response(request)
        response["X-Request-ID"] = request_id
        # The path only, never the query: a phone may stand there.
        log.info(
            "request",
            method=request.method,
            path=request.path_info,
            status=response.status_code,
            ms=round((time.perf_counter() - started) * 1000),
        )
        return response


class ApiGuardMiddleware:
    """At the API's edge: bodies over 1 MiB and NUL in the address are refused before parsing."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if envelope.is_api(request):
            length = request.META.get("CONTENT_LENGTH") or "0"
            if length.isdigit() and int(length) > settings.DATA_UPLOAD_MAX_MEMORY_SIZE:
                return errors.plain("TOO_LARGE")
            if "\x00" in request.path_info or "%00" in request.META.get("QUERY_STRING", ""):
                return errors.plain("MALFORMED")
        return self.get_response(request)


class LanguageMiddleware:
    """API: `Accept-Language` decides. Pages: Russian, unless the person chose English."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if envelope.is_api(request):
            language = translation.get_language_from_request(request)
        else:
            language = request.COOKIES.get(settings.LANGUAGE_COOKIE_NAME, settings.LANGUAGE_CODE)
        known = dict(settings.LANGUAGES)
        with translation.override(language if language in known else settings.LANGUAGE_CODE):
            request.LANGUAGE_CODE = translation.get_language()
            response = self.get_response(request)
            if envelope.is_api(request):
                response.headers.setdefault("Content-Language", translation.get_language() or "ru")
                response.headers.setdefault("Cache-Control", "no-store")
        return response
