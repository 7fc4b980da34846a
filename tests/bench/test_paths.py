"""Hot paths measured side by side in one run: `make bench`. Quote the ratios, not the seconds."""

import itertools
import time
from collections.abc import Callable
from decimal import Decimal

import pytest
from django.db import connection
from django.utils import timezone

from apps.loyalty import services as ledger
from apps.loyalty.queries import balance_of, ledger_faults
from apps.transactions.services import record_purchase
from tests.factories.accounts import UserFactory
from tests.factories.businesses import BusinessFactory

pytestmark = [pytest.mark.bench, pytest.mark.django_db(transaction=True)]
ROUNDS, BATCH = 5, 60


def per_second(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    for _ in range(BATCH):
        work()
    return BATCH / (time.perf_counter() - started)


def one_round_trip() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        cursor.fetchone()


def test_hot_paths_against_one_round_trip(capsys):
    """Each path in operations a second, and how many bare round trips it costs in the same run."""
    member, business, at, keys = UserFactory(), BusinessFactory(), timezone.now(), itertools.count()

    def earn() -> None:
        ledger.earn_for_purchase(
            member=member, business=business, paid=Decimal("100.00"), key=str(next(keys)),
            occurred_at=at, posted_at=at,
        )  # fmt: skip

    def spend() -> None:
        ledger.spend_bonus(
            member=member, business=business, amount=Decimal("1.00"), key=str(next(keys)), at=at
        )

    def sale() -> None:
        record_purchase(
            business=business, member=member, amount=Decimal("100.00"), occurred_at=at,
            by=None, key=str(next(keys)),
        )  # fmt: skip

    def balance() -> None:
        balance_of(member.pk, at=at)

    paths = {
        "round trip": one_round_trip,
        "balance": balance,
        "earn": earn,
        "spend": spend,
        "sale": sale,
    }
    best: dict[str, float] = dict.fromkeys(paths, 0.0)
    for _ in range(ROUNDS):  # in turn, so that a noisy second hits all of them
        for name, work in paths.items():
            best[name] = max(best[name], per_second(work))

    with capsys.disabled():
        print(f"\n{'path':12} {'per second':>12} {'round trips':>12}")
        for name, rate in best.items():
            print(f"{name:12} {rate:12.0f} {best['round trip'] / rate:12.1f}")
    assert ledger_faults() == {}
