"""Twelve writers and two jobs over a few members at once: no deadlock, and the books are true."""

import random
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from apps.accounts.models import User
from apps.businesses.models import Business
from apps.core.errors import Refused
from apps.loyalty import services
from apps.loyalty.models import Journal, Posting
from apps.loyalty.queries import ledger_faults
from tests.factories.accounts import UserFactory
from tests.factories.businesses import BusinessFactory
from tests.threads import race

pytestmark = pytest.mark.django_db(transaction=True)


@dataclass
class Storm:
    """A sea of members and places, what each writer made, what was done."""

    people: list[User]
    places: list[Business]
    ends: float
    done: Counter[str] = field(default_factory=Counter)
    lock: Any = field(default_factory=threading.Lock)

    def write(self, number: int) -> None:
        chance, made, step = random.Random(number), [], 0
        while time.monotonic() < self.ends:
            kind, step = (
                chance.choice(["earn", "earn", "spend", "hold", "refund", "claw"]),
                step + 1,
            )
            try:
                getattr(self, kind)(chance, made, f"{number}:{step}", timezone.now())
            except Refused:
                kind = "refused"
            with self.lock:
                self.done[kind] += 1

    def where(self, chance: random.Random) -> dict[str, Any]:
        return {"member": chance.choice(self.people), "business": chance.choice(self.places)}

    def earn(self, chance: random.Random, made: list, key: str, at: datetime) -> None:
        posted = services.earn_for_purchase(
            **self.where(chance), paid=some(chance) * 20, key=key, posted_at=at,
            occurred_at=at - timedelta(days=chance.randrange(100)),
        )  # fmt: skip
        made.append(posted.journal_id)

    def spend(self, chance: random.Random, made: list, key: str, at: datetime) -> None:
        services.spend_bonus(**self.where(chance), amount=some(chance), key=key, at=at)

    def hold(self, chance: random.Random, made: list, key: str, at: datetime) -> None:
        amount = some(chance)
        hold = services.hold_bonus(**self.where(chance), amount=amount, key=key, at=at)
        if chance.random() < 0.7:
            services.capture_hold(hold_id=hold.pk, amount=min(amount, some(chance)), at=at)

    def refund(self, chance: random.Random, made: list, key: str, at: datetime) -> None:
        spent = Journal.objects.filter(kind="spend").order_by("?").first()
        if spent:
            services.refund_spend(journal_id=spent.pk, amount=some(chance), key=key, at=at)

    def claw(self, chance: random.Random, made: list, key: str, at: datetime) -> None:
        if made:
            services.claw_back(
                journal_id=chance.choice(made), returned=some(chance), key=key, at=at
            )

    def job(self, number: int) -> None:
        while time.monotonic() < self.ends:
            at = timezone.now()
            if number % 2:
                services.wake_due(at=at)
                services.expire_due(at=at)
            else:
                services.time_out_holds(at=at + timedelta(hours=1))
                services.refresh_exposure(at=at)
            time.sleep(0.05)


def some(chance: random.Random) -> Decimal:
    return Decimal(chance.randrange(1, 3000)) / 100


def storm(seconds: float, *, members: int) -> Counter[str]:
    """What twelve writers did beside two jobs, by kind; fails on what nobody may meet."""
    places = [BusinessFactory(), BusinessFactory(pending_days=1), BusinessFactory()]
    people = [UserFactory() for _ in range(members)]
    sea = Storm(people, places, time.monotonic() + seconds)

    outcomes = race(14, lambda n: sea.write(n) if n < 12 else sea.job(n))

    assert [one for one in outcomes if isinstance(one, Exception)] == []
    return sea.done


def checked(done: Counter[str]) -> None:
    assert {"earn", "spend", "claw"} <= done.keys()
    assert ledger_faults() == {}
    assert Posting.objects.count() > 0


def test_a_short_storm():
    checked(storm(2, members=6))


@pytest.mark.slow
def test_a_storm_of_twenty_seconds():
    done = storm(20, members=50)
    checked(done)
    assert done.total() > 1000


def test_forty_parallel_clawbacks_of_a_fifth_have_five_successes(member, business):
    at = timezone.now()
    earned = services.earn_for_purchase(
        member=member, business=business, paid=Decimal(1000), key="e", occurred_at=at, posted_at=at
    )

    outcomes = race(
        40,
        lambda n: services.claw_back(
            journal_id=earned.journal_id, returned=Decimal(200), key=f"c{n}", at=at
        ),
    )

    won = [one for one in outcomes if isinstance(one, services.Posted)]
    lost = [one for one in outcomes if isinstance(one, services.MoreThanPaid)]
    assert (len(won), len(lost)) == (5, 35)
    assert sum(one.amount for one in won) == Decimal("50.00")
    assert ledger_faults() == {}
