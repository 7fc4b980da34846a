"""Every page of the admin opens with data, asks the database the same for any number of rows, and
speaks Russian."""

import re
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import unfold
from django.contrib import admin
from django.db import connection
from django.db.models import Model
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext

from apps.core.models import Beat
from tests.architecture.conftest import make_rows
from tests.crawl.reading import read
from tests.crawl.words import foreign
from tests.factories.transactions import sale

REGISTERED = sorted(admin.site._registry, key=lambda model: model._meta.label)
each_model = pytest.mark.parametrize("model", REGISTERED, ids=lambda model: model._meta.label)


@pytest.fixture(autouse=True)
def _seen_for_good(monkeypatch: Any) -> None:
    """These tests take longer than a minute, in which a page notes that she was there."""
    monkeypatch.setattr("apps.accounts.rules.SEEN_EVERY", float("inf"))


def url_of(model: type[Model], page: str, *args: object) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=args)


def opened(client: Client, url: str) -> str:
    """The source of the page, or of a refusal; its caches are warm for the next."""
    return client.get(url, follow=True).content.decode()


def statements(client: Client, url: str) -> list[str]:
    """What the page asks the database, without values."""
    with CaptureQueriesContext(connection) as asked:
        answer = client.get(url)
    assert answer.status_code == 200
    return [re.sub(r"'[^']*'|\b\d+\b", "?", query["sql"]) for query in asked.captured_queries]


def misread(url: str, source: str) -> list[str]:
    """What is not as a page should read, by the words of the slow crawl: what is code is marked as
    code, what is English as English; every page has its title."""
    page = read(source)
    left = [f"{url} {said}" for said in foreign(page.texts)]
    if re.search(r'<a [^>]*"text-important"[^>]*>\s*<a\b', source):
        left.append(f"{url} has a link within a link: say list_display_links")
    if not (page.title.strip(" ·") or url.startswith(reverse("admin:search"))):  # a part of one
        left.append(f"{url} has no title")
    return left


def test_lists_read_well_and_cost_the_same_for_any_length(admin_client: Client) -> None:
    lists = {model._meta.label: url_of(model, "changelist") for model in REGISTERED}

    def cost() -> dict[str, int]:
        return {label: len(statements(admin_client, url)) for label, url in lists.items()}

    make_rows(1)
    empty = [model._meta.label for model in REGISTERED if not model._default_manager.exists()]
    assert empty == [], "let make_rows() fill these tables"
    left = [said for url in lists.values() for said in misread(url, opened(admin_client, url))]
    few = cost()
    make_rows(2)

    assert cost() == few
    assert left == [], "\n".join(left)


def test_records_read_well_and_ask_nothing_thrice(admin_client: Client) -> None:
    make_rows(3)

    left, thrice = [], {}
    for model in REGISTERED:
        row = model._default_manager.order_by("pk").last()
        url = url_of(model, "change", row.pk)
        left += misread(url, opened(admin_client, url))
        asked = Counter(statements(admin_client, url))
        thrice[model._meta.label] = [query for query, times in asked.items() if times > 2]

    assert {label: queries for label, queries in thrice.items() if queries} == {}
    assert left == [], "\n".join(left)


@each_model
def test_form_of_a_new_record_opens_if_allowed(
    model: type[Model], admin_client: Client, admin_user: Any, rf: Any
) -> None:
    request = rf.get("/")
    request.user = admin_user
    allowed = admin.site._registry[model].has_add_permission(request)

    answer = admin_client.get(url_of(model, "add"))

    assert answer.status_code == (200 if allowed else 403)


def filters_of(model: type[Model]) -> set[str]:
    """What may stand in the address of its list: a filter of ours names its parameter itself."""
    listed = admin.site._registry[model].list_filter
    fields = {one[0] if isinstance(one, tuple) else one for one in listed}
    return {"q"} | {getattr(one, "parameter_name", one) for one in fields}


