"""Every kind of page of every role in a real browser, on the demo with something in every queue.

First each role walks along all links without a browser (tests/crawl), which finds the pages, what
is missing, what is not Russian, and what they ask the database. Then one page of each kind is
looked at: at 360, 768 and 1200 px, in both themes, with axe and the console. Tables and pictures
are left in .run/crawl.
"""

import faulthandler
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.db import connection
from django.test import Client
from playwright.sync_api import Browser

from tests import database, fact_tables
from tests.browser.looking import everywhere, listen, look, once_each, settle
from tests.crawl import table, world
from tests.crawl.walking import Limits, Seen, Walk

WORLD = {"members": 80, "days": 200}
PLACES = {
    "signin": ("nobody",),
    "till": ("cashier", "host"),
    "owner": ("owner", "newcomer"),
    "control": ("moderator", "admin", "superadmin"),
    "admin": ("superadmin",),
}
STARTS = {"admin": "/admin/"}
ALIKE = ("_changelist", "_change", "_add", "_history", "_delete")  # one template for all models
SHOWN = {
    f"admin:{name}"
    for name in (
        "accounts_user_changelist",
        "accounts_user_change",
        "events_event_changelist",
        "events_event_change",
        "loyalty_journal_change",
        "transactions_transaction_changelist",
        "loyalty_offerconstructor_change",
        "core_auditentry_changelist",
        "notifications_template_change",
        "django_celery_beat_periodictask_changelist",
        "businesses_business_change",
        "crm_crmintegration_change",
    )
}


@pytest.fixture
def _django_db_helper(cast: world.Cast) -> None:
    """In place of a transaction for each test: one committed world for the file."""


@pytest.fixture(scope="module")
def cast(
    django_db_setup: None, django_db_blocker: Any, _clickhouse_ready: None
) -> Iterator[world.Cast]:
    with django_db_blocker.unblock():
        fact_tables.empty()
        yield world.make(**WORLD)
        database.restore()
        connection.close()


@pytest.fixture(scope="module")
def agent(browser: Browser) -> str:
    """What this browser calls itself, its service workers too."""
    page = browser.new_page()
    name = str(page.evaluate("navigator.userAgent"))
    page.close()
    return name


@pytest.fixture(scope="module")
def known() -> set[str]:
    """Kinds of pages that were looked at: another role's page of the same template is not again."""
    return set()


Look = Callable[[str, Client, list[Seen]], None]


@pytest.fixture
def look_at(
    browser: Browser, browser_context_args: dict[str, Any], live_server: Any
) -> Iterator[Look]:
    """Open these pages with the cookies of that browser, note what is wrong beside each."""
    contexts = []

    def walk(role: str, client: Client, pages: list[Seen]) -> None:
        context = browser.new_context(**browser_context_args)
        contexts.append(context)
        for name, morsel in client.cookies.items():
            context.add_cookies([{"name": name, "value": morsel.value, "url": live_server.url}])
        for one in pages:
            page, troubles = context.new_page(), []
            listen(page, troubles)
            page.goto(f"{live_server.url}{one.url}")
            settle(page)
            if urlsplit(page.url).path != urlsplit(one.url).path:
                one.problems.append(f"the browser came to {page.url}")
            name = one.view.replace(":", "-").replace("/", "_")
            alike = is_alike(one)
            one.problems += look(
                page,
                folder=table.FOLDER / role,
                name=name,
                axe_at=once_each() if alike else everywhere(),
                pictured=not alike or one.view in SHOWN,
            )
            one.problems += dict.fromkeys(troubles)
            page.close()

    yield walk
    for context in contexts:
        context.close()


def is_alike(one: Seen) -> bool:
    return one.view.startswith("admin:") and one.view.endswith(ALIKE)


def first_of_each(seen: list[Seen], known: set[str]) -> list[Seen]:
    """One page of each kind that nobody has looked at; one history for all models."""
    found = []
    for one in seen:
        kind = "admin:history" if one.view.endswith("_history") else one.view
        if one.status == 200 and not one.is_part and one.title and kind not in known:
            known.add(kind)
            found.append(one)
    return found


@pytest.mark.parametrize("place", PLACES)
def test_every_page_of_a_place(
    place: str, cast: world.Cast, known: set[str], look_at: Look, agent: str
) -> None:
    faulthandler.cancel_dump_traceback_later()  # it is long, and does not hang
    seen: list[Seen] = []
    for role in PLACES[place]:
        client = world.browser_of(getattr(cast, role, None), agent)
        leaves = () if place == "admin" else ("/admin/",)
        limits = Limits(per_view=12, per_question=2, leaves=leaves)
        walk = Walk(client, role=role, limits=limits)
        walked = walk.along(STARTS.get(place, "/"), *world.begun(role, client))
        seen += walked
        if role == "newcomer":  # the same pages when nothing has happened yet
            known -= {one.view for one in walked}
        look_at(role, client, first_of_each(walked, known))
    table.write(place, seen)
    wrong = [(one.role, one.url, one.problems) for one in seen if one.problems]
    assert wrong == [], f"{len(wrong)} of {len(seen)} pages, see {table.FOLDER / place}.tsv"
