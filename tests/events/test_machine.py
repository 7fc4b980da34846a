"""Random lives of an event: after each step no seat too many, nobody twice, the line is fair,
the money is whole, and every history is a legal path (events.md part 8)."""

import contextlib
import itertools
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import transaction
from django.db.models import Q, Sum
from django.utils import timezone
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from apps.businesses.queries import network
from apps.core.errors import Refused
from apps.events import rules
from apps.events.enums import ACTIVE, SEATED, Place, State
from apps.events.models import Event, EventRegistration, RegistrationChange, Seat
from apps.events.services import (
    Shown,
    Wish,
    annul_scan,
    answer_offer,
    cancel_event,
    cancel_registration,
    check_in,
    forget_member,
    register_for_event,
    seat_by_hand,
    set_capacity,
    sweep,
    tickets,
)
from apps.events.services.waitlist import line_of
from apps.loyalty.models import Wallet
from apps.loyalty.services import grant_bonus
from tests.factories.accounts import UserFactory
from tests.factories.events import published

PEOPLE = 7
WHO = st.integers(0, PEOPLE - 1)
_numbers = itertools.count()


class Evening(RuleBasedStateMachine):
    @initialize(
        capacity=st.integers(1, 3),
        price=st.sampled_from(["0", "100"]),
        pairs=st.booleans(),
        deposit=st.booleans(),
    )
    def begin(self, capacity: int, price: str, pairs: bool, deposit: bool) -> None:
        self.block = transaction.atomic()
        self.block.__enter__()
        self.now = timezone.now()
        self.admin = UserFactory(job="admin")
        self.people = [UserFactory() for _ in range(PEOPLE)]
        for person in self.people[:-1]:  # the last one is poor
            grant_bonus(
                member_id=person.pk,
                business_id=network().pk,
                parts=[(network().pk, Decimal(1000))],
                scope="test",
                key=str(person.pk),
                at=self.now,
            )
        event = published(
            at=self.now,
            by=self.admin,
            capacity=capacity,
            price=Decimal(price),
            deposit=deposit,
            question="Можно вас фотографировать?" if deposit else "",
            guests_allowed=pairs,
            attendance_bonus=Decimal(20),
        )
        self.event = Event.objects.get(pk=event.pk)
        self.scans: list = []

    def teardown(self) -> None:
        if hasattr(self, "block"):
            transaction.set_rollback(True)
            self.block.__exit__(None, None, None)

    def try_(self, call, **given) -> object:
        try:
            return call(**given)
        except Refused:
            return None

    @rule(who=WHO, guests=st.integers(0, 1), alone=st.booleans(), auto=st.booleans())
    def register(self, who: int, guests: int, alone: bool, auto: bool) -> None:
        wish = Wish(guests=guests, alone_too=alone, auto_accept=auto)
        person = self.people[who]
        with contextlib.suppress(Refused):
            register_for_event(person, self.event, at=self.now, wish=wish)

    @rule(who=WHO)
    def cancel(self, who: int) -> None:
        self.try_(cancel_registration, user=self.people[who], event=self.event, at=self.now)

    @rule(who=WHO, accept=st.booleans())
    def answer(self, who: int, accept: bool) -> None:
        self.try_(answer_offer, user=self.people[who], event=self.event, accept=accept, at=self.now)

    @rule(hours=st.sampled_from([1, 5, 13, 30, 100]))
    def time_passes(self, hours: int) -> None:
        self.now += timedelta(hours=hours)
        sweep(at=self.now)

    @rule(capacity=st.integers(1, 5), leave=st.booleans())
    def resize(self, capacity: int, leave: bool) -> None:
        self.event.refresh_from_db()
        if self.event.state == State.PUBLISHED:
            self.try_(
                set_capacity,
                event=self.event,
                capacity=capacity,
                by=self.admin,
                at=self.now,
                as_people_leave=leave,
            )

    @rule(who=WHO)
    def invite(self, who: int) -> None:
        self.try_(
            seat_by_hand,
            event=self.event,
            member=self.people[who],
            by=self.admin,
            reason="Сестра ведущей вечера",
            at=self.now,
            over_limit=True,
        )

    @rule(who=WHO, offline=st.booleans(), answer=st.sampled_from([None, True]))
    def scan(self, who: int, offline: bool, answer: bool | None) -> None:
        place = (
            EventRegistration.objects.filter(member=self.people[who], event=self.event)
            .order_by("-joined_at", "-id")
            .first()
        )
        if place and place.ticket:
            code = tickets.sign(self.event, place)
            nonce = f"n{next(_numbers)}"
            shown = Shown(nonce=nonce, at=self.now, code=code, offline=offline, answer=answer)
            seen = check_in(event=self.event, shown=[shown], by=self.admin, at=self.now)
            self.scans.append(seen[0].scan)

    @precondition(lambda self: self.scans)
    @rule()
    def annul(self) -> None:
        self.try_(
            annul_scan, scan=self.scans[-1], by=self.admin, reason="Не тот билет", at=self.now
        )

    @rule(who=WHO)
    def erase(self, who: int) -> None:
        forget_member(member_id=self.people[who].pk, at=self.now)

    @precondition(lambda self: self.now > self.event.starts_at - timedelta(days=2))
    @rule()
    def cancel_event(self) -> None:
        self.try_(
            cancel_event,
            event=self.event,
            by=self.admin,
            reason="Прорвало трубу в зале",
            at=self.now,
        )

    # --- what always holds ------------------------------------------------------------------------
    @invariant()
    def seats_are_enough(self) -> None:
        if not hasattr(self, "event"):
            return
        held = {}
        for seat in Seat.objects.filter(event=self.event):
            if seat.registration_id:
                held[seat.registration_id] = held.get(seat.registration_id, 0) + 1
        rows = {row.pk: row for row in EventRegistration.objects.filter(event=self.event)}
        seated = {pk: row.seats_wanted for pk, row in rows.items() if row.state in SEATED}
        assert held == seated

    @invariant()
    def nobody_is_active_twice(self) -> None:
        if not hasattr(self, "event"):
            return
        rows = EventRegistration.objects.filter(
            event=self.event, state__in=ACTIVE, member__isnull=False
        )
        members = list(rows.values_list("member", flat=True))
        assert len(members) == len(set(members))

    @invariant()
    def nobody_waits_beside_a_free_seat(self) -> None:
        """A single without points who waits while a seat is free would have been passed over."""
        if not hasattr(self, "event"):
            return
        self.event.refresh_from_db()
        near = self.event.starts_at - self.now <= timedelta(hours=rules.LAST_CHANCE_HOURS)
        if self.event.state != State.PUBLISHED or self.now >= self.event.closes_at or near:
            return
        free = Seat.objects.filter(event=self.event, registration__isnull=True).count()
        line = line_of(self.event, at=self.now)
        eligible = [r for r in line if r.points < 3 and (r.seats_wanted <= free or r.alone_too)]
        assert not (free and eligible)

    @invariant()
    def money_is_whole(self) -> None:
        """What was paid is held by seats, or returned, or kept by the rule of late leaving."""
        if not hasattr(self, "event"):
            return
        for row in EventRegistration.objects.filter(event=self.event):
            if row.state in (Place.CANCELLED, Place.REMOVED, Place.EVENT_CANCELLED):
                assert row.returned == row.paid
            if row.state in (Place.WAITLISTED, Place.OFFERED):
                assert row.paid == 0
            if self.event.deposit:
                assert row.journal_id is None or row.state in (
                    Place.CANCELLED_LATE,
                    Place.NO_SHOW,
                )
                assert row.hold_id is None or row.state == Place.CONFIRMED
                assert row.state != Place.ATTENDED or row.returned == row.paid

    @invariant()
    def held_captured_and_returned_balance(self) -> None:
        """What the ledger holds for her is what her seats say is still set aside."""
        if not hasattr(self, "event"):
            return
        asked = Q(hold_id__isnull=False)
        rows = EventRegistration.objects.filter(asked, event=self.event)
        aside = sum(row.paid - row.returned for row in rows)
        held = Wallet.objects.filter(member__in=self.people).aggregate(sum=Sum("held", default=0))
        assert held["sum"] == aside * 100

    @invariant()
    def every_history_is_a_legal_path(self) -> None:
        if not hasattr(self, "event"):
            return
        steps = RegistrationChange.objects.filter(registration__event=self.event)
        state: dict = {}
        for step in steps.order_by("id"):
            assert state.get(step.registration_id, "") == step.before
            assert rules.may_step(step.before, step.after)
            state[step.registration_id] = step.after


pytestmark = pytest.mark.django_db


def run(examples: int, steps: int) -> None:
    run_state_machine_as_test(
        Evening,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_random_lives_of_an_event() -> None:
    run(6, 25)


@pytest.mark.slow
def test_many_random_lives_of_an_event() -> None:
    run(120, 50)
