"""Every route for everybody: what the table of rights promises is what the address answers.

The quick half asks once for each group of people; a caller that is refused anyway is not sent to
three kinds of object, and nobody to a method that a page does not know. The whole matrix, every
caller and every cell, is run by `make check`.

Read from the URL resolver: a new route without a row fails here before anybody can call it.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib import admin
from django.db import transaction
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from apps.accounts import rights
from apps.accounts.permissions import Gate
from apps.accounts.rights import Row
from tests.architecture import world as worlds
from tests.architecture.world import BODIES, CALLERS, FOREIGN, KINDS, MISSING, OBJECTS, OWN, World
from tests.factories.events import comes, in_voting, published
from tests.factories.notifications import broadcast_of

pytestmark = pytest.mark.django_db
API = "api/v1/"
ADMIN = settings.ADMIN_PATH
PARAMETER = re.compile(r"<(?:\w+:)?\w+>")
REFUSED = (401, 403, 404)
# Of two people with the same rights one is enough, but for a row that asks for a tier.
QUICK = ("anonymous", "insider", "vip", "staff_a", "owner_a", "admin", "superadmin", "blocked")
halves = pytest.mark.parametrize(
    "whole", [False, pytest.param(True, marks=pytest.mark.slow)], ids=["quick", "whole"]
)


# --- what there is -------------------------------------------------------------------------------
def walk(patterns: Any, prefix: str = "") -> Iterator[tuple[str, URLPattern]]:
    for pattern in patterns:
        address = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from walk(pattern.url_patterns, address)
        else:
            yield address, pattern


ROUTES = list(walk(get_resolver().url_patterns))


@dataclass(frozen=True)
class Call:
    address: str
    name: str
    method: str
    row: Row | None

    def __str__(self) -> str:
        return f"{self.method} {self.address}"

    @property
    def kinds(self) -> tuple[str, ...]:
        """Own, foreign and missing where the address or the body names an object."""
        named = PARAMETER.search(self.address) or self.name in BODIES
        return KINDS if named else (OWN,)


def api_calls() -> Iterator[Call]:
    for address, pattern in ROUTES:
        if not address.startswith(API):
            continue
        view = pattern.callback
        gates = [gate for gate in view.cls.permission_classes if issubclass(gate, Gate)]
        for method, action in view.actions.items():
            row = gates[0].row_of(action) if len(gates) == 1 else None
            yield Call(address, pattern.name or "", method, row)


def page_calls() -> Iterator[Call]:
    for address, pattern in ROUTES:
        if address.startswith((API, ADMIN)):
            continue
        action = getattr(pattern.callback, "right", None)
        row = rights.TABLE[action] if action else rights.BY_ROUTE.get(address)
        for method in ("get", "post"):
            yield Call(address, pattern.name or "", method, row)


API_CALLS, PAGE_CALLS = list(api_calls()), list(page_calls())


@pytest.mark.parametrize("call", API_CALLS + PAGE_CALLS, ids=str)
def test_every_route_has_a_row(call: Call) -> None:
    assert call.row is not None, f"{call} stands in no row of apps/accounts/rights.py"
    if PARAMETER.search(call.address):
        assert call.name in OBJECTS, f"say in world.OBJECTS which objects {call} is about"


def test_every_row_is_used() -> None:
    code = "\n".join(path.read_text() for path in Path(settings.BASE_DIR).glob("apps/**/*.py"))
    unused = [
        row.action
        for row in rights.ROWS
        if not row.perms and not row.routes and code.count(f'"{row.action}"') < 2
    ]
    assert unused == []
    assert len(rights.TABLE) == len(rights.ROWS)


# --- the API -------------------------------------------------------------------------------------
@pytest.fixture
def _django_db_helper(world: World) -> None:
    """In place of a transaction for each test: `world` holds one for the file."""


@pytest.fixture(scope="module")
def world(django_db_setup: None, django_db_blocker: Any) -> Iterator[World]:
    """One world for all tests of this file; `undone` takes back what a cell did to it."""
    with worlds.for_a_file(django_db_blocker) as made:
        yield made


@contextmanager
def undone() -> Iterator[None]:
    """Every cell of the matrix starts from the same world."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def expected(row: Row, caller: worlds.Caller, kind: str) -> tuple[int, str] | None:
    """The refusal that the table promises; None when the caller is let in."""
    if rights.PUBLIC in row.who:
        return None
    if caller.user is None:
        return 401, "UNAUTHENTICATED"
    if caller.user.blocked_at:
        return 403, "BLOCKED"
    if not row.opens_to(caller.groups):
        return 403, "STATUS_REQUIRED" if row.who & rights.TIERS else "FORBIDDEN"
    far = row.scope is rights.OWN or (row.scope is rights.BUSINESS and not caller.is_admin)
    if kind == MISSING or (kind == FOREIGN and far):
        return 404, "NOT_FOUND"
    return None


