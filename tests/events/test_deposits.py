"""Deposits: set aside, given back on entry, kept from those who do not come. And what lapsed while
it was paid for a seat comes back for 14 days."""

from datetime import timedelta
from decimal import Decimal

import pytest

from apps.businesses.queries import network
from apps.core.errors import NotFound
from apps.events.enums import Place
from apps.events.models import EventRegistration
from apps.events.services import (
    Shown,
    annul_scan,
    cancel_event,
    cancel_registration,
    check_in,
    correct_attendance,
    forget_member,
    sweep,
    tickets,
)
from apps.loyalty.models import Hold, Lot
from apps.loyalty.queries import balance_of, hold_of, ledger_faults
from apps.loyalty.services import grant_bonus, release_hold, time_out_holds
from apps.transactions.queries import held_here
from tests.factories.accounts import UserFactory
from tests.factories.businesses import BusinessFactory, staff_of
from tests.factories.events import comes, published

pytestmark = pytest.mark.django_db


def give(member, *, at, amount="1000"):
    grant_bonus(
        member_id=member.pk,
        business_id=network().pk,
        parts=[(network().pk, Decimal(amount))],
        scope="test",
        key=f"{member.pk}:{at.isoformat()}",
        at=at,
    )


@pytest.fixture
def host(db):
    return BusinessFactory()


@pytest.fixture
def supper(at, host):
    return published(at=at, business=host, price=Decimal(300), deposit=True)


@pytest.fixture
def guest(member, at, supper):
    give(member, at=at)
    comes(supper, member, at)
    return member


def purse(member, at):
    found = balance_of(member.pk, at=at)
    return found.available, found.held


def place():
    return EventRegistration.objects.get()


def enter(event, by, *, at):
    code = tickets.sign(event, place())
    return check_in(event=event, shown=[Shown(nonce=f"{at}", at=at, code=code)], by=by, at=at)[0]


WHOLE, ASIDE = (Decimal(1000), Decimal(0)), (Decimal(700), Decimal(300))
KEPT = (Decimal(700), Decimal(0))


def test_deposit_is_set_aside_and_given_back_at_the_door(supper, guest, host, at):
    before = purse(guest, at)

    enter(supper, staff_of(host), at=supper.starts_at)

    assert (before, purse(guest, supper.starts_at)) == (ASIDE, WHOLE)
    assert (place().paid, place().returned, place().hold_id) == (300, 300, None)
    assert ledger_faults() == {}


def test_no_show_loses_it_after_the_day_of_grace_and_a_mended_mark_gives_it_back(supper, guest):
    over = supper.ends_at + timedelta(hours=2)
    sweep(at=over)
    time_out_holds(at=over + timedelta(hours=23))
    waiting = purse(guest, over)
    sweep(at=over + timedelta(hours=24))
    later = over + timedelta(hours=25)
    kept = purse(guest, later)

    admin = UserFactory(job="admin")
    fix = {"by": admin, "reason": "Пришла без телефона", "at": later}
    seats = [place().seats.count()]
    correct_attendance(registration=place(), to=Place.ATTENDED, **fix)
    mended = purse(guest, later)
    seats.append(place().seats.count())
    correct_attendance(registration=place(), to=Place.NO_SHOW, **fix)

    assert (waiting, kept, mended) == (ASIDE, KEPT, WHOLE)
    assert (seats, place().seats.count()) == ([0, 1], 0)  # who did not come holds no seat
    assert purse(guest, later) == WHOLE  # nothing is charged beyond what was held
    assert ledger_faults() == {}


def test_cancelled_in_time_gives_all_back_late_by_the_rule(supper, guest, at):
    event = published(at=at, price=Decimal(200), deposit=True, late_return_percent=25)
    comes(event, guest, at)
    cancel_registration(user=guest, event=supper, at=at)
    late = event.starts_at - timedelta(hours=5)
    in_time = purse(guest, at)

    cancel_registration(user=guest, event=event, at=late)

    assert in_time == (Decimal(800), Decimal(200))
    assert purse(guest, late) == (Decimal(850), Decimal(0))
    assert ledger_faults() == {}


@pytest.mark.parametrize("end", ["cancelled", "erased"])
def test_event_that_is_off_and_a_guest_who_is_erased_get_it_back(supper, guest, at, end):
    if end == "erased":
        forget_member(member_id=guest.pk, at=at)
    else:
        admin = UserFactory(job="admin")
        cancel_event(event=supper, by=admin, reason="Прорвало трубу в зале", at=at)

    assert purse(guest, at) == WHOLE


def test_annulled_entry_sets_it_aside_again_as_far_as_she_has_it(supper, guest, host):
    staff, during = staff_of(host), supper.starts_at
    for rest in (ASIDE, (Decimal(0), Decimal(0))):
        seen = enter(supper, staff, at=during)
        if rest != ASIDE:  # she spent it between the door and the mistake
            event = published(at=during - timedelta(days=1), price=Decimal(1000))
            comes(event, guest, during)
        annul_scan(scan=seen.scan, by=staff, reason="Показала чужой билет", at=during)

        assert (purse(guest, during), place_of(guest, supper).state) == (rest, Place.CONFIRMED)
        during += timedelta(minutes=20)


def place_of(member, event):
    return EventRegistration.objects.get(member=member, event=event)


def test_neither_a_till_nor_she_herself_resolves_it(supper, guest, host, at):
    hold = Hold.objects.get()

    assert hold.expires_at > supper.final_at
    assert hold_of(guest.pk, hold.pk, at=at) is None
    assert held_here(guest.pk, host.pk, code=hold.code, at=at) is None


def test_deposit_that_the_ledger_timed_out_is_hers(supper, guest):
    """An event put off by months: the sweep meets a hold that is over."""
    release_hold(hold_id=place().hold_id, at=supper.starts_at, because="expired")
    over = supper.ends_at + timedelta(hours=2)
    sweep(at=over)
    sweep(at=over + timedelta(hours=24))

    assert (place().state, place().returned) == (Place.NO_SHOW, Decimal(300))
    assert purse(guest, over) == WHOLE


@pytest.mark.parametrize("deposit", [False, True])
def test_what_lapsed_meanwhile_comes_back_for_14_days(at, member, deposit):
    give(member, at=at - timedelta(days=85), amount="300")
    event = published(at=at, price=Decimal(300), deposit=deposit)
    comes(event, member, at)
    lot = Lot.objects.get()
    gone = lot.expires_at + timedelta(hours=1)

    cancel_registration(user=member, event=event, at=gone)

    again = Lot.objects.exclude(pk=lot.pk).get()
    assert (again.issuer_id, again.amount) == (lot.issuer_id, 30_000)
    assert timedelta(days=14) <= again.expires_at - gone <= timedelta(days=15)
    assert balance_of(member.pk, at=gone).available == Decimal(300)
    assert balance_of(member.pk, at=again.expires_at).available == 0
    assert ledger_faults() == {}


def test_what_did_not_lapse_goes_back_to_its_own_lot(at, member):
    give(member, at=at)
    event = published(at=at, price=Decimal(300))
    comes(event, member, at)

    cancel_registration(user=member, event=event, at=at)

    assert Lot.objects.get().available == 100_000


def test_foreign_event_has_no_place_to_leave(supper, at):
    with pytest.raises(NotFound):
        cancel_registration(user=UserFactory(), event=supper, at=at)
