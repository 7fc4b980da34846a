"""The till beside its main path: spending, undoing, returns, the shift, sales that waited."""

import gzip
import itertools
import random
import re
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import django_htmx
import orjson
import pytest
from django.contrib.staticfiles import finders
from django.test import Client
from django.utils import timezone

from apps.accounts import rules as people
from apps.accounts.models import User
from apps.accounts.services import show_card
from apps.backoffice.pages.reading import LATIN, RUSSIAN, Kind, read, repaired
from apps.backoffice.pages.tokens import Operation, queue_pass
from apps.businesses.models import Business
from apps.core.gateways import sms
from apps.loyalty.queries import balance_of
from apps.loyalty.services import hold_bonus
from apps.transactions.models import FraudFlag, Refund, Transaction
from tests.backoffice.conftest import Sell, SignedIn
from tests.factories.businesses import BusinessFactory
from tests.factories.coupons import campaign, code_of

PART = {"HTTP_HX_REQUEST": "true", "HTTP_HX_CURRENT_URL": "http://testserver/kassa/"}
MOST_JS = 90 * 1024  # bytes, gzip


def find(till: Client, who: str):
    return till.post("/kassa/find/", {"who": who})


# --- the one input -------------------------------------------------------------------------------
def keys_of_the_russian_layout(text: str) -> str:
    table = str.maketrans(LATIN + LATIN.upper(), RUSSIAN + RUSSIAN.upper())
    return text.translate(table)


def test_a_thousand_cards_are_read_in_either_layout_with_or_without_caps() -> None:
    dice = random.Random(7)
    wrong = []
    for _ in range(1000):
        number = people.new_card_number()
        token = people.card_token(number, f"{dice.randrange(10**8):08d}")
        old = "".join(dice.choice("ABCDEFGHKLMNPRSTUVWXYZ0123456789") for _ in range(12))
        for text, kind in ((number, Kind.CARD), (token, Kind.TOKEN)):
            for shift in ("", '!"№;%:?*()', "!@#$%^&*()"):
                table = str.maketrans("1234567890", shift) if shift else {}
                found = read(text.translate(table))
                if found is None or (found.kind, found.text) != (kind, text):
                    wrong.append(text)
        for letters in (old, old.lower(), old.swapcase()):
            if repaired(keys_of_the_russian_layout(letters)) != letters:
                wrong.append(letters)
    assert wrong == []


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("8 (912) 345-67-89", Kind.PHONE),
        ("+79123456789", Kind.PHONE),
        ("123456", Kind.HOLD),
        ("Анна 4821", Kind.NAME),
        ("анна-мария4821", Kind.NAME),
        ("4821", Kind.NAME),
        ("48211", None),
        ("привет", None),
        ("1e5", None),
        ("٤٨٢١", None),
        ("Анна", None),
    ],
)
def test_what_a_text_means(text: str, kind: Kind | None) -> None:
    found = read(text)

    assert (found.kind if found else None) == kind


def test_a_name_with_the_end_of_the_card_finds_own_guests_only(
    till: Client, rich: User, cafe: Business, sell: Sell, person
) -> None:
    stranger = person("Анна", "Чужая", phone="+79123456700")
    sell(cafe, stranger, "100")

    step = find(till, f"анна {rich.card_number[-4:]}")

    assert "Анна К." in till.get(step.url).content.decode()
    assert find(till, stranger.card_number[-4:]).status_code == 422


def test_two_guests_with_the_same_digits_are_a_choice(
    till: Client, rich: User, salon: Business, sell: Sell, person
) -> None:
    twin = person(
        "Анна", "Белова", phone="+79123456701", card_number="9" * 8 + rich.card_number[-4:]
    )
    sell(salon, twin, "100")

    page = find(till, rich.card_number[-4:])

    assert page.status_code == 200
    assert {"Анна К.", "Анна Б."} <= set(re.findall(r"Анна \w\.", page.content.decode()))


def test_the_slip_under_the_scanner_opens_its_sale(
    till: Client, rich: User, cafe: Business, sell: Sell
) -> None:
    own, foreign = Transaction.objects.get(), sell(cafe, rich, "100")

    assert find(till, own.code).url == f"/kassa/sale/{own.pk}/"
    assert find(till, foreign.code).status_code == 422


