"""Who and where a sale names: her own places only, members that are known, numbers that are."""

import uuid
from decimal import Decimal

import pytest
from django.utils import timezone

from apps.accounts.models import User
from apps.core.errors import NotFound, TooMany
from apps.loyalty.models import Hold
from apps.loyalty.services import hold_bonus
from apps.transactions import queries, services
from apps.transactions.models import Transaction
from apps.transactions.services import enrolling
from tests.factories.accounts import UserFactory
from tests.factories.businesses import BusinessFactory, LocationFactory, staff_of
from tests.factories.transactions import sale

pytestmark = pytest.mark.django_db


def body(business, **member):
    return {"businessId": str(business.pk), "member": member, "amount": "1000.00"}


def error(answer):
    return answer.status_code, answer.json()["error"]["code"]


# --- the place ------------------------------------------------------------------------------------
def test_sale_is_made_in_a_room_of_this_partner(till, business, member):
    room, foreign = LocationFactory(business=business), LocationFactory()
    asked = body(business, id=str(member.pk))

    answers = [
        till.post("/transactions", asked | {"locationId": str(pk)})
        for pk in (foreign.pk, uuid.uuid4(), room.pk)
    ]

    assert [answer.status_code for answer in answers] == [404, 404, 201]
    assert Transaction.objects.get().location == room


def test_list_of_a_place_is_for_those_who_work_there(api, till, business, rich):
    other = sale(member=rich, amount="300.00")

    def ids(caller, place):
        answer = caller.get("/transactions", {"businessId": place})
        return answer.status_code, [row["amount"] for row in answer.json().get("data") or []]

    assert ids(till, str(business.pk)) == (200, ["20000.00"])
    # a guest sees her own purchases there
    assert ids(api.as_(rich), str(other.business_id)) == (200, ["300.00"])
    assert ids(api.as_(UserFactory()), str(business.pk)) == (200, [])
    assert ids(till, "not-an-id") == (422, [])


# --- the guest ------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("who", "refusal"),
    [
        ({"phone": "+79120001122"}, (422, "VALIDATION_ERROR")),
        ({"phone": "112"}, (422, "VALIDATION_ERROR")),
        ({"id": str(uuid.UUID(int=1))}, (422, "VALIDATION_ERROR")),
        ({"cardToken": "not a card"}, (404, "NOT_FOUND")),
    ],
    ids=["unknown phone", "no phone", "unknown id", "no card"],
)
def test_code_to_spend_goes_to_known_members_alone(till, business, texts, who, refusal):
    answer = till.post("/transactions/spend-code", body(business, **who))

    assert error(answer) == refusal
    assert texts == []


def test_code_to_spend_is_asked_for_by_phone(till, business, rich, texts):
    answer = till.post("/transactions/spend-code", body(business, phone=rich.phone))

    assert answer.status_code == 200
    assert [message["phone"] for message in texts] == [rich.phone]


def test_code_of_one_guest_pays_for_no_other(rich, business, staff, at, texts):
    asked = {"business": business, "by": staff, "at": at, "amount": Decimal(100)}
    sent = services.ask_by_sms(member=rich, **asked)
    code = "".join(sign for sign in texts[0]["text"] if sign.isdigit())[:6]

    with pytest.raises(services.ProofInvalid):
        services.prove_by_sms(code_id=sent.code_id, code=code, member=UserFactory(), **asked)


def test_stranger_at_the_till_asks_for_no_code(rich, business, at, texts):
    by = staff_of(BusinessFactory())
    asked = {"member": rich, "business": business, "by": by, "at": at, "amount": Decimal(100)}

    with pytest.raises(NotFound):
        services.ask_by_sms(**asked)
    with pytest.raises(NotFound):
        services.prove_by_sms(code_id=uuid.uuid4(), code="000000", **asked)

    assert texts == []


def test_sum_to_spend_is_named(rich, business, owner):
    with pytest.raises(services.SpendUnconfirmed):
        sale(member=rich, business=business, by=owner, spend=services.Spend(reason="знаю лично"))


def test_a_list_of_numbers_is_no_guests(staff, at, texts, monkeypatch):
    monkeypatch.setattr(enrolling, "ENROLMENTS_A_DAY", 2)
    known = UserFactory(phone="+79160000007")

    for n in (1, 2):
        enrolling.enrol_member(phone=f"+7916000010{n}", by=staff, at=at)
    with pytest.raises(TooMany):
        enrolling.enrol_member(phone="+79160000103", by=staff, at=at)

    assert enrolling.enrol_member(phone="8 916 000 00 07", by=staff, at=at) == (known, False)
    assert User.objects.with_phone("+79160000103") is None


# --- what the till shows --------------------------------------------------------------------------
def test_hold_is_found_by_its_code_unless_two_have_it(rich, business):
    now = timezone.now()
    one = hold_bonus(member=rich, business=business, amount=Decimal(10), key="a", at=now)
    found = queries.member_of_hold(business, one.code, at=now)
    other = UserFactory()
    sale(member=other, business=business, amount="20000.00")
    two = hold_bonus(member=other, business=business, amount=Decimal(10), key="b", at=now)
    Hold.objects.filter(pk=two.pk).update(code=one.code)

    assert found == rich
    assert queries.member_of_hold(business, one.code, at=now) is None
    assert queries.member_of_hold(BusinessFactory(), one.code, at=now) is None


def test_latest_sales_of_a_shift_begin_with_it(business, staff, rich):
    first = Transaction.objects.get()
    shift = timezone.now()
    second = sale(member=rich, business=business, by=staff, amount="50.00")

    assert queries.latest_sales(business) == [second, first]
    assert queries.latest_sales(business, since=shift) == [second]
    assert queries.latest_sales(business, by=staff) == [second]
