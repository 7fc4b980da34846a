"""Records of a CRM and the ledger: what changes, what is put aside, and what a person says of it."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone

from apps.accounts.models import User
from apps.accounts.services import PhoneInvalid
from apps.businesses.models import State as BusinessState
from apps.core.errors import NotFound
from apps.crm import services, tasks
from apps.crm.enums import Reason, RecordState
from apps.crm.models import CRMIntegration, DuplicateMerge, ExternalRecord
from apps.crm.services import mending
from apps.loyalty.queries import ledger_faults
from apps.transactions.models import Transaction
from apps.transactions.services import refund_purchase
from tests.crm.world import LONG_AGO, Stand, assert_equals_truth, ledger
from tests.factories.accounts import UserFactory
from tests.factories.businesses import staff_of
from tests.factories.transactions import sale as sold

pytestmark = pytest.mark.django_db
NAMES = ["yclients", "iiko", "onec", "unf", "amocrm", "renovatio"]


def sync(integration: CRMIntegration, days: int = 35) -> int:
    since = datetime.now(UTC) - timedelta(days=days)
    return services.sync_transactions(integration.business_id, since)


def joined(stand: Stand, name: str) -> CRMIntegration:
    """`unf`: a base of 1C whose returns are documents of their own."""
    if name == "unf":
        stand.system("onec").faults.habits.update({"refund_documents", "archive"})
    if name == "iiko":
        stand.system("iiko").faults.habits.add("storno_zero")
    if name == "renovatio":
        stand.system("renovatio").faults.habits.update({"money_as_text", "single_as_object"})
    return stand.connect("onec" if name == "unf" else name)


@pytest.fixture
def owner(salon: CRMIntegration) -> User:
    return staff_of(salon.business, role="business_owner")


def now() -> datetime:
    return timezone.now()


# --- what happens to a sale ----------------------------------------------------------------------
@pytest.mark.parametrize("name", NAMES)
def test_whatever_happens_to_a_sale_is_in_the_ledger_after_the_next_poll(
    stand: Stand, name: str
) -> None:
    row, world = joined(stand, name), stand.world
    ago = now() - timedelta(days=2)
    guests = stand.members(6)
    grown, shrunk, halved, returned, cancelled, deleted = (
        world.sell(row.system, guest, "2000", ago + timedelta(hours=n))
        for n, guest in enumerate(guests)
    )
    sync(row)
    assert_equals_truth(stand, row)

    world.edit(grown, "2600")
    world.edit(shrunk, "1300")
    world.refund(halved, "800")
    world.refund(returned, "2000")
    world.cancel(cancelled)
    world.delete(deleted)
    sync(row)

    assert_equals_truth(stand, row)
    by_phone = ledger(row)
    assert [by_phone.get(guest.phone) for guest in guests] == [2600, 1300, 1200, None, None, None]
    world.restore(cancelled)
    world.refund(halved, "1200")
    sync(row)
    assert_equals_truth(stand, row)
    assert ledger(row)[guests[4].phone] == 2000
    assert sync(row) == 0
    assert ledger_faults() == {}


def test_an_older_version_that_comes_late_is_passed_over(stand: Stand) -> None:
    [guest] = stand.members(1)
    sale = stand.world.sell("amocrm", guest, "5000")
    row = stand.connect("amocrm")
    sync(row)
    stand.world.edit(sale, "4000")
    sync(row)
    sale.changed_at -= timedelta(minutes=30)  # the page of an answer that was under way
    sale.amount = Decimal(5000)

    sync(row)

    assert Transaction.objects.get().amount_left == 4000
    assert ExternalRecord.objects.get().amount == 4000


def test_a_sum_that_grows_over_the_limit_leaves_what_was_believed(
    stand: Stand, salon: CRMIntegration
) -> None:
    [guest] = stand.members(1)
    sale = stand.world.sell("yclients", guest, "2000")
    sync(salon)

    stand.world.edit(sale, "2500000")
    sync(salon)

    record = ExternalRecord.objects.get()
    assert (record.state, record.reason) == (RecordState.QUARANTINE, Reason.OVER_LIMIT)
    assert ledger(salon) == {guest.phone: 2000}
    stand.world.edit(sale, "2500")
    sync(salon)
    assert ledger(salon) == {guest.phone: 2500}


def test_what_was_returned_by_hand_is_not_returned_again(
    stand: Stand, salon: CRMIntegration
) -> None:
    [guest] = stand.members(1)
    sale = stand.world.sell("yclients", guest, "2000")
    sync(salon)
    stand.world.edit(sale, "3000")
    sync(salon)
    first, supplement = Transaction.objects.order_by("pk")
    refund_purchase(
        sale=supplement, amount=Decimal(1000), reason="Ошибка", by=None, key="by-hand", at=now()
    )

    stand.world.edit(sale, "1500")
    sync(salon)

    first.refresh_from_db()
    assert (first.amount, first.amount_left) == (2000, 500)  # 1,500 less, 1,000 of it by hand
    assert ledger_faults() == {}


def test_what_was_added_last_is_taken_back_first(stand: Stand, salon: CRMIntegration) -> None:
    [guest] = stand.members(1)
    sale = stand.world.sell("yclients", guest, "2000")
    for amount in ("2000", "3000", "2700"):
        stand.world.edit(sale, amount)
        sync(salon)

    parts = [(one.amount, one.amount_left) for one in Transaction.objects.order_by("pk")]
    assert parts == [(2000, 2000), (1000, 700)]


def test_a_closed_partner_takes_no_sales_until_it_opens(
    stand: Stand, salon: CRMIntegration
) -> None:
    [guest] = stand.members(1)
    business = salon.business
    business.state = BusinessState.SUSPENDED
    business.save()
    stand.world.sell("yclients", guest, "2000")
    sync(salon)
    assert ExternalRecord.objects.get().reason == Reason.CLOSED
    assert ledger(salon) == {}

    business.state = BusinessState.ACTIVE
    business.save()
    sync(salon)

    assert ledger(salon) == {guest.phone: 2000}


# --- whose it is ---------------------------------------------------------------------------------
def test_unknown_phones_become_members_where_the_partner_wants_it(
    stand: Stand, salon: CRMIntegration
) -> None:
    guest = stand.world.add_guest("+79165550001")
    at = now().replace(microsecond=0) - timedelta(days=3)
    for hours in (40, 0, 60):
        stand.world.sell("yclients", guest, "1500", at + timedelta(hours=hours))
    stand.world.sell("yclients", None, "900")
    services.connect(business=salon.business, system="yclients", by=None, enrols=True)

    sync(salon)

    member = User.objects.with_phone("+79165550001")
    assert member is not None
    assert ledger(salon) == {"+79165550001": 4500}
    assert member.joined_at == at  # with her first purchase
    assert User.objects.filter(job="", phone_index__isnull=False).count() == 1


def test_sales_of_before_she_joined_are_nobodys(stand: Stand, salon: CRMIntegration) -> None:
    guest = stand.world.add_guest("+79165550001")
    UserFactory(phone=guest.phone, joined_at=now() - timedelta(days=5))
    for days in (20, 3):
        stand.world.sell("yclients", guest, "1500", now() - timedelta(days=days))

    sync(salon)

    assert ledger(salon) == {guest.phone: 1500}
    assert ExternalRecord.objects.get(state=RecordState.UNCLAIMED).applied == 0


def test_sale_of_a_family_is_hers_by_the_birth_date_or_by_hand(stand: Stand) -> None:
    mother = UserFactory(phone="+79161234567", joined_at=LONG_AGO)
    mother.set_birth_date(date(1980, 3, 4))
    mother.save()
    hers, childs = (
        stand.world.add_guest("+79161234567", birth_date=day)
        for day in ("1980-03-04", "2012-05-06")
    )
    stand.world.sell("renovatio", hers, "4000")
    stand.world.sell("renovatio", childs, "2500")
    nameless = stand.world.add_guest("+79161234567")
    nameless.birth_date = "..".replace(".", "-")  # the clinic does not know it
    stand.world.sell("renovatio", nameless, "700")
    clinic = stand.connect("renovatio")
    owner = staff_of(clinic.business, role="business_owner")

    sync(clinic)

    assert ledger(clinic) == {"+79161234567": 4000}
    aside = ExternalRecord.objects.filter(state=RecordState.QUARANTINE).order_by("-amount")
    assert [(one.reason, one.amount) for one in aside] == [
        (Reason.SHARED_PHONE, 2500),
        (Reason.SHARED_PHONE, 700),
    ]
    services.match_record(record_id=aside[0].pk, phone=mother.phone, by=owner, at=now())
    assert ledger(clinic) == {"+79161234567": 6500}
    assert sync(clinic) == 0


def test_a_phone_that_is_no_phone_is_put_aside(stand: Stand) -> None:
    guest = stand.world.add_guest("12-34-56")
    sale = stand.world.sell("renovatio", guest, "900")
    clinic = stand.connect("renovatio")

    sync(clinic)
    assert ExternalRecord.objects.get().reason == Reason.BAD_PHONE

    guest.phone = UserFactory(joined_at=LONG_AGO).phone
    stand.world.edit(sale, "950")
    sync(clinic)
    assert ledger(clinic) == {guest.phone: 950}


# --- what a person says of it --------------------------------------------------------------------
def aside(stand: Stand, row: CRMIntegration) -> ExternalRecord:
    """A sale over the limit, waiting for a person."""
    [guest] = stand.members(1)
    stand.world.sell(row.system, guest, "1500000")
    sync(row)
    return ExternalRecord.objects.get(state=RecordState.QUARANTINE)


def test_a_silent_system_leaves_the_record_where_it_is(
    stand: Stand, salon: CRMIntegration, owner: User
) -> None:
    record = aside(stand, salon)
    stand.system("yclients").faults.chances = {"error_500": 1.0}

    with pytest.raises(mending.SystemSilent):
        services.retry_record(record_id=record.pk, by=owner, at=now())
    assert services.retry_records(record_ids=[record.pk, uuid4()], by=owner, at=now()) == 0

    record.refresh_from_db()
    assert (record.state, record.reason) == (RecordState.QUARANTINE, Reason.OVER_LIMIT)
    assert record.attempts == 2


@pytest.mark.parametrize("name", ["iiko", "renovatio"])
def test_a_system_that_cannot_be_asked_for_one_is_believed_as_it_was(
    stand: Stand, name: str
) -> None:
    row = stand.connect(name)
    record = aside(stand, row)
    owner = staff_of(row.business, role="business_owner")
    row.business.max_sale = Decimal(2000000)
    row.business.save()

    found = services.retry_record(record_id=record.pk, by=owner, at=now())

    assert (found.state, found.applied) == (RecordState.APPLIED, 1500000)


def test_what_is_in_the_ledger_is_neither_matched_nor_left_out(
    stand: Stand, salon: CRMIntegration, owner: User
) -> None:
    one, other = stand.members(2)
    stand.world.sell("yclients", one, "900")
    sync(salon)
    record = ExternalRecord.objects.get()

    with pytest.raises(mending.AlreadyApplied):
        services.match_record(record_id=record.pk, phone=other.phone, by=owner, at=now())
    with pytest.raises(mending.AlreadyApplied):
        services.ignore_record(record_id=record.pk, by=owner)
    with pytest.raises(NotFound):
        services.ignore_record(record_id=uuid4(), by=owner)

    assert ledger(salon) == {one.phone: 900}


def test_a_match_wants_the_phone_of_a_member(
    stand: Stand, salon: CRMIntegration, owner: User
) -> None:
    record = aside(stand, salon)

    with pytest.raises(PhoneInvalid):
        services.match_record(record_id=record.pk, phone="12-34", by=owner, at=now())
    with pytest.raises(mending.NoSuchMember):
        services.match_record(record_id=record.pk, phone="+79160000000", by=owner, at=now())

    record.refresh_from_db()
    assert not record.matched_by_hand


# --- one purchase that came twice ----------------------------------------------------------------
def test_two_visits_of_one_sum_lose_one_of_them_at_most(
    stand: Stand, salon: CRMIntegration, owner: User
) -> None:
    [guest] = stand.members(1)
    member = User.objects.with_phone(guest.phone)
    at = now() - timedelta(minutes=50)
    sold(business=salon.business, member=member, amount="1500", occurred_at=at)
    visits = [
        stand.world.sell("yclients", guest, "1500", at + timedelta(minutes=n)) for n in (5, 10)
    ]
    sync(salon)

    assert tasks.reconcile_duplicates() == 1
    assert tasks.reconcile_duplicates() == 0
    assert ledger(salon) == {guest.phone: 3000}

    merge = DuplicateMerge.objects.get()
    dropped = next(one for one in visits if str(one.id) == merge.record.external_id)
    stand.world.delete(dropped)  # the CRM takes its purchase back: of the till's sale then
    sync(salon)
    assert ledger(salon) == {guest.phone: 1500}
    left = services.undo_merge(merge_id=merge.pk, by=owner, at=now())
    assert left == merge.dropped  # nothing of it is there any more
    assert ledger(salon) == {guest.phone: 3000}  # the till's own came back
    assert sync(salon) == 0
    with pytest.raises(NotFound):
        services.undo_merge(merge_id=uuid4(), by=owner, at=now())


# --- the tier on her card there ------------------------------------------------------------------
def test_the_tier_is_written_to_restaurants_and_never_to_clinics(stand: Stand) -> None:
    [guest] = stand.members(1)
    member = User.objects.with_phone(guest.phone)
    assert member is not None
    cafe = stand.connect("iiko", categories={str(member.tier.name): "category-1"})
    clinic = stand.connect("amocrm")
    for row in (cafe, clinic):
        stand.world.sell(row.system, guest, "900")
        sync(row)
        CRMIntegration.objects.filter(pk=row.pk).update(writes_back=True)
    stand.system("iiko")._kept().clear()  # an hour has passed since

    assert services.write_back_member(member_id=member.pk, at=now()) == 1
    assert services.write_back_member(member_id=uuid4(), at=now()) == 0

    assert [note["categoryId"] for note in stand.world.notes] == ["category-1"]


def test_a_row_that_moved_between_pages_counts_once(stand: Stand, monkeypatch: Any) -> None:
    [guest] = stand.members(1)
    sale = stand.world.sell("yclients", guest, "900")
    system, row = stand.system("yclients"), stand.connect("yclients")
    listed = system._listed
    monkeypatch.setattr(system, "_listed", lambda: [*listed(), sale])

    sync(row)

    assert ledger(row) == {guest.phone: 900}
    assert ExternalRecord.objects.count() == 1