def test_lists_can_be_searched_and_filtered(admin_client: Client) -> None:
    make_rows(1)
    params = {"q": "4000 1234 5678", "state": "dead", "live": "1"}

    for model in REGISTERED:
        for name in params.keys() & filters_of(model):
            answer = admin_client.get(url_of(model, "changelist"), {name: params[name]})
            assert answer.status_code == 200, (model._meta.label, name)


@pytest.mark.parametrize(
    ("notation", "found"),
    [("%d.%m.%Y", 1), ("%Y-%m-%d", 1), ("чушь", 2), ("31.12.9999", 2), ("01.01.0001", 2)],
)
def test_days_are_filtered_as_they_are_written_here(
    notation: str, found: int, admin_client: Client
) -> None:
    """From the first to the last minute of a day; what is no date filters nothing."""
    noon = timezone.localtime().replace(hour=12, minute=0) - timedelta(days=3)
    sale(occurred_at=noon.replace(hour=23, minute=59))
    sale(occurred_at=noon + timedelta(days=1))
    day = noon.strftime(notation)

    answer = admin_client.get(
        reverse("admin:transactions_transaction_changelist"),
        {"occurred_at_from": day, "occurred_at_to": day},
    )

    assert answer.context["cl"].result_count == found


def test_first_page_shows_nine_facts(admin_client: Client) -> None:
    sale()  # by the real service: rows made by hand would not agree with each other
    Beat.objects.create(name="codes.alarm", at=timezone.now(), note="3/40")

    page = admin_client.get(reverse("admin:index")).content.decode()

    assert page.count('class="sk-fact ') + page.count('class="sk-fact"') == 9
    assert "сходятся" in page
    assert "возвращается слишком мало: 3/40" in page


# --- language ------------------------------------------------------------------------------------
CONTRIB = ("filters", "forms", "guardian", "import_export")  # what of it is installed


def theme_strings() -> set[str]:
    """What the installed theme marks for translation; it brings no Russian of its own."""
    root, found = Path(unfold.__file__).parent, set()
    for file in [*root.rglob("*.html"), *root.rglob("*.py")]:
        part = file.relative_to(root).parts
        if part[0] != "contrib" or part[1] in CONTRIB:
            tag = r"{%\s*trans(?:late)?\s+" if file.suffix == ".html" else r"\b_\(\s*"
            marked = re.findall(tag + r"""(["'])(.+?)\1""", file.read_text())
            found |= {text for _quote, text in marked}
    # A literal that ends with a space is the first half of a longer one.
    return {text for text in found if re.search(r"[A-Za-z]{2}", text) and text[-1] != " "}


def test_every_string_of_the_installed_theme_has_its_russian() -> None:
    """A new version with new strings fails here and not on somebody's screen."""
    with translation.override("ru"):
        left = {text for text in theme_strings() if gettext(text) == text}

    assert left == set()


def dialogs(model: type[Model], row: Any) -> list[str]:
    """Pages of the actions that ask before they act, opened by themselves."""
    own: Any = admin.site._registry[model]
    names = [(name, [row.pk]) for name in own.actions_detail]
    names += [(name, []) for name in own.actions_list]
    asks = [(name, args) for name, args in names if getattr(own, name).dialog]
    return [url_of(model, name, *args) for name, args in asks]


def addresses() -> list[str]:
    """Pages beside the lists and the records."""
    found = [reverse("admin:index"), reverse("admin:search") + "?s=а"]
    for model in REGISTERED:
        row = model._default_manager.first()
        found += dialogs(model, row)
    found.append(url_of(model, "history", row.pk))  # one page for all models, with other rows
    found.append(url_of(model, "changelist") + "?q=нет")
    for name in (
        "accounts_user_export",
        "businesses_business_export",
        "businesses_business_import",
    ):
        found.append(reverse(f"admin:{name}"))
    return found + [reverse("admin:app_list", args=["loyalty"])]


def test_other_pages_read_well(admin_client: Client) -> None:
    make_rows(1)

    left = [said for url in addresses() for said in misread(url, opened(admin_client, url))]

    assert left == [], "\n".join(left)
