"""An admin at her desk and something in every table she sees."""

import itertools
from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest
from django.test import Client
from django.utils import timezone
from django_celery_beat.models import CrontabSchedule, IntervalSchedule, PeriodicTask

from apps.accounts.enums import ConsentPurpose, Job
from apps.accounts.models import Session, User
from apps.accounts.services import Answer, answer_consents, erase_person, set_job, trust_device
from apps.analytics.models import FactBatch
from apps.businesses.models import Business
from apps.core import audit_chain
from apps.core.models import IdempotencyKey
from apps.coupons.models import Coupon
from apps.crm.models import DuplicateMerge, ExternalRecord, SyncRun
from apps.crm.services import connect
from apps.events.models import Penalty
from apps.events.services import Shown, check_in, process_vote, remove_registration
from apps.loyalty import services as loyalty
from apps.loyalty.models import Journal, Notice, Statement, StatementLine, Terms
from apps.notifications.models import Attempt, Provider, Suppression
from apps.transactions.models import Transaction
from apps.transactions.services import Item, flag_self_sale
from tests.factories.accounts import UserFactory
from tests.factories.businesses import BusinessFactory, LocationFactory, staff_of
from tests.factories.coupons import chain, step
from tests.factories.events import comes, in_voting, published
from tests.factories.notifications import broadcast_of, message_to
from tests.factories.offers import offer_of
from tests.factories.transactions import sale
from tests.signed_in import enter

_numbers = itertools.count(1)
Desk = Callable[[User], Client]


@pytest.fixture
def desk() -> Desk:
    """A browser of this person with the second factor shown."""

    return lambda user: enter(Client(), user)


@pytest.fixture
def admin_user(db: None) -> User:
    return UserFactory(first_name="Ада", last_name="Минина", job="admin")


@pytest.fixture
def admin_client(admin_user: User, desk: Desk) -> Client:
    return desk(admin_user)


def make_rows(count: int = 1) -> None:
    """A row more in every table of the admin, each with relations of its own, and one operation
    that touches the lots of all."""
    for _ in range(count):
        bought = _sale_held_spent_and_returned()
        _devices_and_batches(bought)
        _schedules()
        _statements(bought)
        _consents_and_erasures(bought)
        _messages(bought.member)
        _coupons_and_chains()
        _crm(bought)
        _events(bought.business)
    loyalty.expire_due(at=timezone.now() + timedelta(days=400))


def _coupons_and_chains() -> None:
    """A chain that a purchase set off, and its coupon used: every table of both apps."""
    start, end, member = BusinessFactory(), BusinessFactory(), UserFactory()
    chain(step(start, end, funders=((start.pk, 50), (end.pk, 50))), budget=Decimal(1000))
    sale(business=start, member=member)
    given = Coupon.objects.get(member=member)
    sale(business=end, member=member, coupon_codes=[given.code])


def _sale_held_spent_and_returned() -> Transaction:
    number, at = next(_numbers), timezone.now()
    business = BusinessFactory()
    LocationFactory(business=business)
    offer_of(business)
    seller, member = staff_of(business), UserFactory()
    lines = [Item(f"Услуга {line}", "уход", Decimal(1), Decimal(500)) for line in range(3)]
    bought = sale(business=business, member=member, by=seller, items=lines)
    loyalty.hold_bonus(
        member=member, business=business, amount=Decimal(10), key=f"hold:{number}", at=at
    )
    loyalty.spend_bonus(
        member=member, business=business, amount=Decimal(40), key=f"spend:{number}", at=at
    )
    earned = Journal.objects.get(scope="earn", key=str(bought.pk))
    loyalty.claw_back(
        journal_id=earned.pk, returned=Decimal(1000), key=f"back:{number}", at=timezone.now()
    )
    sale(business=business, member=member, amount="9000.00")  # repays the debt, leaves some
    friend = UserFactory()
    code = loyalty.referral_code_of(member)
    loyalty.accept_invitation(member=friend, code=code, at=at)
    loyalty.judge_badges(member_id=member.pk, at=at)
    loyalty.fill_segment(
        code="spring_26", cards=member.card_number, by=None, reason="для проверки", at=at
    )
    flag_self_sale(business=business, by=seller, at=at)
    _moved_by_hand(member, number, at)
    return bought


def _moved_by_hand(member: User, number: int, at: datetime) -> None:
    """A gift, an adjustment that waits, a warning."""
    loyalty.give(
        sender=member, receiver=UserFactory(), amount=Decimal(1), key=f"gift:{number}", at=at
    )
    loyalty.adjust_balance(
        member=member,
        amount=Decimal(9000),
        reason="жалоба гостя №15",
        by=UserFactory(job="admin"),
        key=f"adjust:{number}",
        at=at,
    )
    Notice.objects.create(member=member, kind=Notice.Kind.EXPIRY, due_at=at, days=3, at=at)


