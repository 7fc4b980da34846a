"""Errors to Sentry, without personal data.

Measured with fake phones: with the client's switch for personal data off they still leave through
local variables, through bodies and through `repr(request)` with its query string. So none of these
is sent, and whatever text remains is masked as the logs are. The server has to stand in Russia.
"""

from typing import Any

from apps.core.masking import mask_text

DROPPED = ("cookies", "data", "env", "query_string")
HEADERS = ("user-agent", "content-type", "x-request-id")
OFF = {"mode": "off"}
NOTHING: Any = {
    "user_info": False,
    "cookies": OFF,
    "http_headers": {"request": {"mode": "allowlist", "terms": list(HEADERS)}},
    "http_bodies": [],
    "url_query_params": OFF,
    "database_query_data": False,
    "queues": False,
    "stack_frame_variables": False,
    "frame_context_lines": 0,
}


def start(dsn: str, *, environment: str, release: str) -> None:
    """Begin to report; without an address nothing is loaded and nothing leaves."""
    if not dsn:
        return
    # A second of start and thirty integrations: only where it is used.
    import sentry_sdk  # noqa: PLC0415

    sentry_sdk.init(
        dsn=dsn,
        environment=environment,
        release=release or None,
        data_collection=NOTHING,
        max_request_body_size="never",
        max_breadcrumbs=0,
        traces_sample_rate=0,
        before_send=scrub,
    )


def scrub(event: Any, hint: dict[str, Any] | None = None) -> Any:
    """The event as it may leave: no person, no body, no query, all text masked."""
    event.pop("user", None)
    event.pop("breadcrumbs", None)
    request = event.get("request", {})
    for name in DROPPED:
        request.pop(name, None)
    request["headers"] = {
        name: value for name, value in request.get("headers", {}).items() if name.lower() in HEADERS
    }
    return _masked(event)


def _masked(value: Any) -> Any:
    if isinstance(value, str):
        return mask_text(value)
    if isinstance(value, dict):
        return {name: _masked(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_masked(one) for one in value]
    return value
