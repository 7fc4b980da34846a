"""The owner's constructors in a browser: kept while she types, by keyboard alone, any width."""

from playwright.sync_api import Page, expect

from apps.accounts.models import User
from apps.backoffice.models import Draft
from apps.businesses.models import Business
from apps.crosspromo.models import Chain
from tests.browser.test_pages import Enter, check


def test_an_offer_is_kept_while_it_is_typed(
    enter: Enter, olga: User, salon: Business, troubles: list[str]
) -> None:
    page = enter(olga, "/biz/salon/offers/")
    page.get_by_role("button", name="Поднять чек").click()
    page.get_by_label("Название").fill("Вечер пятницы")
    expect(page.locator(".member-name")).to_have_text("Вечер пятницы")
    page.reload()
    expect(page.get_by_label("Название")).to_have_value("Вечер пятницы")
    check(page, troubles)
    for heading in ("Статусы", "Сколько", "Первый день"):
        page.get_by_role("button", name="Дальше").click()
        expect(page.get_by_text(heading).first).to_be_visible()
    page.get_by_role("button", name="Дальше").click()
    page.get_by_role("button", name="Прикинуть по прошлому").click()
    expect(page.locator("#forecast .figure-main")).to_be_visible()
    check(page, troubles)


def test_a_chain_is_built_without_a_pointer(
    enter: Enter, olga: User, salon: Business, cafe: Business, troubles: list[str]
) -> None:
    page = enter(olga, "/biz/salon/chains/")
    press(page, "Собрать первую цепочку")
    page.get_by_label("Название").press_sequentially("Салон и ужин")
    page.get_by_label("туда и обратно").focus()
    page.keyboard.press("Space")
    press(page, "Добавить шаг")
    page.locator("#id_s0-to").select_option(label="Лисичкино")
    expect(page.locator(".diagram-name", has_text="Лисичкино")).to_be_visible()
    check(page, troubles)
    press(page, "Оставить черновиком")
    with page.expect_response("**/diagram/"):  # not asked about a draft that is sent meanwhile
        page.locator("#id_s1-value").fill("5")
    press(page, "Отправить партнёрам")
    expect(page.get_by_role("heading", name="Кто согласился")).to_be_visible()
    assert Chain.objects.get().topology == "mutual"
    assert not Draft.objects.exists()
    check(page, troubles)


def press(page: Page, name: str) -> None:
    page.wait_for_load_state("networkidle")  # a page that is left cuts off what it was asking
    page.wait_for_timeout(600)
    page.wait_for_load_state("networkidle")
    page.get_by_role("button", name=name).first.focus()
    page.keyboard.press("Enter")