def fill(path: str, found: Any) -> str:
    """The address with its parameters; several are a tuple, in their order."""
    for one in found if isinstance(found, tuple) else (found,):
        path = PARAMETER.sub(str(one), path, count=1)
    return path


def send(call: Call, world: World, caller: worlds.Caller, kind: str) -> Any:
    path = "/" + call.address
    if PARAMETER.search(path):
        path = fill(path, OBJECTS[call.name](world, caller, kind))
    has_body = call.name in BODIES and call.method != "get"
    body = BODIES[call.name](world, caller, kind) if has_body else {}
    api = worlds.api_of(caller)
    headers = api.headers | {"Idempotency-Key": "matrix"}
    if call.method == "get":
        return api.client.get(path, headers=headers)
    ask = getattr(api.client, call.method)
    return ask(path, body, content_type="application/json", headers=headers)


def callers(row: Row, world: World, *, whole: bool) -> list[worlds.Caller]:
    def opens(name: str) -> bool:
        return row.opens_to(world.callers[name].groups)

    names = CALLERS if whole or opens("insider") != opens("inner_circle") else QUICK
    return [world.callers[name] for name in names]


def kinds(call: Call, caller: worlds.Caller, *, whole: bool) -> tuple[str, ...]:
    if call.method == "get" and "<" not in call.address:
        return (OWN,)
    refused = expected(call.row, caller, OWN) is not None
    return (OWN,) if refused and not whole else call.kinds


@halves
@pytest.mark.parametrize("call", [call for call in API_CALLS if call.row], ids=str)
def test_api_answers_as_the_table_says(
    call: Call, whole: bool, world: World, monkeypatch: Any
) -> None:
    monkeypatch.setattr("apps.core.http.throttles.ByCaller.allow_request", lambda *_: True)
    wrong = []
    for caller in callers(call.row, world, whole=whole):
        for kind in kinds(call, caller, whole=whole):
            with undone():
                answer = send(call, world, caller, kind)
            want = expected(call.row, caller, kind)
            error = answer.json()["error"] if answer.status_code >= 400 else {"code": ""}
            got = (answer.status_code, error["code"])
            good = got == want if want else got[0] not in REFUSED and got[0] < 500
            if rights.PUBLIC in call.row.who:  # a wrong code or token is no missing right
                unknown = kind == MISSING and got[0] == 404
                good = unknown or (got[0] not in (403, 404) and got[0] < 500)
            if not good:
                wrong.append((caller.name, kind, got, want or "let in"))
    assert wrong == []


@pytest.mark.parametrize("tier", ["insider", "vip", "elite", "inner_circle"])
def test_a_missing_tier_has_a_code_of_its_own(world: World, monkeypatch: Any, tier: str) -> None:
    """No route wants a tier yet: a row is bent for the test."""
    monkeypatch.setitem(rights.TABLE, "users.me.read", Row("users.me.read", rights.VIP))
    with undone():
        answer = worlds.api_of(world.callers[tier]).get("/users/me")

    want = (403, "STATUS_REQUIRED") if tier == "insider" else (200, "")
    code = answer.json().get("error", {"code": ""})["code"]
    assert (answer.status_code, code) == want


# --- pages ---------------------------------------------------------------------------------------
def to_login(answer: Any) -> bool:
    return answer.status_code == 302 and answer.url.startswith("/login/")


def without_a_person(call: Call, got: int) -> bool | None:
    """Whether a route that asks for nobody answers right; None when it asks for somebody."""
    if call.address.startswith("webhooks/"):  # a signature opens it
        return got in (200, 202, 401, 404, 405, 415)
    if call.name == "metrics":  # a token opens it
        return got == 404
    if call.name == "photo":  # one that was taken out is gone for everybody
        return got in (200, 404, 405)
    if rights.PUBLIC in call.row.who:
        return got not in REFUSED and got < 500 or call.name == "health-ready"
    return None


def opens_to_her(call: Call, caller: worlds.Caller, kind: str, answer: Any) -> bool:
    got = answer.status_code
    if got == 405:
        return True
    if call.method == "post" and call.address.startswith("control/"):
        return got != 403 and got < 500  # the form was empty: it names no row
    if expected(call.row, caller, kind) and PARAMETER.search(call.address):
        return got == 404
    return got not in REFUSED and got < 500 and not to_login(answer)