def _crm(bought: Transaction) -> None:
    """A connection with a run, a record and a repeat that was merged."""
    at = timezone.now()
    row = connect(business=bought.business, system="yclients", by=None, options={"company_id": "1"})
    SyncRun.objects.create(
        integration=row, trigger="hand", state="done", since=at, until=at, ended_at=at
    )
    record = ExternalRecord.objects.create(
        integration=row,
        entity="payment",
        external_id=str(next(_numbers)),
        amount=bought.amount,
        applied=bought.amount,
        occurred_at=at,
        digest="0" * 64,
        member=bought.member,
        sale=bought,
        state="applied",
    )
    other = sale(business=bought.business, member=bought.member)
    DuplicateMerge.objects.create(record=record, kept=bought, dropped=other, amount=bought.amount)


def _devices_and_batches(bought: Transaction) -> None:
    number = next(_numbers)
    for _ in range(3):
        Session.objects.create(user=bought.member, device_name="Pixel", address="10.0.0.7")
    IdempotencyKey.objects.create(
        actor=str(bought.member_id),
        route="POST /transactions",
        key=f"key-{number}",
        body_hash="0",
        status=201,
        answer="{}",
    )
    FactBatch.objects.create(
        table="transaction_facts",
        listener="apps.analytics.loader.TRANSACTION_FACTS@batch",
        rows=1,
        first_sequence=number,
        last_sequence=number,
        digest="0" * 64,
    )


def _consents_and_erasures(bought: Transaction) -> None:
    at, asked = timezone.now(), {ConsentPurpose.PERSONAL_DATA: Answer(given=True)}
    answer_consents(member=bought.member, answers=asked, at=at, proof="session:test")
    asked = {ConsentPurpose.PERSONAL_DATA: Answer(given=False)}
    answer_consents(member=bought.member, answers=asked, at=at, proof="session:test")
    erase_person(user=UserFactory(), at=at, because="asked")
    trust_device(business_id=bought.business_id, name="Chrome", by=bought.entered_by, at=at)
    chiefs = UserFactory.create_batch(2, job="superadmin")
    set_job(user=UserFactory(), job=Job.ADMIN, by=chiefs[0], reason="принята на работу")
    User.objects.filter(pk__in=[chief.pk for chief in chiefs]).update(job="")
    audit_chain.seal(at=at + timedelta(hours=1))


def _messages(member: User) -> None:
    broadcast = broadcast_of(UserFactory())
    message = message_to(member, kind="broadcast", broadcast=broadcast, values={})
    Attempt.objects.create(
        notification=message, channel="sms", provider="smsru", state="barred", code="no_consent"
    )
    Suppression.objects.create(
        member=member, channel="sms", address_index=str(message.pk), reason="202"
    )
    Provider.objects.create(name=str(message.pk)[-12:], channel="sms", balance="12.50")


def _events(business: Business) -> None:
    """A full event with a line, a removed guest, scans and points; a proposal being voted on."""
    at = timezone.now()
    event = published(business=business, capacity=2)
    places = [comes(event) for _ in range(5)]
    remove_registration(
        registration=places[0], by=UserFactory(job="admin"), reason="просила в чате", at=at
    )
    for n, place in enumerate(places[1:3]):
        shown = Shown(
            nonce=f"n{n}", at=at, registration_id=place.pk, device="вход", identity_checked=True
        )
        check_in(event=event, shown=[shown], by=staff_of(business), at=at)
    Penalty.objects.create(
        registration=places[1],
        member=places[1].member,
        points=1,
        cause="cancelled_late",
        given_at=at,
        lapses_at=at + timedelta(days=60),
    )
    process_vote(UserFactory(), in_voting(), 1, at=at)


def _statements(bought: Transaction) -> None:
    number, cafe = next(_numbers), BusinessFactory()
    months = Statement.objects.count()
    closed = Statement.objects.create(month=date(2020 + months // 12, months % 12 + 1, 1))
    for debtor, creditor in ((bought.business, cafe), (cafe, bought.business), (cafe, cafe)):
        StatementLine.objects.create(
            statement=closed,
            debtor=debtor,
            creditor=creditor,
            bonuses=number,
            amount=number,
            postings=1,
            digest="0" * 64,
        )
    Terms.objects.create(business=cafe, mode="prepaid", stop="refuse")


def _schedules() -> None:
    number = next(_numbers)
    crontab = CrontabSchedule.objects.create(minute=str(number % 60), hour="3")
    interval = IntervalSchedule.objects.create(every=number, period="seconds")
    PeriodicTask.objects.create(name=f"apps.nightly_{number}", task="apps.x", crontab=crontab)
    PeriodicTask.objects.create(name=f"apps.often_{number}", task="apps.x", interval=interval)
