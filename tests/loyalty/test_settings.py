"""The numbers of the programme are a row that an admin changes."""

from datetime import timedelta
from decimal import Decimal as D

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.urls import reverse

from apps.accounts.services import ReasonMissing
from apps.core.errors import Forbidden
from apps.core.models import AuditEntry, Message
from apps.loyalty import rules, services, settings_queries
from apps.loyalty.models import Journal, Lot, LoyaltySettings
from apps.loyalty.tier_queries import standing_of
from apps.transactions.services import most_of
from tests.accounts.desks import desk_of
from tests.factories.accounts import UserFactory
from tests.loyalty.test_referral import buy, invite
from tests.loyalty.test_services import earn

pytestmark = pytest.mark.django_db
WHY = "решение правления от марта"
OLD = 3600.0  # seconds since she showed her second factor


@pytest.fixture
def admin():
    return UserFactory(job="admin")


def change(*, by=None, reason=WHY, **changes):
    services.change_loyalty_settings(changes=changes, by=by, reason=reason)
    settings_queries.forget()  # what happens once it is committed


def test_the_row_begins_with_the_numbers_of_the_product():
    row = settings_queries.current()

    assert row.pk == 1
    assert (row.life_days, row.warn_days, row.last_warn_days) == (90, 14, 3)
    assert (row.hold_minutes, row.gift_a_day, row.adjust_alone) == (15, D(3000), D(5000))
    assert (row.referral_inviter, row.referral_invited) == (D(300), D(200))
    assert (row.referral_least, row.referral_pending_days) == (D(1000), 14)
    assert (row.referral_a_month, row.referral_lapse_days) == (10, 180)
    assert (row.bonus_share, row.tier_grace_days) == (50, 30)


def test_bonuses_live_as_long_as_the_row_says_and_older_ones_keep_their_day(member, business, at):
    earn(member, business, at=at, key="before")
    change(life_days=30)
    earn(member, business, at=at, key="after")

    first, second = Lot.objects.order_by("pk")
    assert first.expires_at == rules.expiry(activates_at=at)
    assert second.expires_at == first.expires_at - timedelta(days=60)


def test_holds_gifts_and_warnings_follow_it(member, business, at):
    earn(member, business, at=at)
    change(hold_minutes=5, gift_a_day=D("2.00"), life_days=60, warn_days=55, last_warn_days=50)
    earn(member, business, at=at, key="short")

    hold = services.hold_bonus(member=member, business=business, amount=D(1), key="h", at=at)
    with pytest.raises(services.GiftOverLimit), transaction.atomic():
        services.give(sender=member, receiver=UserFactory(), amount=D("2.01"), key="g", at=at)
    told = services.warn_of_expiry(at=at + timedelta(days=6))

    assert hold.expires_at == at + timedelta(minutes=5)
    assert told == 1
    assert Message.objects.get(topic="BonusesExpiring").payload["days_left"] == 55


def test_the_share_of_a_bill_and_the_life_of_an_invitation_follow_it(member, business, at):
    type(business).objects.filter(pk=business.pk).update(max_bonus_share=40)
    business.refresh_from_db()
    change(bonus_share=25, referral_lapse_days=7)

    invitation = invite(member, UserFactory(), at)

    assert most_of(business, D(1000)) == D(250)
    assert invitation.lapses_at - invitation.accepted_at == timedelta(days=7)
    change(bonus_share=50)
    assert most_of(business, D(1000)) == D(400)


def test_a_tier_is_kept_as_long_as_the_row_says(member, business, at):
    earn(member, business, paid=D("60000.00"), at=at - timedelta(days=300))
    services.update_status_tier(member, at=at - timedelta(days=300))
    member.refresh_from_db()
    before = standing_of(member, at=at)
    change(tier_grace_days=10)

    assert before.keep_until - standing_of(member, at=at).keep_until == timedelta(days=20)


def test_what_an_admin_moves_alone_follows_it(member, admin, at):
    change(adjust_alone=D("10.00"))

    small, large = (
        services.adjust_balance(
            member=member, amount=D(amount), reason=WHY, by=admin, key=amount, at=at
        )
        for amount in ("10.00", "0.01")
    )
    assert (small.state, large.state) == ("done", "waiting")


def test_invitations_follow_it_and_are_judged_by_the_terms_of_their_day(member, business, at):
    change(referral_inviter=D(30), referral_invited=D(20), referral_least=D(500))
    friend = UserFactory()
    invite(member, friend, at)
    done, rewarded = buy(friend, business, "600.00")
    change(referral_least=D(5000))

    amounts = sorted(row.amount for row in Journal.objects.filter(kind="reward"))
    assert (rewarded, amounts) == (True, [2000, 3000])
    assert services.revoke_referral(sale=str(done.pk), at=at) is False


def test_an_admin_changes_it_with_a_reason_and_not_what_she_may_move_alone(admin):
    change(by=admin, gift_a_day=D(100))
    row = AuditEntry.objects.get(action="loyalty.settings")
    assert (row.actor_id, row.reason) == (admin.pk, WHY)
    assert settings_queries.current().gift_a_day == 100

    with pytest.raises(ReasonMissing):
        change(by=admin, reason="надо", gift_a_day=D(1))
    with pytest.raises(Forbidden):
        change(by=admin, adjust_alone=D(1_000_000))
    with pytest.raises(Forbidden):
        change(by=UserFactory(job="business_owner"), gift_a_day=D(1))
    change(by=UserFactory(job="superadmin"), adjust_alone=D(6000))
    assert settings_queries.current().adjust_alone == 6000


def test_impossible_numbers_are_refused_by_the_service_and_by_the_database():
    with pytest.raises(ValidationError):
        change(last_warn_days=20)
    with pytest.raises(IntegrityError), transaction.atomic():
        LoyaltySettings.objects.update(warn_days=90)
    with pytest.raises(IntegrityError), transaction.atomic():
        LoyaltySettings.objects.create(pk=2)


def test_it_is_read_once_for_many_purchases(django_assert_num_queries):
    settings_queries.current()

    with django_assert_num_queries(0):
        settings_queries.current()


# --- the page ------------------------------------------------------------------------------------
def form(**given):
    row = LoyaltySettings.objects.get()
    fields = {one.name: getattr(row, one.name) for one in row._meta.fields if one.name != "id"}
    return fields | given


def test_the_page_changes_it_after_a_fresh_second_factor(admin):
    url = reverse("admin:loyalty_loyaltysettings_change", args=[1])

    stale = desk_of(admin, confirmed_ago=OLD).post(url, form(life_days=60, reason=WHY))
    saved = desk_of(admin, confirmed_ago=0).post(
        url, form(life_days=60, adjust_alone="999999", reason=WHY)
    )

    row = LoyaltySettings.objects.get()
    assert stale.url.startswith("/login/confirm/")
    assert (saved.status_code, row.life_days, row.adjust_alone) == (302, 60, 5000)


def test_the_page_says_what_is_wrong(admin):
    url = reverse("admin:loyalty_loyaltysettings_change", args=[1])

    answer = desk_of(admin, confirmed_ago=0).post(url, form(last_warn_days=30, reason=WHY))

    assert answer.status_code == 200
    assert "Последнее предупреждение" in answer.content.decode()
