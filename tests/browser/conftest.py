"""A real Chromium. Where there is none these tests are skipped, and the summary says why.

A browser takes seconds for each test: `make test` runs those marked `everyday`, one way through
each place and what would cost money; `make check` runs all.
"""

import os
import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connections
from django.test import Client
from playwright.sync_api import BrowserContext, Page, Playwright

from apps.accounts.models import User
from tests.backoffice.conftest import (  # noqa: F401
    anna,
    cafe,
    olga,
    person,
    salon,
    sell,
    signed_in,
    vera,
)

# Playwright's synchronous interface keeps a loop running; Django would refuse the database in it.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), ""
)
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
MARKS = [
    pytest.mark.browser,
    pytest.mark.xdist_group("browser"),
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(
        not CHROMIUM,
        reason="NO BROWSER TESTS RAN: no Chromium on this machine (apt-get install chromium)",
    ),
]
HERE = os.path.dirname(__file__)


@pytest.hookimpl(tryfirst=True)  # before xdist reads the groups and `-m` chooses
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if str(item.path).startswith(HERE):
            for mark in MARKS:
                item.add_marker(mark)
            if not item.get_closest_marker("everyday"):
                item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="session")
def base_url() -> str:
    """In place of a plugin's fixture that newer pytest warns about; ours is `live_server.url`."""
    return ""


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    return {**browser_type_launch_args, "executable_path": CHROMIUM, "args": ARGUMENTS}


@pytest.fixture(scope="session")
def browser_context_args(browser_context_args: dict[str, Any]) -> dict[str, Any]:
    # Without motion: a colour measured halfway between two themes is nobody's colour.
    return {
        **browser_context_args,
        "locale": "ru-RU",
        "timezone_id": "Europe/Moscow",
        "reduced_motion": "reduce",
    }


@pytest.fixture(scope="session", autouse=True)
def _close_the_loops_connection(playwright: Playwright, django_db_setup: None) -> Iterator[None]:
    """While Playwright's loop runs Django keeps a connection apart; close it before the database
    is dropped."""
    yield
    connections.close_all()


@pytest.fixture
def troubles(context: BrowserContext) -> list[str]:
    """What the console complained about: refused by the policy, broken scripts, missing files."""
    found: list[str] = []

    def listen(page: Page) -> None:
        page.on("pageerror", lambda error: found.append(str(error)))
        page.on(
            "console",
            lambda said: found.append(said.text) if is_trouble(said.type, said.text) else None,
        )

    context.on("page", listen)
    return found


def is_trouble(kind: str, text: str) -> bool:
    """A preview that a newer one has replaced is given up on purpose; htmx calls that an error."""
    given_up = text.startswith(("htmx:sendAbort", "htmx:afterRequest"))
    return kind in ("error", "warning") and not given_up


@pytest.fixture
def enter(
    context: BrowserContext,
    live_server: Any,
    signed_in: Callable[[User], Client],  # noqa: F811
    troubles: list[str],
) -> Callable[[User, str], Page]:
    """`enter(vera, "/kassa/")`: her browser with that page open."""

    def open_page(user: User, path: str) -> Page:
        client = signed_in(user)
        cookie = {"name": "sessionid", "value": client.cookies["sessionid"].value}
        context.add_cookies([{**cookie, "url": live_server.url}])
        page = context.new_page()
        page.goto(f"{live_server.url}{path}")
        return page

    return open_page
