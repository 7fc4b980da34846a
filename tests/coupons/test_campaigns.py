"""Campaigns at their edges: codes that a worker left unmade, budgets that run out, words claimed
too early or too late, files of codes, and who may not."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from apps.core.errors import NotFound
from apps.core.models import AuditEntry
from apps.coupons import tasks
from apps.coupons.models import Campaign, Coupon
from apps.coupons.services import (
    CampaignInvalid,
    ClaimRefused,
    CodesInvalid,
    Draft,
    cancel_campaign,
    claim_promo,
    create_campaign,
    forget_member,
    import_codes,
    importing,
    look_at_codes,
)
from apps.coupons.services import campaigns as making
from tests.factories.accounts import UserFactory
from tests.factories.businesses import BusinessFactory, staff_of
from tests.factories.coupons import campaign, personal
from tests.factories.transactions import sale

pytestmark = pytest.mark.django_db


@pytest.fixture
def unmade(business: Any, monkeypatch: pytest.MonkeyPatch) -> Campaign:
    """Ten codes in batches of four; the worker has died before the first."""
    monkeypatch.setattr(making, "BATCH", 4)
    at = timezone.now()
    terms = {"name": "Листовки", "benefit": "fixed", "value": Decimal(100), "audience": "anyone"}
    draft = Draft(**terms, quantity=10, valid_from=at, valid_to=at + timedelta(days=5))
    return create_campaign(business=business, draft=draft, by=None, at=at, fill=False)


def test_codes_that_a_worker_left_are_made_by_the_clock(unmade):
    assert Coupon.objects.count() == 0

    found = [tasks.make_missing_codes() for _ in range(2)]

    assert found == [1, 0]
    assert Coupon.objects.filter(campaign=unmade).count() == 10


def test_a_bell_makes_the_codes_of_one_campaign_and_none_of_a_cancelled_one(unmade, owner):
    dead = campaign(unmade.business, quantity=1)
    Campaign.objects.filter(pk=dead.pk).update(quantity=9)
    cancel_campaign(campaign=dead, by=owner, at=timezone.now(), reason="ошибка в печати")

    for one in (unmade, dead):
        tasks.make_codes(campaign_id=str(one.pk))

    assert Coupon.objects.filter(campaign=unmade).count() == 10
    assert Coupon.objects.filter(campaign=dead).count() == 1


def test_guests_get_theirs_until_the_budget_is_reserved(business):
    for _ in range(3):
        sale(business=business)

    made = campaign(business, audience="guests", quantity=3, budget=Decimal(1000))

    made.refresh_from_db()
    made.budget.refresh_from_db()
    assert (made.issued, Coupon.objects.filter(campaign=made).count()) == (2, 2)
    assert (made.budget.reserved, made.budget.cap) == (1000, 1000)


def test_the_clock_expires_coupons_and_frees_what_they_reserved(business, member):
    coupon = personal(member, business, budget=Decimal(1000))
    day = timezone.now() - timedelta(days=1)
    Coupon.objects.update(valid_from=day - timedelta(days=1), valid_to=day)

    assert tasks.expire_due() == 1
    coupon.refresh_from_db()
    coupon.campaign.budget.refresh_from_db()
    assert (coupon.state, coupon.campaign.budget.reserved) == ("expired", 0)


def test_an_erased_member_keeps_no_unused_coupon(business, member):
    coupon = personal(member, business)
    other = personal(UserFactory(), business, word="WORD2")

    assert [forget_member(member_id=member.pk, at=timezone.now()) for _ in range(2)] == [1, 0]
    coupon.refresh_from_db()
    other.refresh_from_db()
    assert (coupon.state, other.state) == ("cancelled", "active")
    assert AuditEntry.objects.filter(action="coupons.forget").count() == 1


# --- a public word -------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"state": "cancelled", "cancelled_at": timezone.now()}, "over"),
        ({"valid_to": timezone.now() - timedelta(minutes=1)}, "over"),
        ({"valid_from": timezone.now() + timedelta(days=1)}, "too_early"),
        ({"issued": 1}, "all_given"),
    ],
)
def test_a_word_is_claimed_in_its_time_and_while_there_are_some(given, why, business, member):
    made = campaign(business, audience="promo", promo_code="MARCH26")
    Campaign.objects.filter(pk=made.pk).update(**given)

    with pytest.raises(ClaimRefused) as refused:
        claim_promo(member=member, code="march26", at=timezone.now())

    assert refused.value.details["reason"] == why
    assert not Coupon.objects.exists()


def test_a_word_without_money_left_gives_nothing(business):
    campaign(business, audience="promo", promo_code="MARCH26", quantity=5, budget=Decimal(500))
    at = timezone.now()
    claim_promo(member=UserFactory(), code="MARCH26", at=at)

    with pytest.raises(ClaimRefused) as refused:
        claim_promo(member=UserFactory(), code="MARCH26", at=at)

    assert refused.value.details["reason"] == "budget"
    assert Coupon.objects.count() == 1


# --- who and what is refused ---------------------------------------------------------------------
def test_only_who_manages_a_business_makes_cancels_and_fills(business, owner):
    made, at = campaign(business), timezone.now()
    stranger = staff_of(BusinessFactory(), role="business_owner")
    draft = Draft(
        name="Чужая", benefit="fixed", value=Decimal(100), audience="anyone", quantity=1,
        valid_from=at, valid_to=at + timedelta(days=5),
    )  # fmt: skip

    for refused in (
        lambda: create_campaign(business=business, draft=draft, by=stranger, at=at),
        lambda: cancel_campaign(campaign=made, by=stranger, at=at),
        lambda: import_codes(campaign_id=made.pk, codes=["MAY2026001"], by=stranger, at=at),
    ):
        with pytest.raises(NotFound):
            refused()
    assert Campaign.objects.get().state == "active"


@pytest.mark.parametrize("quantity", [0, making.MOST_CODES + 1])
def test_a_campaign_has_some_codes_and_not_too_many(quantity, business):
    with pytest.raises(CampaignInvalid) as refused:
        campaign(business, quantity=quantity)

    assert refused.value.field == "quantity"


def test_codes_of_a_file_have_a_bound_and_an_open_campaign(business, owner, monkeypatch):
    open_, promo = campaign(business), campaign(business, audience="promo", promo_code="MARCH26")
    codes, at = ["MAY2026001", "MAY2026002"], timezone.now()

    with pytest.raises(importing.NotForCodes):
        import_codes(campaign_id=promo.pk, codes=codes, by=owner, at=at)
    with monkeypatch.context() as patch:
        patch.setattr(importing, "MOST_CODES", 2)
        with pytest.raises(importing.TooManyCodes):
            import_codes(campaign_id=open_.pk, codes=codes, by=owner, at=at)
    with monkeypatch.context() as patch:
        patch.setattr(importing, "MOST_AT_ONCE", 1)
        with pytest.raises(importing.TooManyCodes):
            look_at_codes(codes)
    with pytest.raises(CodesInvalid):
        import_codes(campaign_id=open_.pk, codes=["да"], by=owner, at=at)
    assert Coupon.objects.filter(campaign=open_).count() == 1
