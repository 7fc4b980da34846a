"""What the clock and the network's people ask of the ledger, at its edges: holds that time out,
offers and invitations that pass, debts above a limit, adjustments and offers that cannot be."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import transaction
from django.utils import timezone

from apps.accounts.services import erase_person
from apps.core.errors import NotFound
from apps.core.ids import new_id
from apps.coupons.models import Coupon
from apps.loyalty import queries, services, settlement_csv, settlement_queries, tasks
from apps.loyalty.models import Adjustment, OfferConstructor, Referral, StatementLine, Terms
from apps.loyalty.rules import MOSCOW, month_bounds
from tests.factories.accounts import UserFactory
from tests.factories.coupons import chain, step
from tests.factories.offers import draft_of, offer_of
from tests.factories.transactions import sale
from tests.loyalty.test_referral import invite
from tests.loyalty.test_services import earn

pytestmark = pytest.mark.django_db
REASON = "жалоба гостя, сбой кассы"


# --- the clock -----------------------------------------------------------------------------------
def test_a_hold_that_nobody_used_times_out(business, member, at):
    earn(member, business, at=at)
    early = at - timedelta(days=1)
    services.hold_bonus(member=member, business=business, amount=Decimal(20), key="h", at=early)
    held = queries.balance_of(member.pk, at=early).held

    assert [tasks.time_out_holds() for _ in range(2)] == [1, 0]
    assert (held, queries.balance_of(member.pk, at=at).available) == (Decimal(20), Decimal(50))


def test_an_offer_past_its_days_reads_as_ended(business, at):
    offer = offer_of(business, ends_at=at + timedelta(hours=1))
    over = offer_of(business, priority=2, starts_at=at - timedelta(days=3), ends_at=at)

    tasks.move_offers()

    states = dict(OfferConstructor.objects.values_list("pk", "state"))
    assert states == {offer.pk: "active", over.pk: "ended"}


def test_invitations_lapse_and_old_numbers_are_forgotten(member, at):
    day = timedelta(days=1)
    fresh, late, old = (UserFactory() for _ in range(3))
    for friend, ago in ((fresh, 1), (late, 181), (old, 366)):
        invite(member, friend, at - ago * day, device_hash=f"{ago:064d}")

    assert tasks.lapse_referrals() == 2

    rows = {row.invited_id: row for row in Referral.objects.all()}
    assert [rows[one.pk].state for one in (fresh, late, old)] == ["waiting", "lapsed", "lapsed"]
    assert rows[late.pk].phone_hash != ""
    assert (rows[old.pk].phone_hash, rows[old.pk].device_hash) == ("", "")


def test_a_partner_above_its_limit_is_an_alarm(business, member, at, caplog):
    earn(member, business, at=at)
    Terms.objects.update_or_create(business=business, defaults={"credit_limit": Decimal(10)})

    tasks.refresh_exposure()

    assert [one.business for one in settlement_queries.over_limit()] == [business]
    assert "settlement.limit_exceeded" in caplog.text
    assert str(business.pk) in caplog.text


# --- papers --------------------------------------------------------------------------------------
def test_the_file_of_a_line_of_discounts_names_each_use(business, member):
    cafe = sale().business
    chain(step(business, cafe, funders=((business.pk, 50), (cafe.pk, 50)), value=Decimal(501)))
    sale(business=business, member=member)
    code = Coupon.objects.get(member=member).code
    sale(business=cafe, member=member, amount="2000", coupon_codes=[code])
    first = timezone.localtime(timezone.now(), MOSCOW).date().replace(day=1)
    services.close_month(month=first, by=None, at=month_bounds(first)[1])
    row = StatementLine.objects.get(kind="discount")
    [line] = [
        one for one in settlement_queries.lines_of(row.statement, business) if one.id == row.pk
    ]

    text = settlement_csv.moves_csv(line).decode("utf-8-sig").splitlines()

    assert len(text) == 3
    assert text[1].endswith(";250,50")
    assert text[2].endswith(";250,50")


# --- what is refused -----------------------------------------------------------------------------
def test_an_adjustment_of_nothing_of_nobody_or_under_a_used_key(member, at):
    admin, other = UserFactory(job="admin"), UserFactory()
    given = {"reason": REASON, "by": admin, "key": "k", "at": at}
    services.adjust_balance(member=member, amount=Decimal(5), **given)

    with pytest.raises(services.BonusInvalid), transaction.atomic():
        services.adjust_balance(member=member, amount=Decimal(0), **given)
    with pytest.raises(services.KeyReused), transaction.atomic():
        services.adjust_balance(member=other, amount=Decimal(5), **given)
    erase_person(user=other, at=at, because="asked", by=other)
    with pytest.raises(NotFound), transaction.atomic():
        services.adjust_balance(member=other, amount=Decimal(5), **(given | {"key": "k2"}))
    with pytest.raises(NotFound), transaction.atomic():
        services.decide_adjustment(adjustment_id=new_id(), is_confirmed=True, by=admin, at=at)
    assert Adjustment.objects.count() == 1


def test_an_offer_that_is_none_has_ended_or_is_paid_by_nobody(business, at):
    offer = offer_of(business)
    services.end_offer(offer_id=offer.pk, by=None, at=at)
    edit = {"changes": {"name": "Другое"}, "by": None, "at": at}

    with pytest.raises(NotFound):
        services.edit_offer(offer_id=new_id(), **edit)
    with pytest.raises(services.OfferWrongState):
        services.edit_offer(offer_id=offer.pk, **edit)
    with pytest.raises(services.OfferInvalid) as refused:
        draft_of(business, funders=[(new_id(), 10_000)], priority=2)
    assert "funders" in refused.value.details
    assert OfferConstructor.objects.count() == 1


def test_a_quote_with_more_bonuses_than_she_has_or_nowhere(api, business, member):
    ask = {"businessId": str(business.pk), "amount": "1000.00", "spend": "100.00"}
    me = api.as_(member)

    poor = me.post("/loyalty/quote", ask)
    nowhere = me.post("/loyalty/quote", ask | {"businessId": str(new_id())})

    assert poor.status_code in (409, 422)
    assert poor.json()["error"]["code"] == "INSUFFICIENT_BONUS"
    assert nowhere.status_code == 404
