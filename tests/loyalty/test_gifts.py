from datetime import timedelta
from decimal import Decimal as D

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from apps.accounts.models import Session
from apps.accounts.services import PhoneInvalid
from apps.core.models import Message
from apps.loyalty import queries, services
from apps.loyalty.models import Debt, Gift, Lot
from tests.factories.accounts import UserFactory
from tests.factories.businesses import BusinessFactory
from tests.loyalty.test_services import earn

pytestmark = pytest.mark.django_db


@pytest.fixture
def friend(db):
    friend = UserFactory()
    Session.objects.create(user=friend)
    return friend


def available(member, at):
    return queries.balance_of(member.pk, at=at).available


def give(sender, friend, amount, *, at, key="g", **more):
    with transaction.atomic():
        return services.send_gift(
            sender=sender, phone=friend.phone, amount=D(amount), key=key, at=at, **more
        )


def test_a_gift_keeps_issuers_and_dates_and_takes_the_nearest_first(member, friend, at):
    salon, cafe = BusinessFactory(), BusinessFactory()
    earn(member, salon, at=at, key="young")
    earn(member, cafe, at=at - timedelta(days=30), key="old", posted_at=at)

    give(member, friend, "60.00", at=at)

    mine = Lot.objects.filter(wallet=member.pk).order_by("expires_at")
    hers = Lot.objects.filter(wallet=friend.pk).order_by("expires_at")
    assert [(lot.issuer, lot.available) for lot in hers] == [(cafe, 5000), (salon, 1000)]
    assert [lot.expires_at for lot in hers] == [lot.expires_at for lot in mine]
    assert [(lot.available, lot.revoked) for lot in mine] == [(0, 5000), (4000, 1000)]
    assert (available(member, at), available(friend, at)) == (D("40.00"), D("60.00"))
    assert queries.ledger_faults() == {}
    assert Message.objects.get(topic="GiftReceived").payload["amount"] == "60.00"


def test_one_key_is_one_gift(member, friend, business, at):
    earn(member, business, at=at)

    first, again = (give(member, friend, "10.00", at=at) for _ in range(2))

    assert first == again
    assert (Gift.objects.count(), available(friend, at)) == (1, D("10.00"))
    other = UserFactory()
    Session.objects.create(user=other)
    with pytest.raises(services.KeyReused):
        give(member, other, "10.00", at=at)


def test_three_thousand_a_day_and_anew_after_midnight_in_moscow(member, friend, business, at):
    earn(member, business, "100000.00", at=at)
    give(member, friend, "2999.99", at=at, key="1")

    with pytest.raises(services.GiftOverLimit) as refused:
        give(member, friend, "0.02", at=at, key="2")
    give(member, friend, "0.01", at=at, key="3")
    give(member, friend, "1.00", at=at + timedelta(days=1), key="4")

    assert refused.value.details == {"limit": "3000.00", "left": "0.01"}
    assert available(friend, at) == D("3001.00")


def test_pending_bonuses_and_more_than_there_is_are_not_given(member, friend, at):
    earn(member, BusinessFactory(pending_days=14), at=at)

    with pytest.raises(services.InsufficientBonus) as refused:
        give(member, friend, "1.00", at=at)
    assert refused.value.details == {"available": "0.00"}
    assert not Gift.objects.exists()


def test_nobody_gives_while_she_owes(member, friend, at):
    salon, cafe = BusinessFactory(), BusinessFactory()
    earned = earn(member, salon, at=at, key="a")
    services.spend_bonus(member=member, business=cafe, amount=D("50.00"), key="s", at=at)
    services.claw_back(journal_id=earned.journal_id, returned=D("1000.00"), key="r", at=at)

    with pytest.raises(services.GiverInDebt):
        give(member, friend, "1.00", at=at)


def test_a_gift_pays_the_receivers_debt(member, friend, at):
    salon, cafe = BusinessFactory(), BusinessFactory()
    earned = earn(friend, salon, at=at, key="a")
    services.spend_bonus(member=friend, business=cafe, amount=D("50.00"), key="s", at=at)
    services.claw_back(journal_id=earned.journal_id, returned=D("1000.00"), key="r", at=at)
    earn(member, cafe, "2000.00", at=at, key="b")

    give(member, friend, "80.00", at=at)

    assert (Debt.objects.get().repaid, available(friend, at)) == (5000, D("30.00"))
    assert queries.ledger_faults() == {}


