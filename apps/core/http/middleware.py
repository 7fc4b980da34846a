"""What surrounds every request: its id, its caller in the logs, and guards of the API's edge."""

import time
from collections.abc import Callable
from ipaddress import ip_address
from uuid import UUID

import structlog
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import translation
from rest_framework.settings import api_settings

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


def _address(request: HttpRequest) -> str | None:
    """Whence the request came. Each proxy adds the address that it saw to X-Forwarded-For, and a
    stranger may have written some before: only as many entries count, from the end, as there are
    proxies of ours (NUM_PROXIES). Without proxies the connection's own address counts."""
    proxies = api_settings.NUM_PROXIES or 0
    entries = request.headers.get("X-Forwarded-For", "").split(",")
    seen = [entry.strip() for entry in entries if entry.strip()]
    given = seen[-proxies] if 0 < proxies <= len(seen) else request.META.get("REMOTE_ADDR", "")
    try:
        return str(ip_address(given))
    except ValueError:  # a Unix socket has no address
        return None


def _language(request: HttpRequest) -> str:
    """API: `Accept-Language` decides. Pages: Russian, unless the person chose English."""
    if envelope.is_api(request):
        language = translation.get_language_from_request(request)
    else:
        language = request.COOKIES.get(settings.LANGUAGE_COOKIE_NAME, settings.LANGUAGE_CODE)
    return language if language in dict(settings.LANGUAGES) else settings.LANGUAGE_CODE


class RequestIdMiddleware:
    """Takes `X-Request-ID` if it is a UUID, else makes one; header, logs and audit carry it."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request_id = _request_id(request.headers.get("X-Request-ID"))
        context.begin()
        context.bind(context.Caller(request_id=request_id, address=_address(request)))
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
        context.end()
        structlog.contextvars.clear_contextvars()
        return response


class ApiGuardMiddleware:
    """The API's edge. Bodies over 1 MiB and NUL in the address are refused before parsing; what
    Django answers by itself (no such route, a crash, debug pages) goes out in the envelope."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not envelope.is_api(request):
            return self.get_response(request)
        language = _language(request)
        with translation.override(language):
            code = self._fault(request)
            response = errors.plain(code) if code else self.get_response(request)
            if response.status_code >= 400 and response["Content-Type"] != "application/json":
                response = errors.of_status(response.status_code)
        response.headers.setdefault("Content-Language", language)
        response.headers.setdefault("Cache-Control", "no-store")
        return response

    @staticmethod
    def _fault(request: HttpRequest) -> str:
        """The code of what is wrong with the request before anybody reads it; usually empty."""
        length = request.META.get("CONTENT_LENGTH") or "0"
        if length.isdecimal() and int(length) > settings.DATA_UPLOAD_MAX_MEMORY_SIZE:
            return "TOO_LARGE"
        if "\x00" in request.path_info or "%00" in request.META.get("QUERY_STRING", ""):
            return "MALFORMED"
        return ""


class LanguageMiddleware:
    """Everything inside speaks the language of the request."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        with translation.override(_language(request)):
            request.LANGUAGE_CODE = translation.get_language()
            return self.get_response(request)
