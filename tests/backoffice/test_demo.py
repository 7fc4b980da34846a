import io
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import orjson
import pytest
from django.contrib.auth import authenticate
from django.core.management import CommandError, call_command
from django.db.models import F

from apps.accounts.models import JobRequest, TOTPDevice, User
from apps.accounts.rules import normalize_phone
from apps.analytics.queries import sales_by_day
from apps.backoffice.demo import loading, logins
from apps.backoffice.demo.loading import Size
from apps.backoffice.demo.partners import PARTNERS
from apps.backoffice.demo.people import STARS
from apps.backoffice.demo.world import TODAY, YEAR, ZONE, World, make_world
from apps.businesses.models import Business, Location, Membership
from apps.core.models import AuditEntry
from apps.loyalty.models import (
    Adjustment,
    Debt,
    Gift,
    Hold,
    Journal,
    Referral,
    SegmentEntry,
    Statement,
    StatementLine,
    Terms,
)
from apps.loyalty.queries import balance_of, ledger_faults
from apps.transactions.models import Transaction

AT = datetime(2026, 11, 21, 15, 0, tzinfo=UTC)  # Saturday evening in Moscow
NIGHT = datetime(2026, 11, 21, 21, 40, tzinfo=UTC)  # 40 minutes of Sunday in Moscow
SMALL = Size(members=7, days=150)


def whole(at: datetime = AT, seed: int = 7) -> World:
    return make_world(seed=seed, at=at, members=250, days=730)


def load_demo(**size: int) -> str:
    out = io.StringIO()
    words = [f"--{name}={value}" for name, value in size.items()]
    call_command("load_demo", *words, stdout=out)
    return out.getvalue()


@pytest.fixture
def development(settings):
    settings.DEVELOPMENT = True


@pytest.fixture
def loaded(db, facts, development):
    load_demo(members=SMALL.members, days=SMALL.days)


# --- the world, on paper -------------------------------------------------------------------------
def test_the_same_seed_makes_the_same_world():
    assert whole() == whole()
    assert whole() != whole(seed=8)


@pytest.mark.parametrize("seed", [7, 8, 9])
@pytest.mark.parametrize("at", [AT, NIGHT])
def test_the_world_has_the_promised_size(seed, at):
    world = whole(at, seed)

    assert len(world.guests) == len({guest.phone for guest in world.guests}) == 250
    assert 4_500 < len(world.visits) < 6_500
    assert [visit.at for visit in world.visits] == sorted(visit.at for visit in world.visits)
    assert at - timedelta(days=731) < world.visits[0].at
    assert world.visits[-1].at < at
    assert all(normalize_phone(guest.phone) == guest.phone for guest in world.guests)


@pytest.mark.parametrize("at", [AT, NIGHT])
def test_every_partner_has_sales_today(at):
    midnight = at.astimezone(ZONE).replace(hour=0, minute=0, second=0, microsecond=0)

    today = Counter(visit.slug for visit in whole(at).visits if visit.at >= midnight)

    assert {partner.slug for partner in PARTNERS} == today.keys()
    assert min(today.values()) >= TODAY


def test_trade_has_its_weekdays_and_hours():
    visits = [visit for visit in whole().visits if visit.at < AT - timedelta(days=1)]
    when = {
        slug: [visit.at.astimezone(ZONE) for visit in visits if visit.slug == slug]
        for slug in ("mindal", "lisichkino", "millennium")
    }

    assert not [moment for moment in when["mindal"] if moment.weekday() == 0]
    assert not [moment for moment in when["millennium"] if moment.weekday() == 6]
    late = [moment for moment in when["lisichkino"] if moment.hour >= 18]
    assert len(late) > len(when["lisichkino"]) / 2


