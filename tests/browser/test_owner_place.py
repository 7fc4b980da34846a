"""The owner's home, guests, reviews and settings in a browser: any width, both themes."""

import struct
import zlib
from pathlib import Path

from django.test import Client
from playwright.sync_api import Page, expect

from apps.accounts.models import User
from apps.businesses.models import Business, Photo
from apps.events.models import Feedback
from tests.backoffice.conftest import Sell
from tests.backoffice.test_owner_guests import rated
from tests.backoffice.test_owner_home import spent, stopped
from tests.browser.test_pages import Enter, check


def test_home_says_what_waits_and_a_guest_opens_beside_the_list(
    enter: Enter, olga: User, salon: Business, anna: User, sell: Sell, troubles: list[str]
) -> None:
    stopped(salon)
    spent(salon, 85, name="Утро в будни")
    sell(salon, anna, "1500")
    page = enter(olga, "/biz/salon/")
    expect(page.get_by_role("heading", name="Ждёт вашего решения")).to_be_visible()
    expect(page.get_by_role("heading", name="Первые шаги")).to_be_visible()
    check(page, troubles)

    page.get_by_role("navigation", name="Разделы").get_by_role("link", name="Гости").click()
    check(page, troubles)
    page.get_by_role("link", name="Анна К.").click()
    expect(page.get_by_role("dialog").get_by_text("Последние покупки")).to_be_visible()
    check(page, troubles)
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()


def test_reviews_are_answered(
    enter: Enter, olga: User, salon: Business, troubles: list[str]
) -> None:
    rated(salon, 5, 4, 5, 2, 5)
    page = enter(olga, "/biz/salon/reviews/?stars=low")
    check(page, troubles)
    page.get_by_text("Ответить").click()
    page.get_by_label("Ваш ответ").fill("Спасибо, исправим")
    page.get_by_role("button", name="Отправить").click()
    expect(page.get_by_text("Ответ отправлен")).to_be_visible()
    assert Feedback.objects.get(rating=2).answer == "Спасибо, исправим"
    check(page, troubles)


def png(side: int) -> bytes:
    """A plum square, as a camera's app might hand it over."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        )

    rows = (b"\x00" + b"\x6b\x2d\x5c" * side) * side
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def test_a_photo_is_made_small_before_it_leaves(
    enter: Enter, olga: User, salon: Business, troubles: list[str], tmp_path: Path
) -> None:
    file = tmp_path / "big.png"
    file.write_bytes(png(2400))
    page = enter(olga, "/biz/salon/settings/photos/")
    page.get_by_label("Выбрать фото").set_input_files(file)
    expect(page.locator(".file-chosen")).to_contain_text("big.png")
    becomes(page, "document.querySelector('[data-photo]').files[0].type", "image/jpeg")
    page.get_by_role("button", name="Добавить фото").click()
    expect(page.get_by_text("Фото добавлено")).to_be_visible()
    photo = Photo.objects.get()
    assert (photo.width, photo.height) == (1600, 1600)
    becomes(page, "document.querySelector('.photo img').naturalWidth", 1600)
    check(page, troubles)
    for part in ("Реквизиты", "Сообщения вам"):
        page.get_by_role("link", name=part, exact=True).click()
        check(page, troubles)
    assert Client().get(f"/photos/{photo.pk}.jpg").status_code == 200


def becomes(page: Page, script: str, value: object) -> None:
    """Wait for a value. The page's policy forbids `eval`, which `wait_for_function` is made of."""
    for _n in range(100):
        if page.evaluate(script) == value:
            return
        page.wait_for_timeout(100)
    raise AssertionError(f"{script} is {page.evaluate(script)!r}, not {value!r}")
