from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from django.core.management import CommandError, call_command

from apps.accounts.rules import normalize_phone
from apps.backoffice.demo import loading
from apps.backoffice.demo.loading import Size
from apps.backoffice.demo.partners import PARTNERS
from apps.backoffice.demo.people import STARS
from apps.backoffice.demo.world import TODAY, YEAR, ZONE, World, make_world
from apps.businesses.models import Business
from apps.loyalty.queries import ledger_faults
from apps.transactions.models import Transaction

AT = datetime(2026, 11, 21, 15, 0, tzinfo=UTC)  # Saturday evening in Moscow
NIGHT = datetime(2026, 11, 21, 21, 40, tzinfo=UTC)  # 40 minutes of Sunday in Moscow
SMALL = Size(members=7, days=150)


def whole(at: datetime = AT, seed: int = 7) -> World:
    return make_world(seed=seed, at=at, members=250, days=730)


@pytest.fixture
def development(settings):
    settings.DEVELOPMENT = True


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


@pytest.mark.django_db
def test_logins_without_a_demo_say_what_to_do(development):
    with pytest.raises(CommandError, match="load_demo"):
        call_command("demo_logins")
