"""What the till promises, shown in a real Chromium: scans, speed, the queue, one sale."""

import random
import statistics
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone
from playwright.sync_api import Page, expect

from apps.accounts.models import User
from apps.accounts.services import show_card
from apps.backoffice.pages.reading import LATIN, RUSSIAN
from apps.businesses.models import Business
from apps.loyalty.services import hold_bonus
from apps.transactions.models import Spending, Transaction
from tests.backoffice.conftest import Sell
from tests.browser.test_pages import TILL, check
from tests.factories.coupons import personal

Enter = Callable[[User, str], Page]
SIGNS = "ABCDEFGHKLMNPRSTUVWXYZ0123456789"
CARDS = 1000

# A scanner: key by key, as its driver types, with what the layout makes of each key.
SCAN = """
async (cards) => {
    const heard = [];
    const listen = (event) => { event.stopImmediatePropagation(); heard.push(event.detail); };
    window.addEventListener("till:scan", listen, true);
    const field = document.querySelector("#trial");
    field.focus();
    const shownKey = (sign, shown, shift) => {
        const code = /[0-9]/.test(sign) ? `Digit${sign}` : `Key${sign.toUpperCase()}`;
        const init = { code, key: shown, shiftKey: shift, bubbles: true, cancelable: true };
        if (field.dispatchEvent(new KeyboardEvent("keydown", init))) field.value += shown;
    };
    for (const card of cards) {
        for (const [sign, shown, shift] of card) shownKey(sign, shown, shift);
        field.dispatchEvent(new KeyboardEvent("keydown", { code: "Enter", key: "Enter", bubbles: true, cancelable: true }));
    }
    window.removeEventListener("till:scan", listen, true);
    return { heard, left: field.value };
}
"""


def typed(text: str, *, russian: bool, caps: bool) -> list[tuple[str, str, bool]]:
    """(key, what the layout shows, Shift) of each sign."""
    table = str.maketrans(LATIN + LATIN.upper(), RUSSIAN + RUSSIAN.upper())
    keys = []
    for sign in text:
        shown = sign.translate(table) if russian else sign
        keys.append((sign, shown.swapcase() if caps else shown, sign.isupper()))
    return keys


def test_a_thousand_scans_are_understood_in_any_layout(enter: Enter, vera: User) -> None:
    dice = random.Random(11)  # repeatable on purpose
    cards = [
        "".join(dice.choice(SIGNS) for _ in range(dice.choice((12, 16, 20)))) for _ in range(CARDS)
    ]
    page = enter(vera, "/kassa/settings/")

    for russian in (True, False):
        for caps in (False, True):
            keys = [typed(card, russian=russian, caps=caps) for card in cards]
            heard = []
            for start in range(0, CARDS, 50):  # a call at a time: the page must breathe
                told = page.evaluate(SCAN, keys[start : start + 50])
                heard += told["heard"]
                assert told["left"] == ""
            assert heard == cards, (russian, caps)


def scan(page: Page, text: str) -> None:
    """As fast as the browser takes keys, Enter at the end."""
    page.keyboard.type(text)
    page.keyboard.press("Enter")


def to_amount(page: Page, who: str = "89123456789") -> None:
    page.keyboard.type(who)
    page.keyboard.press("Enter")
    expect(page.locator("#amount")).to_be_focused()


@pytest.fixture
def rich(anna: User, salon: Business, sell: Sell) -> User:
    sell(salon, anna, "20000")  # 1400 bonuses
    return anna


def test_spending_with_a_code_by_keyboard_alone(
    enter: Enter, vera: User, rich: User, salon: Business
) -> None:
    hold = hold_bonus(member=rich, business=salon, amount=Decimal(300), key="h", at=timezone.now())
    page = enter(vera, "/kassa/")
    to_amount(page)
    page.keyboard.type("1000")
    expect(page.locator("#preview .gain")).to_be_visible()
    page.keyboard.press("F2")
    expect(page.locator("#spend")).to_be_focused()
    page.keyboard.press("F2")
    expect(page.locator("#spend")).to_have_value("300")
    page.keyboard.press("Enter")
    expect(page.locator("#code")).to_be_focused()
    page.keyboard.type(hold.code)
    page.keyboard.press("Enter")

    expect(page.get_by_role("heading", name="Проведено")).to_be_visible()
    expect(page.locator(".done-figures")).to_contain_text("−300\u00a0бонусов")
    assert Spending.objects.get().way == "hold"


