"""The till over HTTP: every step as a plain form and as a part that htmx swaps."""

import re
from decimal import Decimal

import pytest
from django.test import Client
from django.utils import timezone

from apps.accounts.models import User
from apps.accounts.rules import check_digit
from apps.businesses import services as businesses
from apps.businesses.models import Business, Role
from apps.loyalty.queries import balance_of
from apps.transactions.models import Transaction
from apps.transactions.services import searching
from tests.backoffice.conftest import Person, Sell, SignedIn

PART = {"HTTP_HX_REQUEST": "true", "HTTP_HX_CURRENT_URL": "http://testserver/kassa/"}


def find(till: Client, who: str, **headers: str):
    return till.post("/kassa/find/", {"who": who}, **headers)


def test_sale_by_plain_forms(till: Client, anna: User, vera: User, salon: Business) -> None:
    step = find(till, "8 912 345-67-89")
    page = till.get(step.url).content.decode()
    assert "Анна К." in page
    assert "Котова" not in page
    assert "912" not in page.split("<main")[1].split("</main")[0]

    done = till.post(step.url, {"amount": "1 500,50 ₽"})

    sale = Transaction.objects.get()
    assert done.url == f"/kassa/sale/{sale.pk}/"
    assert (sale.amount, sale.bonus_accrued, sale.entered_by, sale.business) == (
        Decimal("1500.50"),
        Decimal("105.03"),
        vera,
        salon,
    )
    result = till.get(done.url).content.decode()
    assert "1\u00a0500,50\u00a0₽" in result
    assert "+105,03\u00a0бонуса" in result
    assert sale.number in result
    assert balance_of(anna.pk, at=timezone.now()).available == Decimal("105.03")


def test_sale_by_parts(till: Client, anna: User) -> None:
    step = find(till, "+79123456789", **PART)
    part = till.get(step.url, **PART).content.decode()
    assert "<html" not in part
    assert 'data-step="operation"' in part

    done = till.post(step.url, {"amount": "100"}, **PART)

    result = till.get(done.url, **PART).content.decode()
    assert "<html" not in result
    assert "Проведено" in result


def test_card_number_finds_as_well_as_a_phone(till: Client, anna: User) -> None:
    number = anna.card_number

    step = find(till, f"{number[:4]} {number[4:8]} {number[8:]}")

    assert "Анна К." in till.get(step.url).content.decode()


@pytest.mark.parametrize(
    ("who", "told"),
    [
        ("", "Введите телефон или номер карты."),
        ("привет", "Это не телефон и не номер карты."),
        ("8 912 345", "Это не телефон и не номер карты."),
        ("1e5", "Это не телефон и не номер карты."),
        ("9" * 65, "Слишком длинно"),
        ("+7 999 111-22-33", "Такой участницы нет."),
        ("12345678901" + str((int(check_digit("12345678901")) + 1) % 10), "опечатка"),
        ("12345678901" + check_digit("12345678901"), "Такой участницы нет."),
    ],
)
@pytest.mark.parametrize("headers", [{}, PART])
def test_search_tells_what_is_wrong_and_keeps_the_text(
    till: Client, anna: User, who: str, told: str, headers: dict[str, str]
) -> None:
    answer = find(till, who, **headers)
    page = answer.content.decode()

    assert answer.status_code == 422
    assert told in page
    assert page.count('role="alert"') == (1 if headers else 3)  # the page has two for the network
    assert f'value="{who}"' in page


def test_search_text_never_enters_an_address(till: Client, anna: User) -> None:
    assert "9123456789" not in find(till, "+79123456789").url


def test_member_whose_card_is_paused_is_not_served(till: Client, anna: User) -> None:
    anna.blocked_at = timezone.now()
    anna.save()

    assert "участие приостановлено" in find(till, "+79123456789").content.decode()


def test_guessing_numbers_is_stopped(till: Client, anna: User) -> None:
    for number in range(30):
        find(till, f"+7999111{number:04d}")

    assert "Слишком много неизвестных номеров" in find(till, "+79991120000").content.decode()


