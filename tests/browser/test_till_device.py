"""What the device itself does at the till: its camera, its cache, digits of ours on a phone."""

from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import segno
from django.db import transaction
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, expect

from apps.accounts.models import User
from apps.businesses.models import Business
from apps.transactions.models import Transaction
from tests.browser.conftest import ARGUMENTS, CHROMIUM
from tests.factories.coupons import campaign, personal
from tests.factories.offers import offer_of

Enter = Callable[[User, str], Page]
SignedIn = Callable[[User], Client]
WIDTH, HEIGHT, DOT = 640, 480, 12  # of the film, px


# --- the camera ----------------------------------------------------------------------------------
def film(path: Path, text: str) -> Path:
    """Ten frames of a hand that holds a QR code before the camera, as Chromium plays them."""
    rows = (
        [list(row) for row in segno.make(text, micro=False).matrix_iter(border=4)] if text else []
    )
    left, top = (WIDTH - DOT * len(rows)) // 2, (HEIGHT - DOT * len(rows)) // 2
    grey = bytearray([180]) * (WIDTH * HEIGHT)
    for y, row in enumerate(rows):
        line = b"".join((b"\x10" if dark else b"\xeb") * DOT for dark in row)
        for part in range(DOT):
            start = (top + y * DOT + part) * WIDTH + left
            grey[start : start + len(line)] = line
    frame = b"FRAME\n" + bytes(grey) + b"\x80" * (WIDTH * HEIGHT // 2)
    path.write_bytes(f"YUV4MPEG2 W{WIDTH} H{HEIGHT} F10:1 Ip A1:1 C420jpeg\n".encode() + frame * 10)
    return path


@pytest.fixture
def with_camera(
    playwright: Playwright, tmp_path: Path, live_server: Any, signed_in: SignedIn
) -> Iterator[Callable[[User, str], Page]]:
    """`with_camera(vera, "2200…")`: her browser at the till, that code before its camera."""
    opened: list[Browser] = []

    def open_page(user: User, text: str) -> Page:
        shown = film(tmp_path / "code.y4m", text)
        fake = ["--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream"]
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=[*ARGUMENTS, *fake, f"--use-file-for-fake-video-capture={shown}"],
        )
        opened.append(browser)
        context = browser.new_context(locale="ru-RU")
        value = signed_in(user).cookies["sessionid"].value
        context.add_cookies([{"name": "sessionid", "value": value, "url": live_server.url}])
        page = context.new_page()
        page.goto(f"{live_server.url}/kassa/")
        return page

    yield open_page
    for browser in opened:
        browser.close()


def test_the_camera_reads_her_card(with_camera: Enter, vera: User, anna: User) -> None:
    page = with_camera(vera, anna.card_number)

    page.get_by_role("button", name="Сканировать").click()

    expect(page.get_by_role("heading", name="Анна К.")).to_be_visible(timeout=30_000)
    expect(page.locator("#camera")).to_be_hidden()
    assert page.evaluate("document.querySelector('#camera video').srcObject") is None


def test_on_a_phone_the_camera_is_the_upper_half_and_digits_go_on(
    with_camera: Enter, vera: User, anna: User
) -> None:
    page = with_camera(vera, "")  # nothing to read
    page.set_viewport_size({"width": 360, "height": 740})
    page.get_by_role("button", name="Сканировать").click()
    camera = page.locator("#camera")
    expect(camera).to_be_visible()

    box = camera.bounding_box()
    assert box
    assert (box["x"], box["y"], box["width"], box["height"]) == (0, 0, 360, 370)
    field = page.locator("#who").bounding_box()
    assert field
    assert field["y"] >= 370
    page.locator("#who").fill("89123456789")
    camera.get_by_role("button", name="Закрыть").click()
    expect(camera).to_be_hidden()
    page.locator("#who").press("Enter")
    expect(page.get_by_role("heading", name="Анна К.")).to_be_visible()


AWAKE = """
    window.asked = [];
    const lock = () => Object.assign(new EventTarget(), { released: false });
    Object.defineProperty(navigator, "wakeLock", {
        value: { request: async (what) => { window.asked.push(what); return (window.held = lock()); } },
    });
"""


def test_the_screen_stays_awake_while_the_till_is_in_sight(
    context: BrowserContext, enter: Enter, vera: User
) -> None:
    context.add_init_script(AWAKE)
    page = enter(vera, "/kassa/")
    assert page.evaluate("window.asked") == ["screen"]

    # The system takes it back out of sight; in sight again it is asked for anew.
    page.evaluate("window.held.dispatchEvent(new Event('release'))")
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")

    assert page.evaluate("window.asked") == ["screen", "screen"]


