from datetime import timedelta
from decimal import Decimal as D

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.accounts.models import Session
from apps.accounts.services import erase_person
from apps.core import outbox
from apps.loyalty import queries, services
from apps.loyalty.models import Gift, Hold, Journal, Lot, Wallet
from tests.factories.accounts import UserFactory
from tests.factories.businesses import BusinessFactory
from tests.loyalty.test_services import earn

pytestmark = pytest.mark.django_db


def boxes():
    return list(
        Lot.objects.order_by("id").values_list("pending", "available", "held", "expired", "revoked")
    )


def test_erasure_forfeits_what_is_left_by_a_closing_row(member, business, at):
    slow = BusinessFactory(pending_days=14)
    earn(member, business, at=at, key="a")
    earn(member, slow, at=at, key="b")
    services.hold_bonus(member=member, business=business, amount=D("20.00"), key="h", at=at)

    erase_person(user=member, at=at, because="asked")
    outbox.drain()

    assert boxes() == [(0, 0, 0, 0, 5000), (0, 0, 0, 0, 5000)]
    row = Journal.objects.get(kind="close")
    assert (row.wallet_id, row.amount) == (member.pk, 10_000)
    assert Hold.objects.get().journal.resolved_by.get().rule == {"because": "closed"}
    assert queries.ledger_faults() == {}


def test_closing_twice_is_closing_once(member, business, at):
    earn(member, business, at=at)

    assert [services.close_wallet(member_id=member.pk, at=at) for _ in range(2)] == [5000, 0]
    assert Journal.objects.filter(kind="close").count() == 1


def test_what_had_lapsed_expires_at_closing(member, business, at):
    earn(member, business, at=at)

    services.close_wallet(member_id=member.pk, at=Lot.objects.get().expires_at)

    assert boxes() == [(0, 0, 0, 5000, 0)]


def test_what_comes_back_later_is_forfeited_at_night(member, business, at):
    earn(member, business, at=at)
    spent = services.spend_bonus(
        member=member, business=business, amount=D("50.00"), key="s", at=at
    )
    erase_person(user=member, at=at, because="asked")
    outbox.drain()
    services.refund_spend(journal_id=spent.journal_id, amount=D("50.00"), key="r", at=at)

    closed = [services.close_wallets_of_erased(at=at + timedelta(hours=9)) for _ in range(2)]

    assert closed == [1, 0]
    assert Wallet.objects.get().available == 0
    assert queries.ledger_faults() == {}


def test_words_of_gifts_go_with_either_of_the_two(member, business, at):
    friend = UserFactory()
    Session.objects.create(user=friend)
    earn(member, business, at=at)
    services.send_gift(
        sender=member, phone=friend.phone, amount=D("5.00"), key="g", at=at, message="Лене от Оли"
    )

    erase_person(user=member, at=at, because="asked")
    outbox.drain()

    assert Gift.objects.get().message_sealed == ""


@pytest.mark.parametrize("lots", [1, 5])
def test_closing_costs_as_many_statements_for_any_number_of_lots(lots, member, business, at):
    for n in range(lots):
        earn(member, business, at=at, key=str(n))

    with CaptureQueriesContext(connection) as asked:
        services.close_wallet(member_id=member.pk, at=at)

    # lock, open holds, what is left, closings before, journal, everything moved in one
    assert len([one for one in asked if "loyalty_" in one["sql"]]) == 6