def test_searches_of_a_whole_business_are_counted(
    till: Client, anna: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert searching.BUSINESS_SEARCHES == 3000
    monkeypatch.setattr(searching, "BUSINESS_SEARCHES", 1)

    first, again = find(till, "+79123456789"), find(till, "+79123456789")
    other = find(till, "+79123456780")

    assert (first.status_code, again.status_code) == (302, 302)
    assert "Слишком много неизвестных номеров" in other.content.decode()


WRONG_AMOUNTS = [
    ("1e5", "Введите сумму цифрами"),
    ("-1", "Введите сумму цифрами"),
    ("−1", "Введите сумму цифрами"),
    ("12,345", "Введите сумму цифрами"),
    ("1,2.3", "Введите сумму цифрами"),
    ("١٢٣", "Введите сумму цифрами"),
    ("123456789", "не больше 8 цифр"),
    ("2200123412341234", "не больше 8 цифр"),
    ("0", "больше нуля"),
    ("0,00", "больше нуля"),
]


@pytest.mark.parametrize(("amount", "told"), WRONG_AMOUNTS)
def test_bad_amount_is_told_and_changes_nothing(
    till: Client, anna: User, amount: str, told: str
) -> None:
    step = find(till, "+79123456789")

    answer = till.post(step.url, {"amount": amount})
    preview = till.post(f"{step.url}quote/", {"amount": amount}, **PART).content.decode()

    assert answer.status_code == 422
    assert told in answer.content.decode()
    assert told in preview
    assert 'role="alert"' in preview
    assert not Transaction.objects.exists()


def test_amount_over_the_partners_limit_is_told(till: Client, anna: User, salon: Business) -> None:
    step = find(till, "+79123456789")

    answer = till.post(step.url, {"amount": "1000001"})

    assert answer.status_code == 422
    assert 'role="alert"' in answer.content.decode()
    assert not Transaction.objects.exists()


def test_preview_is_counted_by_the_server_and_writes_nothing(till: Client, anna: User) -> None:
    step = find(till, "+79123456789")

    preview = till.post(f"{step.url}quote/", {"amount": "1 234,50"}, **PART).content.decode()

    assert "1\u00a0234,50\u00a0₽" in preview
    assert "+86,41\u00a0бонуса" in preview
    assert not Transaction.objects.exists()


@pytest.mark.parametrize("amount", ["", " ", ","])
def test_preview_of_nothing_scolds_nobody(till: Client, anna: User, amount: str) -> None:
    step = find(till, "+79123456789")

    preview = till.post(f"{step.url}quote/", {"amount": amount}, **PART).content.decode()

    assert "alert" not in preview


def test_preview_works_as_a_page(till: Client, anna: User) -> None:
    step = find(till, "+79123456789")

    page = till.post(f"{step.url}quote/", {"amount": "100"}).content.decode()

    assert "+7\u00a0бонусов" in page
    assert 'value="100"' in page


def test_sent_twice_is_one_sale(till: Client, anna: User) -> None:
    step = find(till, "+79123456789")

    first = till.post(step.url, {"amount": "100"})
    second = till.post(step.url, {"amount": "100"})

    assert first.url == second.url
    assert Transaction.objects.count() == 1


def test_back_and_reload_show_the_result_of_the_operation(till: Client, anna: User) -> None:
    step = find(till, "+79123456789")
    done = till.post(step.url, {"amount": "100"})

    assert till.get(step.url).url == done.url


def test_sent_again_with_another_sum_changes_nothing(till: Client, anna: User) -> None:
    step = find(till, "+79123456789")
    till.post(step.url, {"amount": "100"})

    answer = till.post(step.url, {"amount": "200"})

    assert answer.status_code == 422
    assert 'role="alert"' in answer.content.decode()
    assert list(Transaction.objects.values_list("amount", flat=True)) == [Decimal("100.00")]


def test_another_persons_operation_does_not_open(
    till: Client, anna: User, olga: User, signed_in: SignedIn
) -> None:
    step = find(till, "+79123456789")

    answer = signed_in(olga).post(step.url, {"amount": "100"})

    assert answer.status_code == 422
    assert "Эта операция устарела" in answer.content.decode()
    assert not Transaction.objects.exists()


def test_forged_operation_does_not_open(till: Client, anna: User) -> None:
    step = find(till, "+79123456789")
    forged = re.sub(r"op/.", "op/!", step.url)

    assert "Эта операция устарела" in till.get(forged).content.decode()


def test_staff_let_go_sells_no_more(till: Client, anna: User, vera: User, salon: Business) -> None:
    step = find(till, "+79123456789")
    businesses.remove_staff(business=salon, user=vera, by=None, at=timezone.now())

    answer = till.post(step.url, {"amount": "100"})

    assert answer.status_code == 302  # no job any more: to the sign-in page
    assert not Transaction.objects.exists()


def test_sale_of_another_partner_is_unknown(
    till: Client, anna: User, cafe: Business, sell: Sell
) -> None:
    foreign = sell(cafe, anna, "100")

    assert till.get(f"/kassa/sale/{foreign.pk}/").status_code == 404


def test_own_purchase_is_left_to_a_colleague(till: Client, vera: User) -> None:
    step = find(till, "+79160000001")

    answer = till.post(step.url, {"amount": "100"})

    assert answer.status_code == 422
    assert not Transaction.objects.exists()


def test_choice_of_business_is_kept(
    till: Client, anna: User, vera: User, cafe: Business, salon: Business
) -> None:
    businesses.add_staff(business=cafe, user=vera, role=Role.STAFF, by=None, at=timezone.now())
    assert till.get("/kassa/").context["business"] == cafe  # by name

    till.post("/kassa/business/", {"business": str(salon.pk)})

    assert till.get("/kassa/").context["business"] == salon
    till.post(find(till, "+79123456789").url, {"amount": "100"})
    assert Transaction.objects.get().business == salon


def test_foreign_business_cannot_be_chosen(till: Client, cafe: Business, salon: Business) -> None:
    till.post("/kassa/business/", {"business": str(cafe.pk)})

    assert till.get("/kassa/").context["business"] == salon


def test_start_lists_five_own_operations_of_today(till: Client, anna: User, sell: Sell) -> None:
    for amount in range(1, 7):
        till.post(find(till, "+79123456789").url, {"amount": str(amount)})

    page = till.get("/kassa/").context["sales"]

    assert [int(sale.amount) for sale in page] == [6, 5, 4, 3, 2]


def test_start_shows_no_sales_of_others(
    till: Client, anna: User, salon: Business, sell: Sell
) -> None:
    sell(salon, anna, "100")

    assert "Пока пусто" in till.get("/kassa/").content.decode()


@pytest.mark.parametrize("job", ["admin", "superadmin"])
def test_admins_sell_nothing(
    person: Person, signed_in: SignedIn, salon: Business, job: str
) -> None:
    admin = person("Ада", "Минина", phone="+79160000003", job=job)

    assert signed_in(admin).get("/kassa/").status_code == 403


def test_stranger_is_sent_to_sign_in(client: Client, db: None) -> None:
    assert client.get("/kassa/").url == "/login/?next=%2Fkassa%2F"
    part = client.get("/kassa/", **PART)
    assert part.headers["HX-Redirect"] == "/login/?next=%2Fkassa%2F"


def test_pages_with_people_are_not_kept_by_the_browser(till: Client, anna: User) -> None:
    answer = till.get(find(till, "+79123456789").url)

    assert "no-store" in answer.headers["Cache-Control"]
    assert "HX-Request" in answer.headers["Vary"]


@pytest.mark.parametrize("sales", [1, 4])
def test_start_costs_the_same_for_any_number_of_operations(
    till: Client, anna: User, sales: int, django_assert_max_num_queries
) -> None:
    for amount in range(sales):
        till.post(find(till, "+79123456789").url, {"amount": str(amount + 1)})

    with django_assert_max_num_queries(9):
        assert len(till.get("/kassa/").context["sales"]) == sales