# --- spending ------------------------------------------------------------------------------------
def test_the_code_of_her_hold_finds_her_and_pays(till: Client, rich: User, salon: Business) -> None:
    hold = hold_bonus(member=rich, business=salon, amount=Decimal(300), key="h", at=timezone.now())
    step = find(till, hold.code)
    page = till.get(step.url).content.decode()
    assert 'value="300,00"' in page
    assert "Гостья подтвердила" in page

    till.post(step.url, {"amount": "1000", "spend": "300"})

    sale = Transaction.objects.order_by("-id").first()
    assert (sale.to_pay, sale.bonus_spent, sale.spending.way) == (700, 300, "hold")


def test_her_card_on_the_screen_confirms(till: Client, rich: User) -> None:
    token = show_card(user=rich, at=timezone.now()).token
    step = find(till, token)

    till.post(step.url, {"amount": "1000", "spend": "300"})

    assert Transaction.objects.order_by("-id").first().spending.way == "card"
    assert "уже использован" in find(till, token).content.decode()


def test_a_code_by_sms_confirms(till: Client, rich: User, monkeypatch) -> None:
    sent: list[dict] = []
    monkeypatch.setattr(sms, "post", lambda **message: sent.append(message))
    confirm = till.post(find(till, "89123456789").url, {"amount": "1000", "spend": "250,50"}).url
    assert "/confirm/" in confirm

    till.post(confirm, {"act": "sms"})
    page = till.get(confirm).content.decode()
    wrong = till.post(confirm, {"act": "code", "code": "000000"})
    code = re.search(r"\d{6}", sent[0]["text"])[0]
    done = till.post(confirm, {"act": "code", "code": code})

    assert "+7 912 ···-··-89" in page
    assert "9123456789" not in page
    assert wrong.status_code == 422
    sale = Transaction.objects.order_by("-id").first()
    assert done.url == f"/kassa/sale/{sale.pk}/"
    assert (sale.to_pay, sale.spending.way) == (Decimal("749.50"), "sms")


def test_without_a_confirmation_the_sale_goes_without_bonuses(till: Client, rich: User) -> None:
    confirm = till.post(find(till, "89123456789").url, {"amount": "1000", "spend": "100"}).url

    refused = till.post(confirm, {"act": "owner", "reason": "попросила по телефону"})
    till.post(confirm, {"act": "without"})

    assert refused.status_code == 422
    assert Transaction.objects.order_by("-id").first().bonus_spent == 0


def test_an_owner_decides_with_a_reason(
    olga: User, rich: User, salon: Business, signed_in: SignedIn
) -> None:
    till = signed_in(olga)
    confirm = till.post(find(till, "89123456789").url, {"amount": "1000", "spend": "100"}).url
    assert "Списать моим решением" in till.get(confirm).content.decode()

    till.post(confirm, {"act": "owner", "reason": "гостья без телефона"})

    assert Transaction.objects.order_by("-id").first().spending.reason == "гостья без телефона"
    assert FraudFlag.objects.filter(kind="owner_spend").count() == 1


def test_above_the_share_is_told_with_the_number(till: Client, rich: User) -> None:
    step = find(till, "89123456789")

    preview = till.post(f"{step.url}quote/", {"amount": "1000", "spend": "301"}, **PART)
    answer = till.post(step.url, {"amount": "1000", "spend": "301"})

    assert "300.00" in preview.content.decode()
    assert answer.status_code == 422


def test_another_price_than_the_preview_showed_is_shown_again(till: Client, rich: User) -> None:
    step = find(till, "89123456789")
    preview = till.post(f"{step.url}quote/", {"amount": "1000"}, **PART).content.decode()
    price = re.search(r'name="price" value="(\w+)"', preview)[1]
    User.objects.filter(pk=rich.pk).update(tier=3)

    answer = till.post(step.url, {"amount": "1000", "price": price, "quoted": "1000.00|0.00|"})

    assert answer.status_code == 422
    assert "Сумма изменилась" in answer.content.decode()
    assert Transaction.objects.count() == 1