def page_is_right(call: Call, caller: worlds.Caller, kind: str, answer: Any) -> bool:
    nobody = without_a_person(call, answer.status_code)
    if nobody is not None:
        return nobody
    if caller.user is None or caller.user.blocked_at:
        return to_login(answer)
    if not caller.user.job and rights.VIP not in caller.groups:  # her place is the app
        return to_login(answer)
    if not call.row.opens_to(caller.groups):
        return answer.status_code == (404 if call.row.action == "pages.owner" else 403)  # hidden
    return opens_to_her(call, caller, kind, answer)


@halves
@pytest.mark.parametrize("call", [call for call in PAGE_CALLS if call.row], ids=str)
def test_pages_open_as_the_table_says(call: Call, whole: bool, world: World) -> None:
    wrong = []
    public = rights.PUBLIC in call.row.who
    few = [world.callers[name] for name in ("anonymous", "staff_a", "blocked")]
    asked = few if public else callers(call.row, world, whole=whole)
    asked.sort(key=lambda caller: expected(call.row, caller, OWN) is not None)  # who may goes first
    for caller in asked:
        for kind in call.kinds if whole else kinds(call, caller, whole=False):
            with undone():
                path = "/" + call.address
                if PARAMETER.search(path):
                    path = fill(path, OBJECTS[call.name](world, caller, kind))
                answer = getattr(worlds.browser_of(caller), call.method)(path)
            if not page_is_right(call, caller, kind, answer):
                wrong.append(
                    (caller.name, kind, answer.status_code, answer.headers.get("Location", ""))
                )
        if answer.status_code == 405 and not whole:  # not even for her
            break
    assert wrong == []


# --- the Django admin ----------------------------------------------------------------------------
MODELS = list(admin.site._registry)


def label(model: Any) -> str:
    return str(model._meta.label_lower)


def right(model: Any, verb: str) -> Row | None:
    return rights.BY_PERM.get(f"{model._meta.app_label}.{verb}_{model._meta.model_name}")


def may(caller: worlds.Caller, model: Any) -> list[bool]:
    rows = [right(model, verb) for verb in ("view", "change")]
    return [bool(row and row.opens_to(caller.groups)) for row in rows]


@pytest.mark.parametrize("model", MODELS, ids=label)
def test_every_model_of_the_admin_has_a_row(model: Any) -> None:
    assert right(model, "view"), f"{label(model)} stands in no row of apps/accounts/rights.py"
    for inline in admin.site._registry[model].inlines:
        assert right(inline.model, "view"), label(inline.model)


@halves
@pytest.mark.parametrize("model", MODELS, ids=label)
def test_admin_opens_as_the_table_says(model: Any, whole: bool, world: World) -> None:
    wrong = []
    row = model._default_manager.order_by("pk").first()
    pk = row.pk if row else worlds.NONE if model._meta.pk.get_internal_type() == "UUIDField" else 0
    name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
    calls = [
        ("get", reverse(f"{name}_changelist"), "view"),
        ("get", reverse(f"{name}_change", args=[pk]), "view"),
        ("get", reverse(f"{name}_add"), "none"),  # nothing is made by a form
        ("post", reverse(f"{name}_add"), "none"),
        ("post", reverse(f"{name}_change", args=[pk]), "change"),
        ("get", reverse(f"{name}_delete", args=[pk]), "none"),
        ("post", reverse(f"{name}_delete", args=[pk]), "none"),
    ]
    asked = callers(right(model, "view"), world, whole=whole)
    if not whole and may(world.callers["admin"], model) == may(world.callers["superadmin"], model):
        asked.remove(world.callers["superadmin"])
    for caller in asked:
        with undone():
            browser = worlds.browser_of(caller)
            outside = not caller.is_admin or caller.user.blocked_at  # one door for all pages
            for method, path, verb in calls[::4] if outside and not whole else calls:
                answer = getattr(browser, method)(path)
                if outside:
                    good = answer.status_code == 302 and "/login/" in answer.url
                else:
                    good = _admin_answer(answer, model, verb, caller)
                if not good:
                    wrong.append((caller.name, method, path, answer.status_code))
    assert wrong == []


def _admin_answer(answer: Any, model: Any, verb: str, caller: worlds.Caller) -> bool:
    row = right(model, verb)
    site_offers = verb == "view" or "update" in type(admin.site._registry[model]).__dict__
    if row and row.opens_to(caller.groups) and site_offers:
        return answer.status_code in (200, 302)
    return answer.status_code in (403, 302) if verb == "none" else answer.status_code == 403