def test_a_card_scanned_over_the_sum_never_becomes_a_sum(
    enter: Enter, vera: User, rich: User
) -> None:
    page = enter(vera, "/kassa/")
    to_amount(page)
    page.keyboard.type("1000", delay=50)
    page.wait_for_timeout(200)

    scan(page, show_card(user=rich, at=timezone.now()).token)

    expect(page.get_by_text("Гостья подтвердила")).to_be_visible()
    expect(page.locator("#amount")).to_have_value("1000")
    page.keyboard.press("F2")
    page.keyboard.type("300", delay=50)
    expect(page.locator("#preview")).to_contain_text("700,00")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Проведено")).to_be_visible()
    assert Spending.objects.get().way == "card"


def test_undo_and_the_slip(enter: Enter, vera: User, anna: User) -> None:
    page = enter(vera, "/kassa/")
    to_amount(page)
    page.keyboard.type("100")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Отменить").click()

    expect(page.get_by_role("heading", name="Возвращено", exact=True)).to_be_visible()
    assert Transaction.objects.get().status == "refunded"


# --- the network is down -------------------------------------------------------------------------------
def test_fifty_sales_wait_on_the_device_and_arrive_once(
    enter: Enter, vera: User, anna: User
) -> None:
    page = enter(vera, "/kassa/")
    other = page.context.new_page()
    other.goto(page.url)
    page.bring_to_front()
    page.context.set_offline(True)
    page.keyboard.type("89123456789", delay=45)
    page.keyboard.press("Enter")
    expect(page.locator("#offline-amount")).to_be_focused()
    page.keyboard.type("100", delay=45)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Сохранено на устройстве")).to_be_visible()
    kept = page.evaluate(
        """async () => {
            const said = [];
            for (let n = 1; n < 50; n += 1) {
                said.push(await tillQueue.keep({ who: "89123456789", amount: String(100 + n) }));
            }
            return said;
        }"""
    )
    assert kept == [""] * 49
    expect(page.locator("#queue")).to_contain_text("50")
    assert not Transaction.objects.exists()
    plain = page.evaluate(
        """async () => {
            const base = await new Promise((done) => {
                const asked = indexedDB.open("till", 1);
                asked.onsuccess = () => done(asked.result);
            });
            return await new Promise((done) => {
                const asked = base.transaction("sales").objectStore("sales").getAll();
                asked.onsuccess = () => done(asked.result.map((row) => Object.keys(row).sort().join()));
            });
        }"""
    )
    assert set(plain) == {"at,iv,key,sealed"}

    page.context.set_offline(False)
    page.evaluate("tillQueue.flush()")
    other.evaluate("tillQueue.flush()")  # two tabs at once

    # Which of the two tabs says that all is sent, the race decides; neither waits any longer.
    for tab in (page, other):
        expect(tab.locator("#queue")).not_to_contain_text("ждёт", timeout=60_000)
    page.evaluate("tillQueue.flush()")
    amounts = sorted(Transaction.objects.values_list("amount", flat=True))
    assert amounts == [Decimal(100 + n) for n in range(50)]


def test_an_open_operation_waits_and_spending_does_not(
    enter: Enter, vera: User, rich: User
) -> None:
    page = enter(vera, "/kassa/")
    to_amount(page)
    page.keyboard.type("1000")
    expect(page.locator("#preview .gain")).to_be_visible()
    page.keyboard.press("F2")
    page.keyboard.type("100", delay=50)
    expect(page.locator("#preview")).to_contain_text("900,00")
    page.context.set_offline(True)
    page.keyboard.press("Enter")
    expect(page.locator("#till-trouble")).to_contain_text("списать бонусы сейчас нельзя")

    page.keyboard.press("Escape")
    page.locator("#amount").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Сохранено на устройстве")).to_be_visible()
    page.context.set_offline(False)
    page.evaluate("tillQueue.flush()")

    expect(page.locator("#queue")).to_contain_text("проведено", timeout=30_000)
    assert sorted(Transaction.objects.values_list("amount", flat=True)) == [1000, 20000]


def test_a_shift_does_not_close_over_a_queue(enter: Enter, vera: User, anna: User) -> None:
    page = enter(vera, "/kassa/shift/")
    page.route("**/kassa/queue/", lambda route: route.abort())
    page.evaluate("tillQueue.keep({ who: '89123456789', amount: '100' })")
    expect(page.locator("#queue")).to_contain_text("1")

    page.get_by_role("button", name="Закрыть смену").click()

    expect(page.locator("#queue")).to_contain_text("Они уйдут сами")
    page.unroute("**/kassa/queue/")
    page.evaluate("tillQueue.flush()")
    expect(page.locator("#queue")).to_contain_text("проведено", timeout=30_000)
    page.get_by_role("button", name="Закрыть смену").click()
    page.wait_for_url("**/login/**")