def test_the_same_again_is_asked_about(till: Client, anna: User) -> None:
    till.post(find(till, "89123456789").url, {"amount": "100"})
    step = find(till, "89123456789")

    asked = till.post(step.url, {"amount": "100"})
    assert "Похоже на повтор" in asked.content.decode()
    assert Transaction.objects.count() == 1
    till.post(step.url, {"amount": "100", "again": "1"})

    assert Transaction.objects.count() == 2


# --- undoing and returns --------------------------------------------------------------------------
def test_own_slip_is_undone_for_five_minutes(till: Client, anna: User) -> None:
    done = till.post(find(till, "89123456789").url, {"amount": "100"}).url
    assert "Отменить" in till.get(done).content.decode()

    till.post(f"{done}undo/")
    till.post(f"{done}undo/")

    assert "Возвращено" in till.get(done).content.decode()
    assert Refund.objects.count() == 1
    assert balance_of(anna.pk, at=timezone.now()).available == 0


def test_after_five_minutes_it_is_the_owners(
    till: Client, olga: User, anna: User, signed_in: SignedIn
) -> None:
    done = till.post(find(till, "89123456789").url, {"amount": "100"}).url
    early = till.get(f"{done}return/").content.decode()
    assert 'value="return"' in early  # whole, like the undo; parts are the owner's
    assert 'id="amount"' not in early
    Transaction.objects.update(recorded_at=timezone.now() - timedelta(minutes=6))

    late = till.get(f"{done}return/").content.decode()
    assert "Возврат может провести владелец" in late
    assert 'value="return"' not in late
    assert 'value="return"' in signed_in(olga).get(f"{done}return/").content.decode()
    assert "Отменить" not in till.get(done).content.decode()
    assert till.post(f"{done}undo/").status_code == 422
    assert "Возврат" in signed_in(olga).get(done).content.decode()
    assert not Refund.objects.exists()


def test_a_return_says_beforehand_what_it_does(
    olga: User, rich: User, salon: Business, sell: Sell, signed_in: SignedIn
) -> None:
    till, sale = signed_in(olga), Transaction.objects.get()
    found = till.post("/kassa/return/", {"number": sale.number})
    assert found.url == f"/kassa/sale/{sale.pk}/return/"
    page = till.get(found.url).content.decode()
    key = re.search(r'name="key" value="([\w-]+)"', page)[1]
    assert "−1\u00a0400\u00a0бонусов" in page

    part = {"amount": "5000", "key": key}
    effect = till.post(found.url, part | {"act": "look"}, HTTP_HX_TARGET="effect", **PART)
    assert "−350\u00a0бонусов" in effect.content.decode()
    assert not Refund.objects.exists()
    for _ in range(2):
        till.post(found.url, part | {"act": "return", "reason": "не подошло платье"})

    refund = Refund.objects.get()
    assert (refund.money, refund.bonus_taken) == (5000, 350)


def test_a_return_elsewhere_is_unknown(
    olga: User, anna: User, cafe: Business, sell: Sell, signed_in: SignedIn
) -> None:
    foreign = sell(cafe, anna, "100")
    till = signed_in(olga)

    assert till.post("/kassa/return/", {"number": foreign.number}).status_code == 422
    assert till.get(f"/kassa/sale/{foreign.pk}/return/").status_code == 404


def test_the_slip_names_no_phone_and_is_no_fiscal_receipt(till: Client, anna: User) -> None:
    done = till.post(find(till, "89123456789").url, {"amount": "100"}).url

    page = till.get(f"{done}slip/").content.decode()

    sale = Transaction.objects.get()
    assert "Не является фискальным чеком" in page
    assert sale.code in page
    assert "912" not in re.sub(r"<svg.*?</svg>", "", page, flags=re.S).replace(sale.code, "")


