"""The demo in the books: loaded once, each test in a savepoint of its own."""

import io
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import orjson
import pytest
from django.contrib.auth import authenticate
from django.core.management import call_command
from django.db import transaction
from django.db.models import F
from django.test import override_settings

from apps.accounts.models import JobRequest, TOTPDevice, User
from apps.analytics.queries import sales_by_day
from apps.backoffice.demo import loading, logins
from apps.backoffice.demo.loading import Size
from apps.backoffice.demo.partners import PARTNERS
from apps.backoffice.demo.world import TODAY, ZONE
from apps.businesses.models import Business, Location, Membership
from apps.core.models import AuditEntry
from apps.loyalty.models import (
    Adjustment,
    Debt,
    Gift,
    Hold,
    Journal,
    OfferUse,
    Referral,
    SegmentEntry,
    Statement,
    StatementLine,
    Terms,
)
from apps.loyalty.queries import balance_of, ledger_faults
from apps.transactions.models import Transaction
from tests import fact_tables

AT = datetime(2026, 11, 21, 15, 0, tzinfo=UTC)
pytestmark = pytest.mark.xdist_group("demo books")  # one load for all
SMALL = Size(members=20, days=150)  # fewer use no offer on some days


def load_demo(**size: int) -> str:
    out = io.StringIO()
    words = [f"--{name}={value}" for name, value in size.items()]
    call_command("load_demo", *words, stdout=out)
    return out.getvalue()


@pytest.fixture(scope="module")
def loaded(
    django_db_setup: None, django_db_blocker: Any, _clickhouse_ready: None
) -> Iterator[None]:
    """One load for the file, taken back at its end."""
    with (
        django_db_blocker.unblock(),
        override_settings(DEVELOPMENT=True),
        transaction.atomic(),
    ):
        fact_tables.empty()
        load_demo(members=SMALL.members, days=SMALL.days)
        yield
        transaction.set_rollback(True)


@pytest.fixture
def _django_db_helper(loaded: None) -> Iterator[None]:
    """In place of a transaction for each test."""
    before = transaction.savepoint()
    yield
    transaction.savepoint_rollback(before)


def test_the_cast_is_what_it_says(db):
    people = {one.role: one for one in logins.logins()}

    for role in ("vip", "elite", "inner_circle"):
        assert User.objects.with_phone(people[role].phone).tier.code == role
    assert User.objects.with_phone(people["member"].phone).tier.code == "insider"
    for role in ("business_staff", "business_owner", "admin", "superadmin"):
        one = people[role]
        user = authenticate(None, login=one.email, password=one.password)
        assert user.job == role
        assert (one.totp is not None) == user.needs_second_factor
        assert user.needs_second_factor == (one.totp_code is not None)
    second = User.objects.with_phone(people["superadmin_second"].phone)
    asked = JobRequest.objects.get(person__job="admin")
    assert (second.job, asked.decided_by_id) == ("superadmin", second.pk)
    assert people["business_staff"].business_id == Business.objects.get(slug="mindal").pk


def test_codes_of_the_moment_are_accepted(db):
    owner = next(one for one in logins.logins() if one.role == "business_owner")
    device = TOTPDevice.objects.get(user=User.objects.with_phone(owner.phone))

    assert device.verify_token(owner.totp_code)


def test_partners_have_places_and_people(db):
    assert Business.objects.filter(is_network=False).count() == 5
    assert set(Location.objects.values_list("business__slug", flat=True)) == {
        partner.slug for partner in PARTNERS
    }
    roles = Counter(Membership.objects.values_list("role", flat=True))
    assert (roles["business_owner"], roles["business_staff"] >= 10) == (5, True)
    mindal = Business.objects.get(slug="mindal")
    owner = Membership.objects.get(business=mindal, role="business_owner").user
    assert owner.has_perm("businesses.manage_business", mindal)


def test_the_books_are_true_and_the_facts_are_there(db):
    mindal = Business.objects.get(slug="mindal")
    start = AuditEntry.objects.get(action=loading.STARTED)
    today = datetime.fromisoformat(orjson.loads(start.reason)["at"]).astimezone(ZONE).date()

    days = sales_by_day(business=mindal, since=today - timedelta(days=SMALL.days), until=today)

    assert ledger_faults() == {}
    assert sum(day.receipts for day in days) == Transaction.objects.filter(business=mindal).count()
    assert days[-1].receipts >= TODAY
    assert Journal.objects.filter(kind="spend").exists()
    balances = [balance_of(user.pk, at=AT).available for user in User.objects.all()]
    assert max(balances) > Decimal(100)


def test_no_page_of_the_ledger_is_empty(db):
    assert Statement.objects.count() >= 2
    states = Counter(line.state for line in StatementLine.objects.all())
    assert (states["disputed"], states["confirmed"] > 0) == (1, True)
    assert Gift.objects.exists()
    assert Debt.objects.filter(repaid__lt=F("amount")).exists()
    assert OfferUse.objects.exists()
    assert Hold.objects.exists()
    assert Referral.objects.filter(state="rewarded").exists()
    assert SegmentEntry.objects.exists()
    assert Terms.objects.count() >= 5
    assert sorted(Adjustment.objects.values_list("state", flat=True)) == [
        *("declined", "done", "waiting", "waiting")
    ]
    assert Journal.objects.filter(kind="earn").earliest("posted_at").posted_at < AT


def test_a_second_load_does_nothing(db):
    before = (Transaction.objects.count(), User.objects.count(), AuditEntry.objects.count())

    said = load_demo(members=20, days=20)

    assert "already" in said
    now = (Transaction.objects.count(), User.objects.count(), AuditEntry.objects.count())
    assert now == before


def test_logins_for_programs_and_for_people(db):
    out = io.StringIO()
    call_command("demo_logins", "--json", stdout=out)
    document = orjson.loads(out.getvalue())

    assert list(document) == [
        *("member", "vip", "elite", "inner_circle"),
        *("business_staff", "business_owner", "admin", "superadmin", "superadmin_second"),
    ]
    assert document["vip"] == {
        "phone": "+79000000002",
        "email": "vip@example.ru",
        "password": None,
        "totp": None,
        "totpCode": None,
        "business": None,
        "businessId": None,
    }
    assert document["business_owner"]["business"] == "mindal"
    assert len(document["business_owner"]["totpCode"]) == 6
    table = io.StringIO()
    call_command("demo_logins", stdout=table)
    assert "+79000000008" in table.getvalue()
