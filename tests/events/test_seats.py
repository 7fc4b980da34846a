"""Edge cases of events.md part 8, by name: seats, the line, offers."""

from datetime import timedelta
from decimal import Decimal

import pytest
import time_machine
from django.utils import timezone

from apps.accounts.services import block_user, unblock_user
from apps.businesses.queries import network
from apps.core import outbox
from apps.events.enums import Place
from apps.events.models import Event, EventRegistration, Penalty, Seat
from apps.events.services import (
    NotHost,
    Shown,
    Wish,
    answer_offer,
    cancel_event,
    cancel_registration,
    check_in,
    complete_event,
    forget_member,
    register_for_event,
    remove_registration,
    seat_by_hand,
    set_capacity,
    sweep,
    tickets,
)
from apps.events.services.planning import CapacityTooLow
from apps.events.services.registering import (
    NotOpenYet,
    OfferGone,
    OutcomeChanged,
    RegistrationClosed,
    SecondTry,
    TwiceLapsed,
)
from apps.loyalty.queries import balance_of
from apps.loyalty.services import InsufficientBonus, grant_bonus
from apps.notifications.models import Notification
from tests.events.parts import penalise
from tests.factories.accounts import UserFactory
from tests.factories.events import comes, published

pytestmark = pytest.mark.django_db


def give(member, amount="1000"):
    grant_bonus(
        member_id=member.pk,
        business_id=network().pk,
        parts=[(network().pk, Decimal(amount))],
        scope="test",
        key=str(member.pk),
        at=timezone.now(),
    )


def host_of(event):
    """A member who proposed it: an organiser, no admin."""
    host = UserFactory(tier_code="vip")
    Event.objects.filter(pk=event.pk).update(creator=host)
    return host


def states(event):
    rows = event.registrations.order_by("turn").values_list("state", flat=True)
    return list(rows)


def test_first_come_first_seated_then_the_line(at):
    event = published(capacity=2)

    found = [comes(event).state for _ in range(4)]

    assert found == ["confirmed", "confirmed", "waitlisted", "waitlisted"]


def test_worker_killed_between_commit_and_push_tells_her_once_after_restart(member):
    comes(published(), member)
    killed = outbox.lease_one()  # taken, and then nothing more was heard of that worker

    outbox.drain()
    with time_machine.travel(timezone.now() + outbox.LEASE, tick=False):
        outbox.drain()
        outbox.drain()

    assert killed is not None
    assert Notification.objects.filter(member=member, kind="event_registered").count() == 1


def test_same_person_taps_twice(member, at):
    event = published()

    first, second = comes(event, member), comes(event, member)

    assert first.pk == second.pk
    assert EventRegistration.objects.count() == 1


def test_cancel_frees_a_seat_for_the_line_not_for_a_newcomer(at):
    event = published(capacity=1)
    seated, waiting = UserFactory(), UserFactory()
    comes(event, seated)
    comes(event, waiting)

    cancel_registration(user=seated, event=event, at=at)
    newcomer = comes(event)

    assert EventRegistration.objects.get(member=waiting).state == Place.OFFERED
    assert newcomer.state == Place.WAITLISTED


def test_offer_is_taken(at):
    event = published(capacity=1)
    seated, waiting = UserFactory(), UserFactory()
    comes(event, seated)
    comes(event, waiting)
    cancel_registration(user=seated, event=event, at=at)

    for _ in range(2):
        mine = answer_offer(user=waiting, event=event, accept=True, at=at)

    assert mine.state == Place.CONFIRMED
    assert Seat.objects.filter(registration=mine).count() == 1


def test_declined_offer_goes_to_the_next(at):
    event = published(capacity=1)
    people = [UserFactory() for _ in range(3)]
    for person in people:
        comes(event, person)
    cancel_registration(user=people[0], event=event, at=at)

    answer_offer(user=people[1], event=event, accept=False, at=at)

    assert states(event) == ["cancelled", "offer_declined", "offered"]


def test_lapsed_offer_goes_to_the_next_and_she_may_rejoin_once(at):
    event = published(capacity=1)
    people = [UserFactory() for _ in range(3)]
    for person in people:
        comes(event, person)
    cancel_registration(user=people[0], event=event, at=at)
    late = at + timedelta(days=2)

    sweep(at=late)

    assert states(event) == ["cancelled", "offer_expired", "offered"]
    with pytest.raises(OfferGone):
        answer_offer(user=people[1], event=event, accept=True, at=late)
    assert comes(event, people[1], late).state == Place.WAITLISTED
    sweep(at=late + timedelta(days=2))
    sweep(at=late + timedelta(days=4))
    with pytest.raises(TwiceLapsed):
        comes(event, people[1], late + timedelta(days=4))