def test_a_return_of_what_was_given_away_is_the_givers_debt(member, friend, business, at):
    earned = earn(member, business, at=at)
    give(member, friend, "30.00", at=at)

    services.claw_back(journal_id=earned.journal_id, returned=D("1000.00"), key="r", at=at)

    debt = Debt.objects.get()
    assert (debt.wallet_id, debt.creditor, debt.amount) == (member.pk, business, 3000)
    assert available(friend, at) == D("30.00")
    assert queries.ledger_faults() == {}


def test_a_gift_costs_five_statements_of_the_ledger(member, friend, business, at):
    earn(member, business, at=at)
    give(member, friend, "1.00", at=at, key="makes the wallet")

    with CaptureQueriesContext(connection) as asked:
        services.give(sender=member, receiver=friend, amount=D("2.00"), key="k", at=at)

    ledger = [one["sql"] for one in asked if "loyalty_" in one["sql"]]
    # make and lock both wallets, two journal rows, what decides, the move; the gift's own row
    assert len(ledger) == 7


# --- by the API ----------------------------------------------------------------------------------
def test_a_gift_by_phone(api, member, friend, business, at):
    earn(member, business, at=at)
    body = {"phone": friend.phone, "amount": "20.00", "message": "С днём рождения"}

    made = api.as_(member).post("/loyalty/transfers", body)
    [hers] = api.as_(friend).get("/loyalty/transfers").json()["data"]
    [mine] = api.as_(member).get("/loyalty/transfers").json()["data"]

    data = made.json()["data"]
    assert (made.status_code, data["amount"], data["direction"]) == (201, "20.00", "sent")
    assert friend.phone not in made.content.decode()
    assert (hers["direction"], hers["message"]) == ("received", "С днём рождения")
    assert mine["message"] == ""
    assert "рожд" not in Gift.objects.get().message_sealed


@pytest.mark.parametrize("who", ["unknown", "not verified", "blocked", "erased"])
def test_one_answer_for_everybody_who_cannot_receive(who, api, member, friend, business, at):
    earn(member, business, at=at)
    phone = friend.phone
    if who == "unknown":
        phone = "+79990009999"
    if who == "not verified":
        Session.objects.all().delete()
    if who in ("blocked", "erased"):
        type(friend).objects.filter(pk=friend.pk).update(
            **({"blocked_at": at} if who == "blocked" else {"phone_index": None})
        )

    answer = api.as_(member).post("/loyalty/transfers", {"phone": phone, "amount": "1.00"})

    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (404, "NOT_FOUND")
    assert error["message"] == "На этот номер нельзя отправить подарок."


def test_trying_out_numbers_ends(api, member, business, at):
    earn(member, business, at=at)
    me = api.as_(member)

    codes = [
        me.post("/loyalty/transfers", {"phone": f"+7999000{n:04}", "amount": "1.00"}).status_code
        for n in range(11)
    ]

    assert codes == [404] * 10 + [429]


def test_ones_own_number_is_refused_in_words(api, member, business, at):
    answer = api.as_(member).post("/loyalty/transfers", {"phone": member.phone, "amount": "1.00"})

    assert answer.status_code == 422
    assert list(answer.json()["error"]["details"]) == ["phone"]


@pytest.mark.parametrize("rows", [1, 4])
def test_the_list_costs_the_same_for_any_length(rows, api, member, friend, business, at):
    earn(member, business, at=at)
    for n in range(rows):
        give(member, friend, "1.00", at=at, key=str(n))
    me = api.as_(friend)
    me.get("/loyalty/transfers")

    with CaptureQueriesContext(connection) as asked:
        assert len(me.get("/loyalty/transfers").json()["data"]) == rows
    assert len([one for one in asked if "loyalty_gift" in one["sql"]]) == 1


def test_a_phone_that_is_none_receives_nothing(member, at):
    earn(member, BusinessFactory(), at=at)

    with pytest.raises(PhoneInvalid), transaction.atomic():
        services.send_gift(sender=member, phone="каша", amount=D("1.00"), key="g", at=at)
