"""Every page in both themes and at four widths: accessible, quiet in the console, not sideways."""

from collections.abc import Callable
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from apps.accounts.models import User
from apps.analytics import loader
from apps.businesses.models import Business
from apps.crm.enums import Trigger
from apps.crm.services import run_sync
from tests.backoffice.conftest import PASSWORD, Person, Sell, SignedIn
from tests.crm.conftest import stand  # noqa: F401
from tests.crm.world import Stand
from tests.factories.businesses import staff_of

Enter = Callable[[User, str], Page]
WIDTHS = (320, 360, 768, 1200)
TILL = (360, 768, 1200)  # the till is looked through at each of these
HEAVY = ("serious", "critical")


def check(page: Page, troubles: list[str], *, looked_at: tuple[int, ...] = WIDTHS[-1:]) -> None:
    """No serious finding, no sideways scroll, nothing refused by the policy."""
    page.wait_for_load_state()
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 800})
            over = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
            assert over <= 0, f"{page.url} is {over} px too wide at {width}"
            if width in looked_at:
                assert findings(page) == [], f"{page.url} in {scheme} at {width}"
    assert troubles == []


def findings(page: Page) -> list[tuple[str, list[str]]]:
    """What axe calls serious or worse."""
    found: Any = Axe().run(page).response
    return [
        (one["id"], [node["html"][:120] for node in one["nodes"]])
        for one in found["violations"]
        if one["impact"] in HEAVY
    ]


@pytest.mark.everyday
def test_sign_in_pages(page: Page, live_server, olga: User, troubles: list[str]) -> None:
    page.goto(f"{live_server.url}/login/")
    check(page, troubles)
    page.fill("#login", "+79160000002")
    page.fill("#password", PASSWORD)
    page.keyboard.press("Enter")
    expect(page.locator(".qr svg")).to_be_visible()
    check(page, troubles)


def test_till_pages(enter: Enter, vera: User, anna: User, troubles: list[str]) -> None:
    page = enter(vera, "/kassa/")
    check(page, troubles, looked_at=TILL)
    page.keyboard.type("8912")
    page.keyboard.press("Enter")
    expect(page.locator("#who-error")).to_be_visible()
    troubles[:] = [text for text in troubles if "422" not in text]  # the browser notes every 4xx
    check(page, troubles, looked_at=TILL)
    page.keyboard.type("89123456789")
    page.keyboard.press("Enter")
    expect(page.locator("#amount")).to_be_focused()
    page.keyboard.type("1500,50")
    expect(page.locator("#preview .gain")).to_be_visible()
    check(page, troubles, looked_at=TILL)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Проведено")).to_be_visible()
    check(page, troubles, looked_at=TILL)


@pytest.fixture
def sold(salon: Business, anna: User, sell: Sell, facts: None) -> None:
    for days_ago in range(12):
        sell(salon, anna, f"{1200 + 317 * (days_ago % 5)}.50", days_ago=days_ago)
    loader.load_waiting()


@pytest.mark.everyday
def test_owner_page(enter: Enter, olga: User, sold: None, troubles: list[str]) -> None:
    page = enter(olga, "/biz/salon/")
    expect(page.locator("[data-chart][data-ready]")).to_be_visible()
    drawn = page.evaluate(
        """() => {
            const canvas = document.getElementById("sales");
            const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
            return data.some((value) => value !== 0);
        }"""
    )
    assert drawn
    check(page, troubles)

    page.get_by_role("link", name="Таблицей").click()

    expect(page.locator("table").first).to_be_visible()
    expect(page).to_have_url(f"{page.url.split('/biz/')[0]}/biz/salon/?days=30&view=table")
    check(page, troubles)
    page.get_by_role("link", name="7 дней").click()
    expect(page.locator("table").first.locator("tbody tr")).to_have_count(7)


def test_owner_page_without_sales(enter: Enter, olga: User, troubles: list[str]) -> None:
    check(enter(olga, "/biz/salon/"), troubles)


def test_owner_page_without_clickhouse(
    enter: Enter, olga: User, salon: Business, anna: User, sell: Sell, settings, troubles: list[str]
) -> None:
    sell(salon, anna, "1500")
    url = "http://127.0.0.1:1/svoykrug"
    settings.CLICKHOUSE = {"embedded": False, "url": url, "path": "", "database": "svoykrug"}

    page = enter(olga, "/biz/salon/")

    expect(page.get_by_text("Хранилище аналитики не отвечает")).to_be_visible()
    check(page, troubles)


def test_crm_page(
    stand: Stand,  # noqa: F811
    enter: Enter,
    signed_in: SignedIn,
    anna: User,
    troubles: list[str],
) -> None:
    """Connected, with a log, records put aside and the keys open; then a system to connect."""
    row = stand.connect("yclients")
    stand.world.sell("yclients", stand.world.add_guest(anna.phone), "1500")
    stand.world.sell("yclients", stand.world.add_guest(""), "700")
    run_sync(row.pk, trigger=Trigger.HAND)
    owner = staff_of(row.business, role="business_owner")

    page = enter(owner, f"/biz/{row.business.slug}/crm/")
    page.get_by_text("Ключи и настройки").click()
    page.locator(".crm-runs summary").first.click()
    check(page, troubles)
    page.goto(f"{page.url}?system=renovatio")
    expect(page.get_by_label("Номер клиники")).to_be_visible()
    check(page, troubles)


def test_help_and_missing_page(enter: Enter, vera: User, troubles: list[str]) -> None:
    page = enter(vera, "/help/")
    check(page, troubles)
    page.goto(page.url.replace("/help/", "/no/such/"))
    troubles[:] = [text for text in troubles if "404" not in text]
    check(page, troubles)


def test_till_in_english(enter: Enter, vera: User, person: Person) -> None:
    page = enter(vera, "/kassa/")

    page.get_by_role("button", name="English").click()

    expect(page.get_by_label("Phone or card number")).to_be_visible()
    assert page.locator("html").get_attribute("lang") == "en"