def test_two_sweeps_make_one_offer_per_seat(at):
    event = published(capacity=1)
    people = [UserFactory() for _ in range(4)]
    for person in people:
        comes(event, person)
    cancel_registration(user=people[0], event=event, at=at)
    late = at + timedelta(days=2)

    sweep(at=late)
    sweep(at=late)

    assert states(event).count(Place.OFFERED) == 1


def test_capacity_20_to_25_with_40_waiting_three_of_them_with_points(at):
    event = published(capacity=20)
    people = [UserFactory() for _ in range(60)]
    places = [comes(event, person) for person in people]
    bad = [people[20], people[22], people[24]]
    for person in bad:
        penalise(person, points=2, at=at, registration=places[people.index(person)])
    admin = UserFactory(job="admin")

    set_capacity(event=event, capacity=25, by=admin, at=at)

    offered = EventRegistration.objects.filter(state=Place.OFFERED).values_list("member", flat=True)
    expected = [people[n].pk for n in (21, 23, 25, 26, 27)]
    assert sorted(offered) == sorted(expected)


def test_capacity_20_to_15_with_18_confirmed_and_2_offered(at):
    event = published(capacity=20)
    people = [UserFactory() for _ in range(23)]
    for person in people:
        comes(event, person)
    for person in people[:2]:
        cancel_registration(user=person, event=event, at=at)
    admin = UserFactory(job="admin")

    with pytest.raises(CapacityTooLow):
        set_capacity(event=event, capacity=15, by=admin, at=at)
    set_capacity(event=event, capacity=15, by=admin, at=at, as_people_leave=True)
    for person in people[2:7]:
        cancel_registration(user=person, event=event, at=at)

    held = Seat.objects.filter(event=event, registration__isnull=False).count()
    assert (held, Seat.objects.filter(event=event).count()) == (15, 15)
    assert EventRegistration.objects.filter(state=Place.WAITLISTED).count() == 1


def test_offer_when_the_event_has_begun_is_impossible(at):
    event = published(capacity=1)
    seated, waiting = UserFactory(), UserFactory()
    comes(event, seated)
    comes(event, waiting)
    after_cut_off = event.closes_at + timedelta(minutes=1)

    cancel_registration(user=seated, event=event, at=after_cut_off)

    assert states(event) == ["cancelled_late", "waitlisted"]
    with pytest.raises(RegistrationClosed):
        comes(event, at=after_cut_off)


def test_accepted_and_cancelled_minutes_later_does_not_revive_the_offer(at):
    event = published(capacity=1)
    seated, waiting = UserFactory(), UserFactory()
    comes(event, seated)
    comes(event, waiting)
    cancel_registration(user=seated, event=event, at=at)
    answer_offer(user=waiting, event=event, accept=True, at=at)

    for _ in range(2):
        cancel_registration(user=waiting, event=event, at=at + timedelta(minutes=3))
    sweep(at=at + timedelta(days=3))

    assert states(event) == ["cancelled", "cancelled"]
    assert Seat.objects.filter(event=event, registration__isnull=True).count() == 1


def test_leaving_the_line_is_free_even_after_the_deadline(at):
    event = published(capacity=1)
    comes(event)
    waiting = UserFactory()
    comes(event, waiting)

    left = cancel_registration(user=waiting, event=event, at=event.closes_at + timedelta(hours=1))

    assert left.state == Place.LEFT_WAITLIST
    assert Penalty.objects.count() == 0


def test_late_cancelling_costs_a_point_and_a_second_try(at, member):
    event = published()
    comes(event, member)
    late = event.starts_at - timedelta(hours=5)

    cancel_registration(user=member, event=event, at=late)

    assert Penalty.objects.get().points == 1
    with pytest.raises(SecondTry):
        comes(event, member, at)


def test_outcome_other_than_promised_changes_nothing(at, member):
    event = published()
    comes(event, member)

    with pytest.raises(OutcomeChanged):
        cancel_registration(
            user=member,
            event=event,
            at=event.starts_at - timedelta(hours=5),
            expected="cancelled",
        )

    assert states(event) == ["confirmed"]


def test_pair_waits_for_two_seats_while_a_single_behind_goes_on(at):
    event = published(capacity=2, guests_allowed=True)
    first, second = UserFactory(), UserFactory()
    comes(event, first)
    comes(event, second)
    pair, single = UserFactory(), UserFactory()
    register_for_event(pair, event, at=at, wish=Wish(guests=1))
    comes(event, single)

    cancel_registration(user=first, event=event, at=at)

    assert EventRegistration.objects.get(member=pair).state == Place.WAITLISTED
    assert EventRegistration.objects.get(member=single).state == Place.OFFERED


