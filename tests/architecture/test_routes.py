"""Every address says who may call it: generated from the resolver, so that a new one cannot hide."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from django.urls import get_resolver
from django.urls.resolvers import URLPattern, URLResolver

from apps.core.http.permissions import Nobody

# Pages and files for everybody. A new line here is a decision, not a convenience.
PUBLIC = {
    "/",  # sends each to her own place
    "/biz/",  # likewise
    "/favicon.ico",
    "/kassa/shell/",  # the till's empty page for a device without a network: nobody is on it
    "/kassa/worker.js",
    "/help/",
    "/language/",
    "/login/",
    "/login/first/",  # by the link of an invitation
    "/login/code/",  # the steps of signing in know the person by a half-way session
    "/login/pin/",
    "/login/recovery/",
    "/login/setup/",
    "/login/sms/",
    "/login/sms/code/",
    "/logout/",
    "/openapi.json",
    "/docs",
    "/redoc",
    "/.well-known/jwks.json",
    "/health/live",
    "/webhooks/crm/sample",  # proves itself by its secret address, a token or a signature
    "/health/ready",
    "/metrics",  # by the token of Prometheus; nobody else finds anything there
    "/s/sample/",  # the short address at the end of an advert by SMS
    "/theme/",
    "/u/sample/",  # a signed address at the foot of a letter
    "/photos/01a20029-23d1-7699-a0fe-2d5901b86d4b.jpg",  # guests see them in the app
    "/webhooks/messages/sample",  # a provider, by its signature
}
SAMPLES = {"uuid": "01a20029-23d1-7699-a0fe-2d5901b86d4b", "int": "1"}


def routes(
    patterns: list[Any] | None = None, prefix: str = "/", app: str = ""
) -> Iterator[tuple[str, str, URLPattern]]:
    """(address with samples for its arguments, app of the pages, pattern) of all but the admin."""
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        path = prefix + re.sub(
            r"<(?:(\w+):)?\w+>", lambda m: SAMPLES.get(m[1] or "", "sample"), str(pattern.pattern)
        )
        if isinstance(pattern, URLResolver):
            if pattern.app_name != "admin":
                yield from routes(pattern.url_patterns, path, app or pattern.app_name or "")
        else:
            yield path, app, pattern


API = [(path, pattern) for path, _app, pattern in routes() if path.startswith("/api/")]
PAGES = [(path, pattern) for path, _app, pattern in routes() if not path.startswith("/api/")]


def test_the_walk_sees_both_kinds() -> None:
    assert len(API) > 10
    assert {pattern.name for _path, pattern in PAGES} >= {"till", "owner", "signin"}


@pytest.mark.parametrize(("path", "pattern"), API, ids=[path for path, _pattern in API])
def test_api_route_declares_who_may_call(path: str, pattern: URLPattern) -> None:
    """By its class, by the route, or by action: the default serves nobody and is no declaration."""
    callback: Any = pattern.callback
    for action in set(getattr(callback, "actions", {"": ""}).values()):
        view = callback.cls(**callback.initkwargs)
        view.action = action

        declared = view.get_permissions()

        assert declared, action
        assert not any(isinstance(one, Nobody) for one in declared), action


@pytest.mark.parametrize(("path", "pattern"), PAGES, ids=[path for path, _pattern in PAGES])
def test_page_is_public_by_decision_or_asks_to_sign_in(
    path: str, pattern: URLPattern, client: Client, db: None
) -> None:
    if path in PUBLIC:
        return

    answers = [client.get(path), client.post(path)]

    served = [answer for answer in answers if answer.status_code != 405]
    assert served
    assert all(answer.status_code == 302 for answer in served)
    assert all(answer.url.startswith("/login/?next=") for answer in served)


def test_no_public_address_is_left_over() -> None:
    assert {path for path, _pattern in PAGES} >= PUBLIC
