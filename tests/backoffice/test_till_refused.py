"""The till when something is in the way: stale addresses, wrong codes, haste, no business chosen."""

from datetime import timedelta
from decimal import Decimal

import orjson
import pytest
from django.test import Client
from django.utils import timezone

from apps.accounts.models import User
from apps.accounts.services import show_card
from apps.backoffice.pages.till import operating
from apps.backoffice.pages.tokens import queue_pass
from apps.businesses.models import Business
from apps.loyalty.services import hold_bonus
from apps.transactions.models import Transaction
from tests.backoffice.conftest import Person
from tests.factories.coupons import campaign, code_of

PHONE = "89123456789"


def operation(till: Client) -> str:
    return till.post("/kassa/find/", {"who": PHONE}).url


def confirming(till: Client, **more: str) -> str:
    """The address where a guest confirms that she pays 100 with bonuses."""
    return till.post(operation(till), {"amount": "1000", "spend": "100"} | more).url


def said(answer) -> str:
    return answer.content.decode().replace("\u00a0", " ")


# --- operations ----------------------------------------------------------------------------------
@pytest.mark.parametrize("part", ["quote", "confirm"])
def test_a_stale_address_leads_back_to_the_start(till: Client, salon: Business, part: str) -> None:
    answer = till.post(f"/kassa/op/forged/{part}/", {"amount": "100"})

    assert "Эта операция устарела" in said(answer)
    assert 'name="who"' in said(answer)


def test_haste_is_stopped_and_nothing_is_recorded(
    till: Client, anna: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(operating, "COMMITS", 1)
    till.post(operation(till), {"amount": "100"})

    answer = till.post(operation(till), {"amount": "200"})

    assert answer.status_code == 422
    assert "Слишком много продаж за минуту" in said(answer)
    assert [sale.amount for sale in Transaction.objects.all()] == [100]


# --- her confirmation ----------------------------------------------------------------------------
def test_a_confirmation_is_asked_for_bonuses_alone_and_once(till: Client, rich: User) -> None:
    plain, asked = operation(till), confirming(till)
    done = till.post(asked, {"act": "without"})

    no_bonuses = till.get(f"{plain}confirm/")
    again = till.get(asked)

    assert done.url == again.url == f"/kassa/sale/{Transaction.objects.latest('id').pk}/"
    assert no_bonuses.url == plain
    assert Transaction.objects.count() == 2


def test_the_card_of_another_guest_confirms_nothing(
    till: Client, rich: User, person: Person
) -> None:
    stranger = person("Ева", "Юрина", phone="+79160000009")
    token = show_card(user=stranger, at=timezone.now()).token

    answer = till.post(confirming(till), {"act": "code", "code": token})

    assert answer.status_code == 422
    assert "Это карта другой гостьи" in said(answer)
    assert Transaction.objects.count() == 1


@pytest.mark.parametrize("way", ["card", "hold"])
def test_what_she_shows_on_the_second_step_confirms(
    till: Client, rich: User, salon: Business, way: str
) -> None:
    at, address = timezone.now(), confirming(till)
    if way == "card":
        code = show_card(user=rich, at=at).token
    else:
        code = hold_bonus(member=rich, business=salon, amount=Decimal(100), key="h", at=at).code

    till.post(address, {"act": "code", "code": code})

    sale = Transaction.objects.latest("id")
    assert (sale.to_pay, sale.bonus_spent, sale.spending.way) == (900, 100, way)


def test_guessing_her_code_is_stopped_even_with_the_right_one(
    till: Client, rich: User, salon: Business, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(operating, "CODES", 2)
    at, address = timezone.now(), confirming(till)
    hold = hold_bonus(member=rich, business=salon, amount=Decimal(100), key="h", at=at)
    wrong = f"{(int(hold.code) + 1) % 10**6:06d}"

    first = till.post(address, {"act": "code", "code": wrong})
    till.post(address, {"act": "code", "code": wrong})
    late = till.post(address, {"act": "code", "code": hold.code})

    assert "Слишком много" not in said(first)
    assert "Слишком много неверных кодов" in said(late)
    assert Transaction.objects.count() == 1


def test_an_empty_code_is_told_at_its_field(till: Client, rich: User) -> None:
    answer = till.post(confirming(till), {"act": "code", "code": ""})

    assert answer.status_code == 422
    assert answer.context["form"].errors["code"]


# --- sales that waited ---------------------------------------------------------------------------
def queued(till: Client, seller: User, salon: Business, **change: object) -> dict[str, str]:
    at = timezone.now() - timedelta(minutes=5)
    sale = {"key": "k", "who": PHONE, "amount": "100", "at": at.isoformat()} | change
    body = {"pass": queue_pass(business_id=salon.pk, by=seller), "sales": [sale]}
    answer = till.post("/kassa/queue/", orjson.dumps(body), content_type="application/json")
    return answer.json()["sales"][0]


def test_a_queued_sale_of_nobody_we_know_is_refused(
    till: Client, vera: User, anna: User, salon: Business
) -> None:
    by_number = queued(till, vera, salon, who=anna.card_number)
    User.objects.filter(pk=anna.pk).update(blocked_at=timezone.now())
    blocked = queued(till, vera, salon, key="k2", who=anna.card_number)
    hasty = queued(till, vera, salon, key="k3", at="2026-11-22T10:00:00")  # no zone: which hour?
    nobody = queued(till, vera, salon, key="k4", who="привет")

    assert by_number["state"] == "done"
    assert [one["state"] for one in (blocked, hasty, nobody)] == ["refused"] * 3
    assert "Участницы" in blocked["reason"]
    assert "Участницы" in nobody["reason"]
    assert Transaction.objects.count() == 1


def test_a_queue_that_is_none_is_refused(till: Client, salon: Business) -> None:
    for body in (b"{", b"[]", b"{}", b'{"pass": "forged", "sales": []}'):
        answer = till.post("/kassa/queue/", body, content_type="application/json")

        assert answer.status_code == (409 if b"forged" in body else 400), body
        assert answer.json()["problem"]


# --- beside a sale -------------------------------------------------------------------------------
def test_guessing_coupons_is_stopped(
    till: Client, salon: Business, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("apps.coupons.services.guessing.MOST", 2)
    for n in range(2):
        answer = till.post("/kassa/coupon/", {"code": f"NONE{n:04d}"})

    good = till.post("/kassa/coupon/", {"code": code_of(campaign(salon))})

    assert answer.status_code == 422
    assert "Слишком много неверных кодов" in said(good)


def test_a_coupon_used_meanwhile_is_not_used_twice(till: Client, salon: Business) -> None:
    code = code_of(campaign(salon))
    form = {"code": code, "act": "redeem", "checked": code}

    first, second = till.post("/kassa/coupon/", form), till.post("/kassa/coupon/", form)

    assert first.status_code == 200
    assert second.status_code == 422
    assert "уже" in said(second)


def test_a_return_larger_than_the_sale_is_refused(till: Client, anna: User) -> None:
    sale = till.post(operation(till), {"amount": "100"}).url.split("/")[-2]
    address = f"/kassa/sale/{sale}/return/"
    key = till.get(address).context["form"]["key"].value()
    form = {"amount": "101", "reason": "не подошло платье", "act": "return", "key": str(key)}

    answer = till.post(address, form)

    assert answer.status_code == 422
    assert Transaction.objects.get().amount_left == 100