# --- the shift and who stands there -----------------------------------------------------------------
def test_a_shift_has_totals_and_does_not_close_over_a_queue(till: Client, anna: User) -> None:
    for amount in ("100", "200"):
        till.post(find(till, "89123456789").url, {"amount": amount})
    till.post(f"{till.post(find(till, '89123456789').url, {'amount': '50'}).url}undo/")

    totals = till.get("/kassa/shift/").context["totals"]
    assert (totals.count, totals.paid, totals.returns, totals.handed_back) == (3, 350, 1, 50)
    assert till.post("/kassa/shift/close/", {"queued": "2"}).status_code == 422
    assert till.get("/kassa/").status_code == 200
    till.post("/kassa/shift/close/", {"queued": "0"})

    assert till.get("/kassa/").status_code == 302


def test_an_idle_trusted_computer_asks_who_is_there(
    till: Client, vera: User, salon: Business, rf
) -> None:
    till.get("/kassa/")
    till.post("/kassa/device/", {"act": "trust", "business": str(salon.pk)})
    session = till.session
    session["till_seen"] = timezone.now().timestamp() - 601
    session.save()

    answer = till.get("/kassa/", follow=True)

    assert answer.redirect_chain[-1][0] == "/login/pin/"


def test_locking_leads_to_the_pins(till: Client, salon: Business) -> None:
    till.post("/kassa/device/", {"act": "trust", "business": str(salon.pk)})
    assert "Сменить сотрудника" in till.get("/kassa/").content.decode()

    assert till.post("/kassa/lock/", follow=True).redirect_chain[-1][0] == "/login/pin/"


# --- sales that waited for the network -----------------------------------------------------------------
def deliver(till: Client, vera: User, salon: Business, sales: list[dict]):
    body = {"pass": queue_pass(business_id=salon.pk, by=vera), "sales": sales}
    answer = till.post("/kassa/queue/", orjson.dumps(body), content_type="application/json")
    return answer.json()["sales"]


def waited(key: str, who: str, *, minutes: int = 5, amount: str = "100") -> dict:
    at = timezone.now() - timedelta(minutes=minutes)
    return {"key": key, "who": who, "amount": amount, "at": at.isoformat()}


def test_what_waited_is_recorded_once(
    till: Client, vera: User, anna: User, salon: Business
) -> None:
    sales = [waited("k1", "89123456789"), waited("k2", "+7 916 555-44-33", amount="1 234,50")]

    first = deliver(till, vera, salon, sales)
    second = deliver(till, vera, salon, sales)

    assert [one["state"] for one in first + second] == ["done"] * 4
    assert first == second
    assert {sale.amount for sale in Transaction.objects.all()} == {100, Decimal("1234.50")}
    assert all(sale.entered_by == vera for sale in Transaction.objects.all())


def test_an_open_operation_and_its_queued_twin_are_one_sale(
    till: Client, vera: User, anna: User, salon: Business
) -> None:
    step = find(till, "89123456789")
    token = step.url.split("/")[-2]
    till.post(step.url, {"amount": "100"})

    said = waited("k", "") | {"operation": token}
    del said["who"]
    answer = deliver(till, vera, salon, [said])

    assert answer[0]["state"] == "done"
    assert Transaction.objects.count() == 1


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"at": (timezone.now() - timedelta(hours=25)).isoformat()}, "дольше 24 часов"),
        ({"amount": "30000,01"}, "30 000"),
        ({"amount": "1e5"}, "Введите сумму"),
        ({"who": "999"}, "Участницы"),
        ({"at": "вчера"}, "?"),
    ],
)
def test_what_cannot_be_recorded_says_why(
    till: Client, vera: User, anna: User, salon: Business, change: dict, told: str
) -> None:
    [answer] = deliver(till, vera, salon, [waited("k", "89123456789") | change])

    assert answer["state"] == "refused"
    assert told in answer["reason"]
    assert not Transaction.objects.exists()


def test_a_card_counts_by_the_moment_it_was_shown(
    till: Client, vera: User, anna: User, salon: Business
) -> None:
    then = timezone.now() - timedelta(hours=3)
    said = waited("k", show_card(user=anna, at=then).token) | {"at": then.isoformat()}

    [answer] = deliver(till, vera, salon, [said])

    assert answer["state"] == "done"
    assert Transaction.objects.get().member == anna


