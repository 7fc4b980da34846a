"""The till's API as api.md says it."""

import uuid
from decimal import Decimal

import pytest
from django.utils import timezone

from apps.accounts.models import User
from apps.accounts.services import show_card
from apps.coupons.services import count_guess
from apps.loyalty.models import Journal
from apps.loyalty.services import hold_bonus
from apps.transactions.models import FraudFlag, Transaction
from tests.factories.accounts import UserFactory
from tests.factories.businesses import BusinessFactory, staff_of
from tests.factories.transactions import sale

pytestmark = pytest.mark.django_db


def body(business, member, **more):
    who = {"id": str(member.pk)} if isinstance(member, User) else member
    return {"businessId": str(business.pk), "member": who, "amount": "1000.00"} | more


def error(answer):
    return answer.status_code, answer.json()["error"]["code"]


def test_the_documented_answer(till, rich, business):
    hold = hold_bonus(
        member=rich, business=business, amount=Decimal(250), key="h", at=timezone.now()
    )
    asked = body(business, rich, spend={"redemptionCode": hold.code}, receiptNumber="17")

    answer = till.post("/transactions", asked, key="k")
    again = till.post("/transactions", asked, key="k")

    data = answer.json()["data"]
    assert answer.status_code == 201
    sale_id = data.pop("id")
    assert data == {
        "status": "completed",
        "amount": "1000.00",
        "discount": "0.00",
        "bonusSpent": "250.00",
        "toPay": "750.00",
        "bonusAccrued": "37.50",
        "pendingUntil": None,
        "newCoupons": [],
        "member": {"firstName": rich.first_name, "status": "insider", "available": "787.50"},
    }
    assert again.json()["data"]["id"] == sale_id
    assert again.headers["Idempotency-Replayed"] == "true"


def test_a_quote_says_the_same_and_writes_nothing(till, rich, business):
    asked = body(business, rich, spend={"amount": "300.00"})

    quote = till.post("/transactions/quote", asked).json()["data"]

    assert (quote["toPay"], quote["bonusAccrued"], quote["mostSpendable"]) == (
        "700.00",
        "35.00",
        "300.00",
    )
    assert (quote["rate"], quote["member"]["available"]) == ("5.00", "1000.00")
    assert Transaction.objects.count() == 1
    assert Journal.objects.count() == 1


def test_an_unknown_phone_becomes_a_member_who_is_asked(
    till, business, texts, django_capture_on_commit_callbacks
):
    asked = body(business, {"phone": "8 912 000-11-22"})
    with django_capture_on_commit_callbacks(execute=True):
        quote = till.post("/transactions/quote", asked)
    assert quote.json()["data"]["bonusAccrued"] == "50.00"
    assert User.objects.with_phone("+79120001122") is None
    assert texts == []

    with django_capture_on_commit_callbacks(execute=True):
        first = till.post("/transactions", asked)
        till.post("/transactions", asked)

    assert first.json()["data"]["member"]["available"] == "50.00"
    assert User.objects.with_phone("+79120001122")
    assert [message["phone"] for message in texts] == ["+79120001122"]
    assert "http://127.0.0.1:8000" in texts[0]["text"]


def test_her_card_earns_once_and_agrees_to_spend(till, rich, business, at):
    token = show_card(user=rich, at=at).token
    asked = body(business, {"cardToken": token}, spend={"amount": "100.00"})

    quote = till.post("/transactions/quote", asked)
    answer = till.post("/transactions", asked)
    again = till.post("/transactions", asked)

    assert quote.json()["data"]["toPay"] == "900.00"
    assert answer.json()["data"]["bonusSpent"] == "100.00"
    assert error(again) == (409, "ALREADY_USED")


def test_a_code_by_sms_agrees_to_spend(till, rich, business, texts):
    asked = body(business, rich, amount="200.00")
    sent = till.post("/transactions/spend-code", asked).json()["data"]
    code = "".join(sign for sign in texts[0]["text"] if sign.isdigit())[:6]
    wrong = f"{(int(code) + 1) % 1_000_000:06d}"

    bad = till.post(
        "/transactions/spend-code/confirm", asked | {"codeId": sent["codeId"], "code": wrong}
    )
    good = till.post(
        "/transactions/spend-code/confirm", asked | {"codeId": sent["codeId"], "code": code}
    )
    proof = good.json()["data"]["proof"]
    answer = till.post(
        "/transactions", body(business, rich, spend={"amount": "200.00", "proof": proof})
    )

    assert error(bad) == (422, "VALIDATION_ERROR")
    assert answer.json()["data"]["bonusSpent"] == "200.00"


def test_above_the_cap_is_refused_with_the_number(till, rich, business):
    answer = till.post("/transactions/quote", body(business, rich, spend={"amount": "300.01"}))

    assert error(answer) == (422, "VALIDATION_ERROR")
    assert "300.00" in str(answer.json()["error"]["details"]["spend"])


def test_codes_of_holds_cannot_be_tried_out(till, rich, business):
    answers = [
        till.post("/transactions", body(business, rich, spend={"redemptionCode": f"{n:06d}"}))
        for n in range(11)
    ]

    assert error(answers[0]) == (422, "VALIDATION_ERROR")
    assert error(answers[-1]) == (429, "RATE_LIMITED")


