"""Friends: pending rewards, caps, suspicion, and what a return takes back."""

from datetime import timedelta
from decimal import Decimal as D

import pytest
from django.utils import timezone

from apps.accounts.models import Session, User
from apps.accounts.services import erase_person
from apps.businesses.queries import network
from apps.core import outbox
from apps.core.facts import MemberJoined
from apps.core.models import Message
from apps.loyalty import queries, services
from apps.loyalty.models import Journal, Lot, Referral
from tests.factories.accounts import UserFactory
from tests.factories.transactions import sale
from tests.loyalty.test_services import earn
from tests.threads import race

pytestmark = pytest.mark.django_db


def invite(inviter, friend, at, **more):
    code = services.referral_code_of(inviter)
    return services.accept_invitation(member=friend, code=code.lower(), at=at, **more)


def buy(friend, business, amount="1000.00", at=None):
    done = sale(member=friend, business=business, amount=amount)
    rewarded = services.reward_referral(
        invited_id=friend.pk, sale=str(done.pk), occurred_at=done.occurred_at, at=timezone.now()
    )
    return done, rewarded


def rewards():
    rows = Journal.objects.filter(scope="reward", key__startswith="referral:").values_list(
        "wallet_id", "amount"
    )
    return dict(rows)


def test_both_are_rewarded_pending_and_the_network_pays(member, business, at):
    friend = UserFactory()
    invite(member, friend, at)

    small = buy(friend, business, "999.99")[1]
    first = buy(friend, business, "1000.00")[1]
    second = buy(friend, business, "5000.00")[1]

    assert (small, first, second) == (False, True, False)
    assert rewards() == {member.pk: 30_000, friend.pk: 20_000}
    assert queries.balance_of(member.pk, at=timezone.now()).pending == D("300.00")
    lots = Lot.objects.filter(journal__kind="reward")
    assert {lot.issuer for lot in lots} == {network()}
    assert {(lot.activates_at - lot.journal.posted_at).days for lot in lots} == {14}
    assert Message.objects.filter(topic="ReferralRewarded").count() == 2
    assert queries.ledger_faults() == {}


def test_a_friends_return_takes_both_back(member, business, at):
    friend = UserFactory()
    invite(member, friend, at)
    done, _rewarded = buy(friend, business, "1500.00")
    earned = Journal.objects.get(scope="earn", key=str(done.pk))

    services.claw_back(journal_id=earned.pk, returned=D("500.00"), key="1", at=at)
    enough = services.revoke_referral(sale=str(done.pk), at=at)
    services.claw_back(journal_id=earned.pk, returned=D("0.01"), key="2", at=at)
    short = [services.revoke_referral(sale=str(done.pk), at=at) for _ in range(2)]

    assert (enough, short) == (False, [True, False])
    rewards = Lot.objects.filter(journal__kind="reward").order_by("revoked")
    assert [lot.revoked for lot in rewards] == [20_000, 30_000]
    assert Referral.objects.get().state == "revoked"
    assert queries.ledger_faults() == {}


def test_an_invitation_lapses_in_180_days(member, business, at):
    friend = UserFactory()
    invite(member, friend, at - timedelta(days=180))

    assert buy(friend, business)[1] is False
    assert (Referral.objects.get().state, rewards()) == ("lapsed", {})


def test_ten_a_month_for_the_inviter_and_every_friend_gets_hers(member, business, at):
    friends = [UserFactory() for _ in range(11)]
    for friend in friends:
        invite(member, friend, at)
        buy(friend, business)

    mine = Journal.objects.filter(kind="reward", wallet_id=member.pk).count()
    theirs = Journal.objects.filter(kind="reward").exclude(wallet_id=member.pk).count()
    assert (mine, theirs, services.month_left(member.pk, at=at)) == (10, 11, 0)


@pytest.mark.django_db(transaction=True)
def test_forty_first_purchases_reward_once(member, business):
    friend, at = UserFactory(), timezone.now()
    invite(member, friend, at)
    earn(friend, business, at=at, key="first")  # without a fact that a worker would hear first

    outcomes = race(
        40,
        lambda n: services.reward_referral(
            invited_id=friend.pk, sale="first", occurred_at=at, at=at
        ),
    )

    assert sorted(map(str, outcomes)) == ["False"] * 39 + ["True"]
    assert rewards() == {member.pk: 30_000, friend.pk: 20_000}


def test_a_device_that_was_here_before_is_never_rewarded(member, business, at):
    Session.objects.create(user=member, device_key="d" * 64)
    friend = UserFactory()

    referral = invite(member, friend, at, device_hash="d" * 64)

    assert (referral.state, referral.why) == ("refused", "device")
    assert buy(friend, business)[1] is False


def test_a_number_that_joins_again_is_never_rewarded(member, business, at):
    friend = UserFactory(phone="+79161112233")
    invite(member, friend, at)
    erase_person(user=friend, at=at, because="asked", by=friend)
    services.forget_referrals(member_id=friend.pk)

    again = invite(member, UserFactory(phone="+79161112233"), at)

    assert (again.state, again.why) == ("refused", "phone")


def test_what_is_no_invitation(member, business, at):
    friend, buyer = UserFactory(), UserFactory()
    invite(member, friend, at)
    sale(member=buyer, business=business)

    with pytest.raises(services.AlreadyInvited):
        invite(UserFactory(), friend, at)
    with pytest.raises(services.OwnCode):
        invite(friend, friend and member, at)  # her own guest invites her
    with pytest.raises(services.OwnCode):
        invite(buyer, buyer, at)
    with pytest.raises(services.InvitedTooLate):
        invite(member, buyer, at)
    with pytest.raises(services.CodeUnknown):
        services.accept_invitation(member=UserFactory(), code="NOSUCH", at=at)


def test_depth_is_one(member, business, at):
    friend, hers = UserFactory(), UserFactory()
    invite(member, friend, at)
    buy(friend, business)
    invite(friend, hers, at)
    buy(hers, business)

    assert Journal.objects.filter(kind="reward", wallet_id=member.pk).count() == 1


def test_the_code_of_the_first_sign_in_is_heard(member, at):
    friend = UserFactory()
    for code in ("WRONG", services.referral_code_of(member), services.referral_code_of(member)):
        fact = MemberJoined(member_id=str(friend.pk), at=at.isoformat(), referral_code=code)
        outbox.publish(fact)

    heard = outbox.drain()

    assert heard >= 3
    assert Referral.objects.get().invited == friend


def test_the_api(api, member, business, at):
    friend = UserFactory()
    code = api.as_(member).get("/loyalty/referral").json()["data"]["code"]

    taken = api.as_(friend).post("/loyalty/referral", {"code": code})
    again = api.as_(friend).post("/loyalty/referral", {"code": code})
    buy(User.objects.get(pk=friend.pk), business)
    told = api.as_(member).get("/loyalty/referral").json()["data"]

    assert (taken.status_code, again.json()["error"]["code"]) == (201, "ALREADY_USED")
    assert told == {
        "code": code,
        "invited": 1,
        "waiting": 0,
        "rewarded": 1,
        "earned": "300.00",
        "monthLeft": 9,
    }