def test_a_pass_of_another_till_delivers_nothing(till: Client, vera: User, anna: User) -> None:
    body = {
        "pass": queue_pass(business_id=BusinessFactory().pk, by=vera),
        "sales": [waited("k", "89123456789")],
    }

    answer = till.post("/kassa/queue/", orjson.dumps(body), content_type="application/json")

    assert answer.status_code == 404
    assert not Transaction.objects.exists()


# --- what the page weighs ---------------------------------------------------------------------------
def test_scripts_of_the_till_are_light(till: Client, anna: User) -> None:
    page = till.get("/kassa/").content.decode()
    files = re.findall(r'<script src="/static/([^"]+)"', page)
    found = [Path(finders.find(re.sub(r"\.[0-9a-f]{12}(?=\.)", "", name))) for name in files]

    weight = sum(len(gzip.compress(file.read_bytes(), 6)) for file in found)

    assert len(found) == 6
    assert any(Path(django_htmx.__file__).parent in file.parents for file in found)
    assert not any("jsqr" in name.lower() or "camera" in name for name in files)
    assert weight <= MOST_JS


def test_an_operations_address_holds_no_person(vera: User, anna: User, salon: Business) -> None:
    token = Operation.begin(business_id=salon.pk, member_id=anna.pk).token(by=vera)

    assert not any(part in token for part in ("912", anna.card_number))
    assert len(token) < 400
    assert (
        len(
            set(
                itertools.islice(
                    (
                        Operation.begin(business_id=salon.pk, member_id=anna.pk).key
                        for _ in range(9)
                    ),
                    9,
                )
            )
        )
        == 9
    )


# --- coupons ----------------------------------------------------------------------------------------
def test_a_coupon_is_looked_at_then_redeemed_once(till: Client, salon: Business) -> None:
    code = code_of(campaign(salon, value=Decimal(100)))

    looked = till.post("/kassa/coupon/", {"code": code, "act": "check"}).content.decode()
    unlooked = till.post("/kassa/coupon/", {"code": code, "act": "redeem", "checked": "другой"})
    assert 'name="checked"' in looked
    assert "Погашен<" not in unlooked.content.decode()
    done = till.post("/kassa/coupon/", {"code": code, "act": "redeem", "checked": code})
    again = till.post("/kassa/coupon/", {"code": code, "act": "redeem", "checked": code})

    assert "Погашен" in done.content.decode()
    assert again.status_code == 422
    assert "уже" in again.content.decode()


def test_an_unknown_coupon_is_told(till: Client, salon: Business) -> None:
    answer = till.post("/kassa/coupon/", {"code": "123", "act": "check"})

    assert answer.status_code == 422
    assert "Такого купона нет" in answer.content.decode()


def test_a_coupon_beside_the_sum_takes_its_part_off(
    till: Client, rich: User, salon: Business
) -> None:
    code = code_of(campaign(salon, value=Decimal(100)))
    step = find(till, "89123456789")
    asked = {"amount": "1000", "coupon": keys_of_the_russian_layout(code)}

    preview = till.post(f"{step.url}quote/", asked, **PART).content.decode()
    price = re.search(r'name="price" value="(\w+)"', preview)[1]
    quoted = re.search(r'name="quoted" value="([^"]+)"', preview)[1]
    till.post(step.url, asked | {"price": price, "quoted": quoted})

    assert "900,00" in preview
    sale = Transaction.objects.order_by("-id").first()
    assert (sale.discount, sale.to_pay) == (100, 900)


def test_a_coupon_and_bonuses_on_one_bill(
    olga: User, rich: User, salon: Business, signed_in: SignedIn
) -> None:
    code = code_of(campaign(salon, value=Decimal(100)))
    till = signed_in(olga)
    asked = {"amount": "1000", "coupon": code, "spend": "270"}

    confirm = till.post(find(till, "89123456789").url, asked).url
    till.post(confirm, {"act": "owner", "reason": "гостья без телефона"})

    sale = Transaction.objects.order_by("-id").first()
    assert (sale.discount, sale.bonus_spent, sale.to_pay) == (100, 270, 630)