def test_selling_to_oneself_is_refused_and_stays_on_record(till, staff, business):
    answer = till.post("/transactions", body(business, staff))

    assert error(answer) == (403, "FORBIDDEN")
    assert FraudFlag.objects.get().kind == "self_sale"


def test_a_receipt_has_an_end(till, rich, business):
    line = {"name": "Услуга", "category": "", "quantity": "1", "price": "1.00"}

    answer = till.post("/transactions", body(business, rich, items=[line] * 201))

    assert error(answer) == (422, "VALIDATION_ERROR")


@pytest.mark.parametrize(
    "change",
    [
        {"couponCodes": ["123"]},
        {"spend": {}},
        {"spend": {"amount": 5}},
        {"member": {"phone": "89120001122", "cardToken": "1"}},
        {"amount": "0"},
    ],
)
def test_a_wrong_body_records_nothing(till, rich, business, change):
    answer = till.post("/transactions", body(business, rich) | change)

    assert answer.status_code in (404, 422)
    assert Transaction.objects.count() == 1


def test_coupon_codes_are_not_guessed_by_way_of_sales(till, rich, staff, business):
    for _ in range(18):
        count_guess(by=staff)
    wrong = body(business, rich, couponCodes=["NEVERSEEN"])

    quoted = till.post("/transactions/quote", wrong)
    sold = till.post("/transactions", wrong, key="a")
    stopped = [till.post("/transactions", wrong, key="b"), till.post("/transactions/quote", wrong)]
    plain = till.post("/transactions", body(business, rich), key="c")

    assert (error(quoted), error(sold)) == ((404, "NOT_FOUND"), (404, "NOT_FOUND"))
    assert [error(answer) for answer in stopped] == [(429, "RATE_LIMITED")] * 2
    assert plain.status_code == 201


# --- returns -------------------------------------------------------------------------------------
def test_an_owner_returns_and_the_sale_tells_it_all(api, owner, till, rich, business):
    hold = hold_bonus(
        member=rich, business=business, amount=Decimal(200), key="h", at=timezone.now()
    )
    spend = {"redemptionCode": hold.code}
    made = till.post("/transactions", body(business, rich, spend=spend)).json()["data"]
    path, asked = f"/transactions/{made['id']}", {"amount": "500.00", "reason": "не подошло платье"}

    refused = till.post(f"{path}/refund", asked)
    answer = api.as_(owner).post(f"{path}/refund", asked, key="k")
    again = api.as_(owner).post(f"{path}/refund", asked, key="k")

    assert error(refused) == (403, "FORBIDDEN")
    data = answer.json()["data"]
    assert (answer.status_code, data["money"], data["bonusReturned"], data["bonusTaken"]) == (
        201,
        "400.00",
        "100.00",
        "20.00",
    )
    assert data["status"] == "partly_refunded"
    assert again.json()["data"] == data
    detail = api.as_(rich).get(path).json()["data"]
    assert [(one["type"], one["amount"]) for one in detail["ledger"]] == [
        ("capture", "-200.00"),
        ("earn", "40.00"),
        ("refund", "100.00"),
        ("clawback", "-20.00"),
    ]
    assert (detail["spentBy"], detail["source"], len(detail["refunds"])) == ("hold", "api", 1)


def test_a_return_elsewhere_does_not_exist(api, rich, business):
    foreign = staff_of(BusinessFactory(), role="business_owner")
    one = Transaction.objects.get()

    for path in (one.pk, uuid.uuid4()):
        answer = api.as_(foreign).post(f"/transactions/{path}/refund", {"reason": "просто так"})
        assert error(answer) == (404, "NOT_FOUND")


# --- totals --------------------------------------------------------------------------------------
def test_totals_of_a_member_and_of_a_business(api, owner, rich, business):
    sale(member=rich, business=BusinessFactory(category="gastro"), amount="500.00")
    sale(member=UserFactory(), business=business, amount="100.00")

    own = api.as_(rich).get("/transactions/summary").json()["data"]
    theirs = api.as_(owner).get("/transactions/summary", {"businessId": str(business.pk)})
    month = timezone.localtime().strftime("%Y-%m")

    assert (own["total"]["count"], own["total"]["paid"]) == (2, "20500.00")
    assert [row["category"] for row in own["byCategory"]] == ["salon", "gastro"]
    assert [(row["month"], row["paid"]) for row in own["byMonth"]] == [(month, "20500.00")]
    assert theirs.json()["data"]["total"]["paid"] == "20100.00"


def test_totals_of_a_business_are_for_its_owner(till, business):
    answer = till.get("/transactions/summary", {"businessId": str(business.pk)})

    assert error(answer) == (404, "NOT_FOUND")


def test_totals_cost_the_same_for_one_sale_and_many(
    api, rich, business, django_assert_max_num_queries
):
    reader = api.as_(rich)
    for _ in range(20):
        sale(member=rich, business=BusinessFactory(), amount="10.00")

    with django_assert_max_num_queries(8):
        reader.get("/transactions/summary")
