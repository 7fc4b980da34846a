"""Facts in, messages out: what is told to whom, once, in words that are whole."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from apps.businesses.models import Role
from apps.businesses.services import add_staff
from apps.core import facts, outbox
from apps.core.models import Delivery
from apps.loyalty.services import hold_bonus
from apps.notifications import drafts, services, words
from apps.notifications.consumers import heard
from apps.notifications.enums import Priority
from apps.notifications.kinds import ALL, KINDS
from apps.notifications.labels import LABELS
from apps.notifications.models import Notification
from apps.notifications.rules import PLACE, unknown_places
from apps.transactions.services import Spend, record_purchase
from svoykrug.outbox import LISTENERS, TOLD
from tests.factories.accounts import UserFactory
from tests.factories.businesses import BusinessFactory, staff_of
from tests.factories.notifications import device_of
from tests.factories.transactions import sale
from tests.notifications.conftest import deliver_all, write

pytestmark = pytest.mark.django_db
NOW = timezone.now()
AT = NOW.isoformat()
ID = "01a20029-23d1-7699-a0fe-2d5901b86d4b"
EVENT = {"event_id": ID, "title": "Бал", "at": AT}
GUEST = EVENT | {"registration_id": ID}


def fact_of(name: str, member, business, **more):
    """A fact of that name about this member."""
    known = {
        "MemberJoined": {"at": AT},
        "PurchaseRecorded": {
            "transaction_id": ID, "business_id": str(business.pk), "location_id": None,
            "category": "salon", "kind": "sale", "amount": "2500.00", "to_pay": "2000.00",
            "bonus_accrued": "100.00", "bonus_spent": "500.00", "occurred_at": AT,
            "zone": "Europe/Moscow", "source": "till",
        },
        "PurchaseRefunded": {
            "transaction_id": ID, "refund_id": ID, "business_id": str(business.pk),
            "amount": "100.00", "money": "90.00", "bonus_taken": "5.00", "bonus_returned": "10.00",
            "occurred_at": AT, "zone": "Europe/Moscow", "source": "till",
        },
        "TierChanged": {"before": "insider", "after": "vip", "reason": "spent", "at": AT},
        "TierAtRisk": {
            "tier": "vip", "falls_to": "insider", "to_keep": "1500.00",
            "falls_at": AT, "days_left": 30, "at": AT,
        },
        "BonusesExpiring": {"amount": "300.00", "expires_at": AT, "days_left": 3, "at": AT},
        "GiftReceived": {"gift_id": ID, "from_member_id": ID, "amount": "300.00", "at": AT},
        "BonusAdjusted": {"amount": "-50.00", "at": AT},
        "ReferralRewarded": {"referral_id": ID, "role": "inviter", "amount": "300.00", "at": AT},
        "BadgeEarned": {"award_id": ID, "badge": "first", "at": AT},
        "CouponIssued": {
            "coupon_id": ID, "campaign_id": None, "business_id": str(business.pk),
            "origin": "chain", "valid_to": AT, "at": AT,
        },
        "SessionReuseDetected": {"session_id": ID, "at": AT},
        "PhoneChanged": {"at": AT},
        "PhoneMoveAsked": {"at": AT, "due_at": AT},
        "NewDeviceSignedIn": {"session_id": ID, "at": AT},
        "ExportReady": {"export_id": ID, "rows": 60_000, "at": AT},
        "EventModerated": EVENT | {"decision": "approve"},
        "EventRegistered": GUEST | {"state": "confirmed", "starts_at": AT},
        "EventSeatOffered": GUEST | {"until": AT},
        "EventSeatGiven": GUEST,
        "EventLeft": GUEST | {"reason": "removed"},
        "EventChanged": GUEST | {"starts_at": AT},
        "EventCancelled": GUEST | {"reason": "rain"},
        "EventReminder": GUEST | {"starts_at": AT, "hours_left": 24},
        "EventEntriesDoubtful": EVENT | {"business_id": None, "scans": 2},
    }  # fmt: skip
    values = {"member_id": str(member.pk)} | known.get(name, {}) | more
    if name == "StatementClosed":
        del values["member_id"]
        values |= {"statement_id": ID, "business_id": str(business.pk), "month": "2026-10"}
        values |= {"net": "-1200.00", "at": AT}
    if name == "OfferBudgetLow":
        del values["member_id"]
        values |= {"offer_id": ID, "business_id": str(business.pk), "name": "Осень", "at": AT}
        values |= {"used": "81.00", "budget": "100.00"}
    return facts.FACTS[name](**values)


EXPECTED = {
    "MemberJoined": {"welcome"},
    "PurchaseRecorded": {"bonus_spent", "receipt"},
    "PurchaseRefunded": {"refund"},
    "TierChanged": {"tier_up"},
    "TierAtRisk": {"tier_at_risk"},
    "BonusesExpiring": {"bonuses_expiring"},
    "GiftReceived": {"gift_received"},
    "BonusAdjusted": {"bonus_removed"},
    "ReferralRewarded": {"referral_rewarded"},
    "BadgeEarned": {"badge_earned"},
    "CouponIssued": {"coupon_gift"},
    "SessionReuseDetected": {"session_reuse"},
    "PhoneChanged": {"phone_changed"},
    "PhoneMoveAsked": {"phone_move_asked"},
    "NewDeviceSignedIn": {"new_device"},
    "EventModerated": {"event_approved"},
    "EventRegistered": {"event_registered"},
    "EventSeatOffered": {"event_seat_offered"},
    "EventSeatGiven": {"event_seat_given"},
    "EventLeft": {"event_removed"},
    "EventChanged": {"event_changed"},
    "EventCancelled": {"event_cancelled"},
    "EventReminder": {"event_reminder"},
    "EventEntriesDoubtful": {"event_entries_doubtful"},
    "StatementClosed": {"statement_ready"},
    "OfferBudgetLow": {"offer_budget_low"},
    "ExportReady": {"export_ready"},
}


@pytest.mark.parametrize("name", sorted(TOLD))
def test_a_fact_becomes_its_messages_once(name, member, business):
    owner = staff_of(business, role="business_owner")
    fact = fact_of(name, member, business)

    for _ in range(2):
        heard(fact, message_id=ID)

    rows = Notification.objects.all()
    assert {row.kind for row in rows} == EXPECTED[name]
    assert len(rows) == len(EXPECTED[name])
    told = owner if name in ("StatementClosed", "OfferBudgetLow") else member
    assert {row.member_id for row in rows} == {told.pk}
    library = words.Library()
    for row in Notification.objects.select_related("business", "broadcast", "member"):
        for language in ("ru", "en"):
            said = library.of(row, language=language)
            assert not PLACE.search(said.title + said.body + said.sms), said


def test_a_giver_is_told_of_her_gift_too(member, business):
    giver = UserFactory()

    heard(fact_of("GiftReceived", member, business, from_member_id=str(giver.pk)), message_id=ID)

    told = Notification.objects.values_list("member", "kind")
    assert set(told) == {(member.pk, "gift_received"), (giver.pk, "gift_sent")}


def test_every_fact_told_is_listened_to():
    assert set(TOLD) == set(EXPECTED) == {one.topic() for one in drafts.BY_FACT}
    assert all("apps.notifications.consumers.heard" in LISTENERS[topic] for topic in TOLD)


@pytest.mark.parametrize(
    ("name", "more", "kinds"),
    [
        ("TierChanged", {"before": "vip", "after": "insider"}, ["tier_down"]),
        ("TierChanged", {"before": "vip", "after": "vip"}, []),
        ("BonusAdjusted", {"amount": "50.00"}, ["bonus_added"]),
        ("CouponIssued", {"origin": "claim"}, ["coupon_claimed"]),
        ("CouponIssued", {"origin": "campaign"}, ["coupon_gift"]),
        ("EventModerated", {"decision": "reject"}, ["event_rejected"]),
        ("EventModerated", {"decision": "request_changes"}, ["event_changes_wanted"]),
        ("EventRegistered", {"state": "waitlisted"}, ["event_waitlisted"]),
        ("EventLeft", {"reason": "cancelled"}, []),
        ("PurchaseRecorded", {"bonus_spent": "0.00"}, ["bonus_accrued", "receipt"]),
        ("PurchaseRecorded", {"bonus_spent": "0.00", "bonus_accrued": "0.00"}, ["receipt"]),
    ],
)
def test_what_a_fact_means_depends_on_what_it_says(member, business, name, more, kinds):
    fact = fact_of(name, member, business, **more)

    assert [one.kind for one in drafts.of(fact, at=NOW)] == kinds


@pytest.mark.parametrize(("hours", "kinds"), [(23, ["bonus_spent", "receipt"]), (25, [])])
def test_a_moment_without_a_zone_is_read_as_utc(member, business, hours, kinds):
    happened = (NOW - timedelta(hours=hours)).replace(tzinfo=None).isoformat()
    fact = fact_of("PurchaseRecorded", member, business, occurred_at=happened)

    assert [one.kind for one in drafts.of(fact, at=NOW)] == kinds


def test_doubtful_entries_are_told_to_the_author_and_to_owners_of_the_host_once_each(
    member, business
):
    owner, _seller = staff_of(business, role="business_owner"), staff_of(business)
    add_staff(business=business, user=member, role=Role.OWNER, by=None, at=NOW)
    place = {"business_id": str(business.pk)}
    fact = fact_of("EventEntriesDoubtful", member, business, **place)
    of_house = fact_of("EventEntriesDoubtful", member, business, member_id=None, **place)

    told, of_the_house = (
        sorted((one.member_id, one.kind) for one in drafts.of(what, at=NOW))
        for what in (fact, of_house)
    )

    kind = "event_entries_doubtful"
    assert told == sorted([(str(member.pk), kind), (str(owner.pk), kind)])
    assert of_the_house == told  # without an author it is the owners' all the same


def test_a_purchase_of_long_ago_is_no_news(member, business):
    """An import of last year writes to nobody."""
    old = (NOW - timedelta(days=2)).isoformat()

    heard(fact_of("PurchaseRecorded", member, business, occurred_at=old), message_id=ID)

    assert not Notification.objects.exists()


def test_an_erased_member_is_told_nothing(business, at):
    gone = UserFactory()
    type(gone).objects.filter(pk=gone.pk).update(
        erased_at=at, data_key="", phone_sealed="", phone_index=None, first_name="", last_name=""
    )

    heard(fact_of("GiftReceived", gone, business), message_id=ID)

    assert not Notification.objects.exists()


def test_a_sale_tells_its_guest(world, business):
    """The whole way: a sale, the outbox, a push and a receipt."""
    anna = UserFactory(email="anna@example.com")
    record_purchase(
        business=business, member=anna, amount=Decimal("2500.00"), occurred_at=timezone.now(),
        by=None, key="sale-1",
    )  # fmt: skip

    outbox.drain()
    deliver_all()

    assert world.counts["sendgrid"] == 1
    assert set(Notification.objects.values_list("kind", flat=True)) >= {"bonus_accrued", "receipt"}
    assert not Delivery.objects.filter(last_error__gt="").exists()


def test_spent_bonuses_are_told_at_once_and_before_any_broadcast(world, business):
    """Whoever spends her bonuses without her is seen within seconds: two bells of one second."""
    anna = UserFactory()
    device_of(anna, token="token-of-anna")
    sale(member=anna, business=business, amount="20000.00")
    outbox.drain()
    deliver_all()
    told = len(world.taken["fcm"])
    write("broadcast", *[UserFactory() for _ in range(3)])

    hold = hold_bonus(
        member=anna, business=business, amount=Decimal(300), key="h", at=timezone.now()
    )
    sale(member=anna, business=business, amount="1000.00", spend=Spend(code=hold.code))
    outbox.drain()
    services.deliver(priority=Priority.HIGH, seconds=5)

    [push] = world.taken["fcm"][told:]
    assert push["data"]["kind"] == "bonus_spent"
    row = Notification.objects.select_related("business", "broadcast").get(kind="bonus_spent")
    assert row.state == "sent"
    assert words.Library().of(row, language="ru").title == "Списано 300 бонусов"


def test_listening_does_not_slow_a_sale(member, business):
    sale(member=member, business=business)

    assert not Notification.objects.exists()  # the till waits for no message


# --- the table and the words ------------------------------------------------------------------
def test_every_kind_has_its_words_and_nothing_but_its_places():
    for language in words.LANGUAGES:
        assert set(words.of_files(language)) == set(KINDS)
        for kind in ALL:
            said = words.shipped(kind.code, language)
            for text in (said.title, said.body, said.sms):
                assert unknown_places(text, kind.places) == [], (kind.code, text)
                assert "!" not in text


def test_kinds_keep_to_the_rules_of_the_house():
    for kind in ALL:
        assert kind.channels, kind.code
        assert len(set(kind.channels)) == len(kind.channels)
        if kind.is_advertising:
            assert kind.priority == 3, kind.code
            assert kind.quiet, kind.code


def test_words_of_clinics_stay_inside(member):
    clinic = BusinessFactory(category="medical", name="Миллениум")
    heard(fact_of("PurchaseRecorded", member, clinic), message_id=ID)
    row = Notification.objects.select_related("business", "broadcast").get(kind="receipt")

    inside = words.Library().of(row, language="ru")
    outside = words.Library().of(row, language="ru", outside=True)

    assert "Миллениум" in inside.title
    assert "Миллениум" not in outside.title + outside.body + outside.sms


def test_every_kind_has_a_name_for_people():
    assert set(LABELS) == set(KINDS)