def test_pair_that_would_come_alone_takes_the_one_seat(at):
    event = published(capacity=1, guests_allowed=True)
    first, pair = UserFactory(), UserFactory()
    comes(event, first)
    register_for_event(pair, event, at=at, wish=Wish(guests=1, alone_too=True))

    cancel_registration(user=first, event=event, at=at)

    row = EventRegistration.objects.get(member=pair)
    assert (row.state, row.guests) == (Place.OFFERED, 0)


# --- money ---------------------------------------------------------------------------------------
def test_paid_seat_is_paid_at_once_and_returned_whole(at, member):
    event = published(price=Decimal("300"))
    give(member)

    comes(event, member)
    paid = balance_of(member.pk, at=at).available
    cancel_registration(user=member, event=event, at=at)

    assert (paid, balance_of(member.pk, at=timezone.now()).available) == (
        Decimal("700.00"),
        Decimal("1000.00"),
    )


def test_without_bonuses_there_is_no_registration(at, member):
    event = published(price=Decimal("300"))

    with pytest.raises(InsufficientBonus):
        comes(event, member)

    assert not EventRegistration.objects.exists()
    assert Seat.objects.filter(registration__isnull=False).count() == 0


def test_offer_stands_when_bonuses_do_not_suffice(at):
    event = published(price=Decimal("300"), capacity=1)
    rich, poor = UserFactory(), UserFactory()
    give(rich)
    comes(event, rich)
    comes(event, poor)
    cancel_registration(user=rich, event=event, at=at)

    with pytest.raises(InsufficientBonus):
        answer_offer(user=poor, event=event, accept=True, at=at)

    assert states(event) == ["cancelled", "offered"]


def test_last_hours_confirm_only_who_said_yes_before(at):
    event = published(capacity=1, free_cancel_hours=0, closes_at=at + timedelta(days=10))
    seated, asks, eager = UserFactory(), UserFactory(), UserFactory()
    comes(event, seated)
    comes(event, asks)
    register_for_event(eager, event, at=at, wish=Wish(auto_accept=True))

    cancel_registration(user=seated, event=event, at=event.starts_at - timedelta(hours=2))

    assert EventRegistration.objects.get(member=asks).state == Place.WAITLISTED
    assert EventRegistration.objects.get(member=eager).state == Place.CONFIRMED


def test_cancelled_event_returns_everything_and_penalises_nobody(at):
    event = published(price=Decimal("300"), capacity=1)
    payer, waiting = UserFactory(), UserFactory()
    give(payer)
    comes(event, payer)
    comes(event, waiting)
    admin = UserFactory(job="admin")

    cancel_event(event=event, by=admin, reason="Прорвало трубу в зале", at=at)

    assert states(event) == ["event_cancelled", "event_cancelled"]
    assert balance_of(payer.pk, at=timezone.now()).available == Decimal("1000.00")
    assert Penalty.objects.count() == 0


def test_cancelled_event_consoles_those_who_had_a_seat(at, member):
    event, waiting = published(capacity=1), UserFactory()
    comes(event, member)
    comes(event, waiting)
    why = {"reason": "Прорвало трубу в зале", "at": at, "comfort": Decimal(150)}

    with pytest.raises(NotHost):
        cancel_event(event=event, by=host_of(event), **why)
    cancel_event(event=event, by=UserFactory(job="admin"), **why)

    assert balance_of(member.pk, at=timezone.now()).available == Decimal("150.00")
    assert balance_of(waiting.pk, at=timezone.now()).available == 0


def test_another_time_lets_everybody_leave_without_loss(at, member):
    event = published(price=Decimal("300"))
    give(member)
    comes(event, member)
    from apps.events.services import change_event  # noqa: PLC0415

    admin = UserFactory(job="admin")
    soon = at + timedelta(hours=20)
    changes = {
        "starts_at": soon,
        "ends_at": soon + timedelta(hours=3),
        "closes_at": at + timedelta(hours=19),
    }
    changed = change_event(
        event=event, changes=changes, by=admin, at=at, reason="Зал освободится раньше"
    )
    left = cancel_registration(user=member, event=event, at=at + timedelta(hours=1))

    assert (changed.revision, left.state) == (1, Place.CANCELLED)
    assert balance_of(member.pk, at=timezone.now()).available == Decimal("1000.00")


