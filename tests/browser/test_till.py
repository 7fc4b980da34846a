"""The till as a person uses it: without a mouse, in a hurry, and without scripts."""

from collections.abc import Callable
from decimal import Decimal

import pytest
from playwright.sync_api import Browser, Page, expect

from apps.accounts.models import User
from apps.transactions.models import Transaction
from tests.backoffice.conftest import PASSWORD

Enter = Callable[[User, str], Page]


def to_amount(page: Page) -> None:
    page.keyboard.type("89123456789")
    page.keyboard.press("Enter")
    expect(page.locator("#amount")).to_be_focused()


@pytest.mark.everyday
def test_shift_without_a_mouse(page: Page, live_server, vera: User, anna: User) -> None:
    page.goto(f"{live_server.url}/kassa/")
    page.keyboard.type("+7 916 000-00-01")
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.locator("#who")).to_be_focused()

    to_amount(page)
    expect(page.get_by_role("heading", name="Анна К.")).to_be_visible()
    page.keyboard.type("1500,50")
    expect(page.locator("#preview .gain")).to_have_text("+105,03\u00a0бонуса")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Проведено")).to_be_visible()
    expect(page.get_by_role("link", name="Новая операция")).to_be_focused()
    page.wait_for_timeout(700)
    page.keyboard.press("Enter")

    expect(page.locator("#who")).to_be_focused()
    expect(page.locator(".latest")).to_contain_text("Анна К.")
    assert Transaction.objects.get().amount == Decimal("1500.50")


def test_digits_find_the_field_wherever_the_cursor_is(enter: Enter, vera: User) -> None:
    page = enter(vera, "/kassa/")
    page.locator("body").click(position={"x": 5, "y": 300})
    page.evaluate("document.activeElement.blur()")

    page.keyboard.type("8912")

    expect(page.locator("#who")).to_have_value("8912")


def test_escape_goes_one_step_back(enter: Enter, vera: User, anna: User) -> None:
    page = enter(vera, "/kassa/")
    to_amount(page)
    page.keyboard.type("100")

    page.keyboard.press("Escape")
    expect(page.locator("#amount")).to_have_value("")
    expect(page.locator("#amount")).to_be_focused()
    page.keyboard.press("Escape")

    expect(page.locator("#who")).to_be_focused()
    assert not Transaction.objects.exists()


def test_doubled_and_held_enter_make_one_sale_and_leave_the_result(
    enter: Enter, vera: User, anna: User
) -> None:
    page = enter(vera, "/kassa/")
    to_amount(page)
    page.keyboard.type("100")

    for _press in range(4):
        page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Проведено")).to_be_visible()
    page.keyboard.press("Enter")

    expect(page.get_by_role("heading", name="Проведено")).to_be_visible()
    assert Transaction.objects.count() == 1


def test_back_and_reload_never_sell_again(enter: Enter, vera: User, anna: User) -> None:
    page = enter(vera, "/kassa/")
    to_amount(page)
    page.keyboard.type("100")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Проведено")).to_be_visible()

    page.reload()
    expect(page.get_by_role("heading", name="Проведено")).to_be_visible()
    page.go_back()
    expect(page.get_by_role("heading", name="Проведено")).to_be_visible()
    page.keyboard.press("Enter")

    page.wait_for_timeout(300)
    assert Transaction.objects.count() == 1


@pytest.mark.parametrize("amount", ["1e5", "-1", "12,345", "2200123412341234"])
def test_wrong_amount_is_told_under_the_field(
    enter: Enter, vera: User, anna: User, amount: str
) -> None:
    page = enter(vera, "/kassa/")
    to_amount(page)

    page.keyboard.type(amount, delay=40)  # faster is a scanner, whose signs never stay here
    alert = page.locator("#preview [role=alert]")
    expect(alert).to_be_visible()
    expect(page.locator("#amount")).to_have_attribute("aria-invalid", "true")
    page.keyboard.press("Enter")

    expect(alert).to_be_visible()
    expect(page.locator("#amount")).to_be_focused()
    assert not Transaction.objects.exists()


def test_unknown_phone_is_told_and_can_be_typed_over(enter: Enter, vera: User, anna: User) -> None:
    page = enter(vera, "/kassa/")
    page.keyboard.type("89990000000", delay=40)
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert").filter(has_text="Такой участницы нет")).to_be_visible()

    to_amount(page)


def test_list_of_keys_opens_by_the_place_of_the_key(enter: Enter, vera: User, anna: User) -> None:
    page = enter(vera, "/kassa/")
    page.evaluate("document.activeElement.blur()")

    page.keyboard.press("Shift+Slash")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")

    expect(page.get_by_role("dialog")).to_be_hidden()


@pytest.mark.everyday
def test_everything_works_without_scripts(
    browser: Browser, live_server, vera: User, anna: User
) -> None:
    context = browser.new_context(java_script_enabled=False, locale="ru-RU")
    page = context.new_page()
    page.goto(f"{live_server.url}/kassa/")
    page.fill("#login", "+79160000001")
    page.fill("#password", PASSWORD)
    page.click("text=Войти")
    page.fill("#who", "89123456789")
    page.click("button:has-text('Найти')")
    page.fill("#amount", "200")
    page.click("button:has-text('Посчитать')")
    expect(page.locator("#preview")).to_contain_text("+14\u00a0бонусов")

    page.click("button:has-text('Провести')")

    expect(page.get_by_role("heading", name="Проведено")).to_be_visible()
    page.click("text=Новая операция")
    expect(page.locator("#who")).to_be_visible()
    assert Transaction.objects.count() == 1
    context.close()
