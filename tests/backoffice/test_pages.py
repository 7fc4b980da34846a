"""What holds for every page: language, policy, errors, weight."""

import gzip
import re
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.staticfiles import finders
from django.template.loader import render_to_string
from django.test import Client

from apps.accounts.models import User
from apps.backoffice.pages import menu
from tests.backoffice.conftest import SignedIn

TEMPLATES = sorted((Path(settings.BASE_DIR) / "templates").rglob("*.html"))


@pytest.mark.parametrize("code", ["400", "403", "403_csrf", "404", "500", "503"])
def test_error_page_stands_alone_and_speaks_russian(code: str) -> None:
    page = render_to_string(f"{code}.html")

    assert "Свой Круг" in page
    assert f"Код {code[:3]}" in page
    assert not re.search(r"Traceback|Exception|\{[{%]", page)


def test_unknown_address_gets_the_kind_page(client: Client, db: None) -> None:
    answer = client.get("/no/such/page/")

    assert answer.status_code == 404
    assert "Такой страницы нет" in answer.content.decode()


# A letter has no policy, and mail programs read nothing but inline styles.
PAGES = [path for path in TEMPLATES if path.name != "letter.html"]


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_template_keeps_to_the_policy(path: Path) -> None:
    """No inline script or style and no handler: the policy would refuse them."""
    text = path.read_text()

    assert not re.search(r"<script(?![^>]*\bsrc=)", text)
    assert not re.search(r"\sstyle=|<style|\son[a-z]+=|javascript:|hx-on", text)


def test_policy_is_strict(client: Client, db: None) -> None:
    policy = client.get("/login/").headers["Content-Security-Policy"]

    assert "default-src 'self'" in policy
    assert "unsafe" not in policy


def test_language_is_russian_until_english_is_chosen(client: Client, db: None) -> None:
    asked_english = client.get("/login/", headers={"accept-language": "en"}).content.decode()
    assert '<html lang="ru">' in asked_english

    chosen = client.post("/language/", {"language": "en", "next": "/login/"})

    assert chosen.url == "/login/"
    assert "Sign-in for staff" in client.get("/login/").content.decode()


def test_unknown_language_changes_nothing(client: Client, db: None) -> None:
    answer = client.post("/language/", {"language": "xx", "next": "https://evil.example/"})

    assert answer.url == "/"
    assert not answer.cookies


def test_ribbon_is_shown_outside_of_production(client: Client, db: None, settings) -> None:
    assert "вымышленные" in client.get("/login/").content.decode()

    settings.ENVIRONMENT = "production"

    assert "ribbon" not in client.get("/login/").content.decode()


def test_help_is_open_to_everyone(client: Client, vera: User, signed_in: SignedIn) -> None:
    assert client.get("/help/").status_code == 200
    assert "Открыть кассу" in signed_in(vera).get("/help/").content.decode()


def test_till_is_light(vera: User, signed_in: SignedIn) -> None:
    """Scripts and styles of the till: at most 90 KB as sent."""
    page = signed_in(vera).get("/kassa/").content.decode()
    names = re.findall(r'(?:src|href)="/static/([^"?#]+\.(?:js|css))"', page)

    sent = sum(len(gzip.compress(Path(finders.find(name)).read_bytes())) for name in names)

    assert len(names) >= 4
    assert sent <= 90 * 1024


def test_icons_named_in_templates_are_in_the_sprite() -> None:
    sprite = Path(finders.find("vendor/lucide/sprite.svg")).read_text()
    named = {
        name for path in TEMPLATES for name in re.findall(r'icon "([\w-]+)"', path.read_text())
    } | {item.icon for item in menu.OWNER}

    assert named - set(re.findall(r'<symbol id="([\w-]+)"', sprite)) == set()


def test_icon_is_there_for_pages_that_name_none(client: Client, db: None) -> None:
    assert client.get("/favicon.ico").url == "/static/img/favicon.svg"


def test_business_without_a_name_is_ones_own(olga: User, signed_in: SignedIn) -> None:
    assert signed_in(olga).get("/biz/").url == "/biz/salon/"