def admin_pages_of_ours() -> list[tuple[str, URLPattern]]:
    """Pages of the admin that are no list, form, history or deletion of a model."""
    usual = re.compile(
        r"(changelist|add|change|delete|history|autocomplete|index|login|logout|jsi18n"
        r"|password_change|password_change_done|view_on_site|app_list|search|toggle_sidebar)$"
    )
    found = [(address, pattern) for address, pattern in ROUTES if address.startswith(ADMIN)]
    return [(a, p) for a, p in found if p.name and not usual.search(p.name)]


def test_own_pages_of_the_admin_are_known_here() -> None:
    names = {pattern.name for _address, pattern in admin_pages_of_ours()}

    assert names == {
        "accounts_jobrequest_agree",
        "accounts_jobrequest_decline",
        "accounts_user_block",
        "accounts_user_export",
        "accounts_user_find",
        "accounts_user_reveal",
        "accounts_user_role",
        "accounts_user_tier",
        "accounts_user_unblock",
        "businesses_business_export",
        "businesses_business_import",
        "businesses_business_process_import",
        "events_event_decide",
        "events_event_new",
        "events_event_recount",
        "events_eventregistration_decide",
        "loyalty_adjustment_confirm",
        "loyalty_adjustment_decline",
        "loyalty_wallet_adjust",
        "loyalty_segmententry_fill",
        "loyalty_terms_run_off",
        "notifications_broadcast_allow",
        "notifications_broadcast_new",
        "notifications_broadcast_stop",
        "notifications_template_export",
        "notifications_template_import",
        "notifications_template_process_import",
        "loyalty_statement_csv",
        "loyalty_statement_print",
        "loyalty_statementline_csv",
        "loyalty_terms_liability",
    }


@pytest.mark.parametrize("who", CALLERS)
def test_own_pages_of_the_admin_are_for_admins(who: str, world: World) -> None:
    caller = world.callers[who]
    paths = [
        reverse("admin:index"),
        reverse("admin:app_list", args=["accounts"]),
        reverse("admin:accounts_user_find"),
        reverse("admin:accounts_user_block", args=[world.stranger.pk]),
        reverse("admin:accounts_user_export"),
        reverse("admin:businesses_business_export"),
        reverse("admin:businesses_business_import"),
        reverse("admin:notifications_template_export"),
        reverse("admin:notifications_template_import"),
        reverse("admin:accounts_user_reveal", args=[world.stranger.pk]),
        reverse("admin:accounts_user_tier", args=[world.stranger.pk]),
        reverse("admin:accounts_user_unblock", args=[world.stranger.pk]),
        reverse("admin:events_event_new"),
        reverse("admin:events_event_decide", args=[published().pk, "cancel"]),
        reverse("admin:events_event_recount", args=[in_voting().pk]),
        reverse("admin:events_eventregistration_decide", args=[comes(published()).pk, "remove"]),
        reverse("admin:loyalty_adjustment_confirm", args=[worlds.NONE]),
        reverse("admin:loyalty_adjustment_decline", args=[worlds.NONE]),
        reverse("admin:loyalty_wallet_adjust", args=[world.stranger.pk]),
        reverse("admin:loyalty_segmententry_fill"),
        reverse("admin:loyalty_terms_run_off", args=[world.stranger.pk]),
        reverse("admin:notifications_broadcast_new"),
        reverse("admin:notifications_broadcast_allow", args=[broadcast_of(world.stranger).pk]),
        reverse("admin:notifications_broadcast_stop", args=[broadcast_of(world.stranger).pk]),
        reverse("admin:loyalty_terms_liability"),
    ]
    chief_only = [
        reverse("admin:accounts_user_role", args=[world.stranger.pk]),
        reverse("admin:accounts_jobrequest_agree", args=[worlds.NONE]),
        reverse("admin:accounts_jobrequest_decline", args=[worlds.NONE]),
    ]
    for path in paths:
        with undone():
            browser = worlds.browser_of(caller)
            answer = browser.post(path) if path.endswith("find/") else browser.get(path)
        if caller.is_admin and not caller.user.blocked_at:
            assert answer.status_code in (200, 302), path
            assert "/login/" not in answer.headers.get("Location", "")
        else:
            assert answer.status_code == 302, path
            assert "/login/" in answer.url
    for path in chief_only:
        with undone():
            answer = worlds.browser_of(caller).get(path)
        if caller.is_admin and not caller.user.blocked_at:
            good = (200, 302) if rights.SUPERADMIN in caller.groups else (403,)
            assert answer.status_code in good, path
        else:
            assert answer.status_code == 302, path
            assert "/login/" in answer.url