@pytest.mark.parametrize("seed", [7, 8, 9])
def test_tiers_arise_by_spending(seed):
    world = whole(seed=seed)
    spent: Counter[int] = Counter()
    for visit in world.visits:
        if visit.at > AT - YEAR:
            spent[visit.guest] += int(visit.amount)

    stars = [spent[n] for n in range(len(STARS))]
    assert stars[0] < 55_000
    assert 65_000 < stars[1] < 170_000
    assert stars[2] > 190_000
    reached = Counter((paid >= 60_000) + (paid >= 180_000) for paid in spent.values())
    assert reached[1] > 40  # VIP by money
    assert reached[2] > 5  # Elite by money


# --- the world, in the books ---------------------------------------------------------------------
@pytest.mark.django_db
def test_it_is_refused_outside_of_development(settings):
    settings.DEVELOPMENT = False

    for command in ("load_demo", "demo_logins"):
        with pytest.raises(CommandError, match="development only"):
            call_command(command)
    assert not Business.objects.filter(is_network=False).exists()


def test_the_cast_is_what_it_says(loaded):
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


def test_codes_of_the_moment_are_accepted(loaded):
    owner = next(one for one in logins.logins() if one.role == "business_owner")
    device = TOTPDevice.objects.get(user=User.objects.with_phone(owner.phone))

    assert device.verify_token(owner.totp_code)


def test_partners_have_places_and_people(loaded):
    assert Business.objects.filter(is_network=False).count() == 5
    assert set(Location.objects.values_list("business__slug", flat=True)) == {
        partner.slug for partner in PARTNERS
    }
    roles = Counter(Membership.objects.values_list("role", flat=True))
    assert (roles["business_owner"], roles["business_staff"] >= 10) == (5, True)
    mindal = Business.objects.get(slug="mindal")
    owner = Membership.objects.get(business=mindal, role="business_owner").user
    assert owner.has_perm("businesses.manage_business", mindal)


def test_the_books_are_true_and_the_facts_are_there(loaded):
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


def test_no_page_of_the_ledger_is_empty(loaded):
    assert Statement.objects.count() >= 2
    states = Counter(line.state for line in StatementLine.objects.all())
    assert (states["disputed"], states["confirmed"] > 0) == (1, True)
    assert Gift.objects.exists()
    assert Debt.objects.filter(repaid__lt=F("amount")).exists()
    assert Hold.objects.exists()
    assert Referral.objects.filter(state="rewarded").exists()
    assert SegmentEntry.objects.exists()
    assert Terms.objects.count() >= 5
    assert sorted(Adjustment.objects.values_list("state", flat=True)) == [
        *("declined", "done", "waiting", "waiting")
    ]
    assert Journal.objects.filter(kind="earn").earliest("posted_at").posted_at < AT


def test_a_second_load_does_nothing(loaded):
    before = (Transaction.objects.count(), User.objects.count(), AuditEntry.objects.count())

    said = load_demo(members=20, days=20)

    assert "already" in said
    now = (Transaction.objects.count(), User.objects.count(), AuditEntry.objects.count())
    assert now == before


@pytest.mark.django_db
@pytest.mark.slow
def test_an_interrupted_load_makes_the_same_world(development, facts, monkeypatch):
    class Lightning(Exception):
        pass

    def strike(done: int, rows: int) -> None:
        if done >= 20:
            raise Lightning

    monkeypatch.setattr(loading, "BATCH", 10)
    now = datetime.now(UTC)
    with pytest.raises(Lightning):
        loading.load(size=SMALL, at=now, progress=strike)
    assert Transaction.objects.count() == 20

    other = replace(SMALL, seed=99)  # what was begun is finished, whatever is asked now
    world = loading.load(size=other, at=now + timedelta(hours=9), progress=lambda *_: None)

    expected = make_world(seed=7, at=now, members=7, days=150)
    assert world == expected
    kept = Transaction.objects.order_by("occurred_at").values_list("occurred_at", "amount")
    assert sorted(kept) == sorted((visit.at, visit.amount) for visit in expected.visits)
    assert loading.is_loaded()
    assert ledger_faults() == {}


def test_logins_for_programs_and_for_people(loaded):
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


@pytest.mark.django_db
def test_logins_without_a_demo_say_what_to_do(development):
    with pytest.raises(CommandError, match="load_demo"):
        call_command("demo_logins")