# --- a reload without a network --------------------------------------------------------------------
def kept_here(page: Page) -> dict[str, str]:
    """Everything in the caches of this browser: address → text."""
    return page.evaluate(
        """async () => {
            const found = {};
            for (const name of await caches.keys()) {
                const cache = await caches.open(name);
                for (const request of await cache.keys()) {
                    found[new URL(request.url).pathname] = await (await cache.match(request)).text();
                }
            }
            return found;
        }"""
    )


@pytest.mark.everyday
def test_a_reload_without_a_network_keeps_the_till(
    enter: Enter, vera: User, anna: User, salon: Business
) -> None:
    page = enter(vera, "/kassa/")
    page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    kept = kept_here(page)
    shell = kept["/kassa/shell/"]
    assert [word for word in ("Вера", "Анна", salon.name, "+7", "csrf") if word in shell] == []
    assert all(path.startswith(("/static/", "/kassa/shell/")) for path in kept)

    page.context.set_offline(True)
    page.reload()
    expect(page.get_by_role("heading", name="Нет связи")).to_be_visible()
    page.keyboard.type("89123456789", delay=60)
    page.keyboard.press("Tab")
    page.locator("#offline-amount").fill("700")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Сохранено на устройстве")).to_be_visible()
    assert not Transaction.objects.exists()
    page.context.set_offline(False)  # the page itself goes on to the till

    expect(page.locator("#queue")).to_contain_text("проведено", timeout=30_000)
    sale = Transaction.objects.get()
    assert (sale.amount, sale.entered_by, sale.business) == (Decimal(700), vera, salon)


def test_after_signing_out_the_device_keeps_no_sale(enter: Enter, vera: User, anna: User) -> None:
    page = enter(vera, "/kassa/")
    page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    page.get_by_role("button", name="Выйти").click()
    page.wait_for_url("**/login/**")
    page.context.set_offline(True)
    page.goto(f"{page.url.split('/login')[0]}/kassa/")

    page.locator("#offline-who").fill("89123456789")
    page.locator("#offline-amount").fill("700")
    page.keyboard.press("Enter")

    expect(page.locator("#offline-error")).to_contain_text("Войдите")


# --- a phone -----------------------------------------------------------------------------------------
def test_a_sale_by_the_thumb_alone(
    browser: Browser, live_server: Any, signed_in: SignedIn, vera: User, anna: User
) -> None:
    context = browser.new_context(
        locale="ru-RU", viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True
    )
    value = signed_in(vera).cookies["sessionid"].value
    context.add_cookies([{"name": "sessionid", "value": value, "url": live_server.url}])
    page = context.new_page()
    page.goto(f"{live_server.url}/kassa/")
    pad = page.get_by_role("group", name="Цифры")
    assert page.locator("#who").evaluate("field => field.inputMode") == "none"

    for sign in "891234567890":
        pad.get_by_role("button", name=sign, exact=True).tap()
    pad.get_by_role("button", name="Стереть").tap()
    expect(page.locator("#who")).to_have_value("89123456789")
    page.get_by_role("button", name="Найти").tap()
    expect(page.locator("#amount")).to_be_focused()
    for sign in "150,5":
        name = "Запятая" if sign == "," else sign
        pad.get_by_role("button", name=name, exact=True).tap()
    expect(page.locator("#preview .gain")).to_be_visible()
    page.get_by_role("button", name="Провести").tap()

    expect(page.get_by_role("heading", name="Проведено")).to_be_visible()
    assert Transaction.objects.get().amount == Decimal("150.50")
    context.close()


# --- what she has here -----------------------------------------------------------------------------
def test_offers_and_coupons_of_this_place_stand_beside_her_name(
    enter: Enter, vera: User, anna: User, salon: Business, cafe: Business
) -> None:
    offer_of(salon, name="Утро вдвойне")
    offer_of(cafe, name="Чужое предложение")
    offer_of(salon, name="К дню рождения", birthday_days=3)
    with transaction.atomic():
        personal(anna, salon, name="Укладка в подарок")
        personal(anna, cafe, name="Кофе рядом", word="WORD2")
        campaign(salon, name="Ничья")
    page = enter(vera, "/kassa/")

    page.keyboard.type("89123456789")
    page.keyboard.press("Enter")

    treats = page.get_by_role("region", name="Для неё здесь сегодня")
    expect(treats).to_contain_text("Утро вдвойне")
    expect(treats).to_contain_text("Укладка в подарок")
    expect(treats.get_by_role("listitem")).to_have_count(2)