def test_removed_guest_gets_all_back_and_the_reason(at, member):
    event = published(price=Decimal("300"))
    give(member)
    place = comes(event, member)
    admin = UserFactory(job="admin")

    gone = remove_registration(registration=place, by=admin, reason="Мешала другим гостям", at=at)

    assert (gone.state, gone.returned) == (Place.REMOVED, Decimal("300.00"))


def test_seat_over_the_limit_is_its_own_row_and_goes_with_her(at):
    event = published(capacity=1)
    comes(event)
    vip, admin = UserFactory(), UserFactory(job="admin")

    place = seat_by_hand(
        event=event, member=vip, by=admin, reason="Сестра ведущей вечера", at=at, over_limit=True
    )
    extra = Seat.objects.get(registration=place)
    cancel_registration(user=vip, event=event, at=at)

    assert (extra.number, extra.over_limit) == (2, True)
    assert Seat.objects.filter(event=event).count() == 1


def test_erased_member_frees_her_seat_and_keeps_the_books(at):
    event = published(capacity=1, price=Decimal("300"))
    gone, waiting = UserFactory(), UserFactory()
    give(gone)
    comes(event, gone)
    comes(event, waiting)

    for _ in range(2):
        forget_member(member_id=gone.pk, at=at)

    assert states(event) == ["removed", "offered"]
    assert EventRegistration.objects.filter(member=gone).count() == 0


def test_erased_between_the_end_and_the_last_word_holds_no_seat(at, member):
    """Found by random lives: completed, attendance not final, then she is erased."""
    event = published(capacity=1)
    comes(event, member)
    sweep(at=event.ends_at + timedelta(hours=3))

    forget_member(member_id=member.pk, at=event.ends_at + timedelta(hours=4))

    assert states(event) == ["removed"]
    assert Seat.objects.filter(event=event, registration__isnull=False).count() == 0


def test_blocked_member_is_not_promoted(at):
    event = published(capacity=1)
    seated, blocked, next_one = UserFactory(), UserFactory(), UserFactory()
    for person in (seated, blocked, next_one):
        comes(event, person)
    blocked.blocked_at = at
    blocked.save()

    cancel_registration(user=seated, event=event, at=at)

    assert states(event) == ["cancelled", "waitlisted", "offered"]


def test_blocked_member_loses_her_seat_and_her_place_in_line(at):
    one, other = published(capacity=1, price=Decimal("300")), published(capacity=1)
    blocked, seated, waiting = UserFactory(), UserFactory(), UserFactory()
    give(blocked)
    for event, person in ((one, blocked), (one, waiting), (other, seated), (other, blocked)):
        comes(event, person)

    block_user(user=blocked, by=None, reason="Угрожала ведущей", at=at)
    outbox.drain()

    assert (states(one), states(other)) == (["removed", "offered"], ["confirmed", "removed"])
    assert balance_of(blocked.pk, at=timezone.now()).available == Decimal("1000.00")
    assert Penalty.objects.count() == 0


def test_block_after_the_end_gives_nothing_back(at, member):
    event = published()
    comes(event, member)
    sweep(at=event.ends_at + timedelta(hours=3))

    block_user(user=member, by=None, reason="Угрожала ведущей", at=at)
    outbox.drain()

    assert states(event) == ["confirmed"]


def test_who_was_let_in_again_keeps_her_place(at, member):
    event = published()
    comes(event, member)

    block_user(user=member, by=None, reason="Спутали с другой", at=at)
    unblock_user(user=member, by=None, reason="Спутали с другой")
    outbox.drain()

    assert states(event) == ["confirmed"]


# --- opening -------------------------------------------------------------------------------------
def test_two_points_open_registration_twelve_hours_later(at, member):
    old = published(at=at)
    place = comes(old, member)
    penalise(member, points=1, at=at, registration=place)
    event = published(at=at)

    with pytest.raises(NotOpenYet):
        comes(event, member, at)

    assert comes(event, member, at + timedelta(hours=12)).state == Place.CONFIRMED


def test_no_shows_get_points_after_the_day_of_grace(at):
    event = published(capacity=3)
    came, missed = UserFactory(), UserFactory()
    place = comes(event, came)
    comes(event, missed)
    door = UserFactory(job="admin")
    during = event.starts_at + timedelta(minutes=5)
    code = tickets.sign(event, EventRegistration.objects.get(pk=place.pk))
    check_in(event=event, shown=[Shown(nonce="n", at=during, code=code)], by=door, at=during)

    complete_event(event=event, by=None, at=event.ends_at + timedelta(hours=2))
    sweep(at=event.ends_at + timedelta(hours=27))

    assert states(event) == ["attended", "no_show"]
    assert Penalty.objects.get().points == 2
