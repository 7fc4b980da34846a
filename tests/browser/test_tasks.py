"""The hallway test as scripts: what people come for, done by words and keys as they see them, with
the number of acts, the time at a person's pace, and the outcome in the database."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import transaction
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Page, expect

from apps.accounts.enums import RequestState
from apps.accounts.models import PrivacyRequest, User
from apps.accounts.services import note_request
from apps.businesses.models import Business, Membership
from apps.coupons.models import Redemption
from apps.events.enums import State as EventState
from apps.loyalty import rules as loyalty_rules
from apps.loyalty import services as loyalty
from apps.loyalty.models import OfferConstructor, StatementLine
from apps.loyalty.queries import balance_of
from apps.transactions.models import FlagKind, FraudFlag, Transaction
from tests.backoffice.conftest import Person as MakePerson
from tests.backoffice.conftest import Sell
from tests.browser.person import task
from tests.factories.coupons import personal
from tests.factories.events import comes, published, submitted
from tests.factories.transactions import sale

Enter = Callable[[User, str], Page]
SignedIn = Callable[[User], Client]


# --- the till ------------------------------------------------------------------------------------
def test_accrual_by_phone(enter: Enter, vera: User, anna: User) -> None:
    page = enter(vera, "/kassa/")
    with task("accrual by phone", page, most_steps=4, most_seconds=10) as she:
        she.types("89123456789")
        she.presses("Enter")
        expect(page.locator("#amount")).to_be_focused()
        she.types("1500,50")
        expect(page.locator("#preview .gain")).to_be_visible()
        she.presses("Enter")
        she.sees("Проведено")

    assert Transaction.objects.get().amount == Decimal("1500.50")
    assert balance_of(anna.pk, at=timezone.now()).available == Decimal("105.03")


def test_redemption_with_the_code_of_the_guest(
    enter: Enter, vera: User, anna: User, salon: Business, sell: Sell
) -> None:
    sell(salon, anna, "20000")
    hold = loyalty.hold_bonus(
        member=anna, business=salon, amount=Decimal(300), key="h", at=timezone.now()
    )
    page = enter(vera, "/kassa/")
    with task("redemption by code", page, most_steps=8, most_seconds=20) as she:
        she.types("89123456789")
        she.presses("Enter")
        expect(page.locator("#amount")).to_be_focused()
        she.types("1000")
        expect(page.locator("#preview .gain")).to_be_visible()
        she.presses("F2")
        she.presses("F2")
        she.presses("Enter")
        expect(page.locator("#code")).to_be_focused()
        she.types(hold.code)
        she.presses("Enter")
        she.sees("Проведено")

    done = Transaction.objects.latest("recorded_at")
    assert (done.amount, done.bonus_spent) == (Decimal(1000), Decimal(300))


def test_coupon_beside_the_sum(enter: Enter, vera: User, anna: User, salon: Business) -> None:
    with transaction.atomic():  # its fact leaves with it
        code = personal(anna, salon, name="Скидка к празднику").code
    page = enter(vera, "/kassa/")
    with task("sale with a coupon", page, most_steps=6, most_seconds=20) as she:
        she.types("89123456789")
        she.presses("Enter")
        expect(page.locator("#amount")).to_be_focused()
        she.types("3000")
        she.presses("F4")
        she.types(code)
        expect(page.locator("#preview .gain")).to_be_visible()
        she.presses("Enter")
        she.sees("Проведено")

    assert Redemption.objects.get().sale_id == Transaction.objects.get().pk


def test_undo_of_a_slip_of_the_hand(enter: Enter, vera: User, anna: User) -> None:
    page = enter(vera, "/kassa/")
    with task("undo at once", page, most_steps=5, most_seconds=20) as she:
        she.types("89123456789")
        she.presses("Enter")
        expect(page.locator("#amount")).to_be_focused()
        she.types("15000")
        she.presses("Enter")
        she.clicks("Отменить")
        expect(page.get_by_role("heading", name="Возвращено", exact=True)).to_be_visible()

    assert Transaction.objects.get().status == "refunded"


def test_return_by_the_owner(
    enter: Enter, olga: User, anna: User, salon: Business, sell: Sell
) -> None:
    sold = sell(salon, anna, "1500", days_ago=1)
    page = enter(olga, "/kassa/return/")
    with task("partial return", page, most_steps=6, most_seconds=20) as she:
        she.types(sold.number)
        she.presses("Enter")
        expect(page.locator("#amount")).to_be_focused()
        she.types("500")
        she.presses("Tab")
        she.types("Укладка не понравилась")
        she.presses("Enter")
        she.sees("Возвращено")

    sold.refresh_from_db()
    assert (sold.status, sold.amount_left) == ("partly_refunded", Decimal(1000))


# --- the owner -----------------------------------------------------------------------------------
def test_what_a_guest_bought_is_found_from_any_page(
    enter: Enter, olga: User, anna: User, salon: Business, sell: Sell
) -> None:
    sell(salon, anna, "1500")
    page = enter(olga, "/biz/salon/")
    with task("a guest by phone", page, most_steps=3, most_seconds=10) as she:
        page.keyboard.press("Control+KeyK")
        she.types("89123456789")
        expect(page.locator("#palette [role=option]")).to_have_count(1)
        she.presses("Enter")
        page.wait_for_url("**/sales/?member=*")
        she.sees("1\u00a0500")
        she.sees("Анна К.")


def test_an_offer_is_begun_and_started(enter: Enter, olga: User, salon: Business) -> None:
    page = enter(olga, "/biz/salon/offers/")
    with task("an offer", page, most_steps=10, most_seconds=40) as she:
        she.clicks("Заполнить тихие часы")
        she.fills("Название", "Тихие будни")
        for _step in range(4):
            page.wait_for_load_state("networkidle")
            she.clicks("Дальше")
        she.clicks("Запустить")
        page.wait_for_url("**/offers/*-*/")

    offer = OfferConstructor.objects.get()
    assert (offer.version.name, offer.state) == ("Тихие будни", "active")


def test_a_statement_is_confirmed(
    enter: Enter, olga: User, anna: User, salon: Business, cafe: Business
) -> None:
    first = loyalty_rules.month_before(timezone.now())
    at = loyalty_rules.month_bounds(first)[0] + timedelta(days=10)
    loyalty.earn_for_purchase(
        member=anna, business=salon, paid=Decimal(1000), key="e", occurred_at=at, posted_at=at
    )
    loyalty.spend_bonus(
        member=anna, business=cafe, amount=Decimal(20), key="s", at=at, posted_at=at
    )
    loyalty.close_month(month=first, by=None, at=timezone.now())
    page = enter(olga, "/biz/salon/settlement/")
    with task("a statement confirmed", page, most_steps=3, most_seconds=15) as she:
        page.locator(f"a[href*='{first:%Y-%m}']").first.click()
        she.clicks("Подтвердить")
        she.sees("вы подтвердили")

    assert StatementLine.objects.get().debtor_confirmed_at


def test_a_colleague_is_invited(enter: Enter, olga: User, salon: Business) -> None:
    page = enter(olga, "/biz/salon/staff/")
    with task("a colleague invited", page, most_steps=3, most_seconds=15) as she:
        she.fills("Телефон", "89165554433")
        she.clicks("Пригласить")
        she.sees("+7 916 ···-··-33")

    assert Membership.objects.live().filter(business=salon).count() == 2


# --- control -------------------------------------------------------------------------------------
@pytest.fixture
def irina(person: MakePerson) -> User:
    return person("Ирина", "Санина", phone="+79160000009", job="admin")


def test_a_member_is_found_and_blocked(enter: Enter, irina: User, anna: User) -> None:
    page = enter(irina, "/control/")
    with task("a member blocked", page, most_steps=6, most_seconds=20) as she:
        page.keyboard.press("Control+KeyK")
        she.types("89123456789")
        expect(page.locator("#palette [role=option]")).to_have_count(1)
        she.presses("Enter")
        page.wait_for_url("**/members/*-*/")
        she.opens("Заблокировать")
        she.fills("Причина", "Просила сама, письмо от 12 ноября")
        she.clicks("Заблокировать")
        she.sees("Заблокирована")

    anna.refresh_from_db()
    assert anna.blocked_at


def test_a_request_about_data_is_closed(enter: Enter, irina: User, anna: User) -> None:
    note_request(member=anna, kind="copy", by=irina, at=timezone.now())
    page = enter(irina, "/control/")
    with task("a privacy request", page, most_steps=4, most_seconds=20) as she:
        she.clicks("Запросы о персональных данных", role="link")
        she.fills("Что сделали", "Копия отправлена письмом")
        she.clicks("Закрыть")
        she.sees("Здесь пусто")

    assert PrivacyRequest.objects.get().state != RequestState.OPEN


def test_a_suspicion_is_settled(enter: Enter, irina: User, salon: Business) -> None:
    sold = sale(business=salon)
    at = timezone.now()
    FraudFlag.objects.create(
        kind=FlagKind.AT_NIGHT, business=salon, transaction=sold, member=sold.member, at=at
    )
    page = enter(irina, "/control/")
    with task("a suspicion settled", page, most_steps=4, most_seconds=20) as she:
        she.clicks("Подозрения", role="link")
        she.fills("Что выяснили", "Смена до полуночи, всё верно")
        she.clicks("Записать")
        she.sees("Вывод записан")

    assert FraudFlag.objects.get().settled_at


def test_a_proposal_is_approved(enter: Enter, person: MakePerson) -> None:
    event = submitted()
    moderator = person("Нина", "Мирова", phone="+79160000019", tier_code="inner_circle")
    page = enter(moderator, "/control/")
    with task("a proposal approved", page, most_steps=10, most_seconds=30) as she:
        she.clicks("Открыть самую срочную", role="link")
        she.clicks("Поход за грибами", role="link")
        she.clicks("Взять на 30 минут")
        for box in page.get_by_role("checkbox").all():
            she.steps += 1
            box.check()
        she.clicks("Одобрить")
        she.sees("Одобрено")

    event.refresh_from_db()
    assert event.state == EventState.VOTING


def test_somebody_from_the_line_gets_a_seat(enter: Enter, irina: User, cafe: Business) -> None:
    event = published(business=cafe, capacity=1)
    _first, second = comes(event), comes(event)
    page = enter(irina, "/control/")
    with task("a seat from the line", page, most_steps=7, most_seconds=25) as she:
        page.keyboard.press("Control+KeyK")
        she.types("камин")
        expect(page.locator("#palette [role=option]")).to_have_count(1)
        she.presses("Enter")
        page.wait_for_url("**/events/*-*/")
        line = page.get_by_role("region", name="Лист ожидания")
        line.locator("summary").click()
        line.get_by_label("Причина").fill("Приехала издалека")
        line.get_by_label("стул сверх лимита").check()
        she.steps += 3
        she.clicks("Дать место")
        she.sees("Место дано")

    second.refresh_from_db()
    assert second.state == "confirmed"