def test_two_tabs_of_one_operation_are_one_sale(enter: Enter, vera: User, anna: User) -> None:
    page = enter(vera, "/kassa/")
    to_amount(page)
    other = page.context.new_page()
    other.goto(page.url)
    for tab in (page, other):
        tab.fill("#amount", "100")
    for tab in (page, other):
        tab.press("#amount", "Enter")
        expect(tab.get_by_role("heading", name="Проведено")).to_be_visible()

    assert Transaction.objects.count() == 1


# --- screens --------------------------------------------------------------------------------------------
def test_other_pages_of_the_till(
    enter: Enter, olga: User, anna: User, salon: Business, sell: Sell, troubles: list[str]
) -> None:
    sale = sell(salon, anna, "1500")
    with transaction.atomic():
        code = personal(anna, salon, name="Укладка в подарок").code
    page = enter(olga, "/kassa/")
    home = page.url
    for path in ("return/", "shift/", "settings/", "device/", "coupon/", f"sale/{sale.pk}/slip/"):
        page.goto(f"{home}{path}")
        check(page, troubles, looked_at=TILL)
    page.goto(f"{home}coupon/")
    page.fill("#code", code)
    page.keyboard.press("Enter")
    expect(page.get_by_text("Укладка в подарок")).to_be_visible()
    check(page, troubles, looked_at=TILL)


def test_locked_till_opens_by_a_pin_within_two_seconds(
    enter: Enter, vera: User, salon: Business, troubles: list[str]
) -> None:
    page = enter(vera, "/kassa/device/")
    page.get_by_role("button", name="Доверять").click()
    page.fill("#pin", "4816")
    page.get_by_role("button", name="Задать PIN").click()
    page.goto(page.url.replace("device/", ""))
    page.get_by_role("button", name="Сменить").click()
    expect(page.locator("#pin")).to_be_visible()
    assert "Вера" in page.locator("main").inner_text()
    check(page, troubles, looked_at=TILL)
    page.get_by_label("Вера").check()

    page.locator("#pin").focus()
    began = page.evaluate("performance.timeOrigin + performance.now()")
    page.keyboard.type("4816", delay=120)
    page.keyboard.press("Enter")
    expect(page.locator("#who")).to_be_focused()

    took = page.evaluate("performance.timeOrigin + performance.now()") - began
    assert took < 2000, took


def test_confirming_and_returning_pages(
    enter: Enter, olga: User, rich: User, troubles: list[str]
) -> None:
    page = enter(olga, "/kassa/")
    to_amount(page)
    page.keyboard.type("1000")
    expect(page.locator("#preview .gain")).to_be_visible()
    page.keyboard.press("F2")
    page.keyboard.type("100", delay=50)
    page.keyboard.press("Enter")
    expect(page.locator("#code")).to_be_focused()
    check(page, troubles, looked_at=TILL)
    page.goto(f"{page.url.split('/kassa')[0]}/kassa/sale/{Transaction.objects.get().pk}/return/")
    check(page, troubles, looked_at=TILL)


# --- how fast ---------------------------------------------------------------------------------------------
def human_sale(page: Page, token: str, amount: str) -> float:
    """Seconds from the scan to the big result, at a person's pace: a scan of 2 s, 0.28 s a key,
    1.2 s to look at the preview."""
    began = page.evaluate("performance.now()")
    page.wait_for_timeout(1800)  # takes the scanner, aims
    scan(page, token)
    expect(page.locator("#amount")).to_be_focused()
    page.keyboard.type(amount, delay=280)
    expect(page.locator("#preview .gain")).to_be_visible()
    page.wait_for_timeout(1200)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Проведено")).to_be_visible()
    return (page.evaluate("performance.now()") - began) / 1000


def test_a_sale_takes_six_seconds(
    enter: Enter, vera: User, anna: User, record_property: Any
) -> None:
    page = enter(vera, "/kassa/")
    took = []
    for number in range(30):  # a person's pace: 200 of them are half an hour of waiting
        took.append(human_sale(page, anna.card_number, str(1000 + number)))
        page.wait_for_timeout(700)
        page.keyboard.press("Enter")
        expect(page.locator("#who")).to_be_focused()

    median, worst = statistics.median(took), sorted(took)[int(len(took) * 0.9)]
    record_property("median", median)
    assert median <= 6, took
    assert worst <= 10, took
    assert Transaction.objects.count() == 30
