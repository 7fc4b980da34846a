"""Segments: the published counts, ties, small populations, replacing, the address and command."""

import csv
import hashlib
import io
import itertools
import random
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from django.core.management import call_command
from django.utils import timezone

from apps.analytics import door, loader, rfm_queries, rules, sql
from apps.analytics.enums import Segment
from apps.analytics.models import Snapshot
from apps.analytics.services import calculate_rfm, exporting, snapshot_all, snapshot_rfm
from apps.analytics.services import rfm as service
from apps.core import clickhouse
from apps.core.models import Message
from apps.transactions.services import refund_purchase
from tests.analytics.purchases import Bought, cdnow_sample, put
from tests.data.cdnow import Unobtainable
from tests.factories.accounts import UserFactory
from tests.factories.businesses import staff_of
from tests.factories.transactions import sale

pytestmark = pytest.mark.django_db
CUT = date(1997, 9, 30)
DAY = date(2026, 3, 1)
PUBLISHED = {
    "r": [466, 475, 453, 490, 473],
    "f": [1411, 0, 439, 214, 293],
    "m": [480, 464, 471, 471, 471],
}
DIGEST = "c8af8e6751147541"


@pytest.fixture
def sample(facts: None) -> list[Bought]:
    try:
        return cdnow_sample()
    except Unobtainable as sorry:
        pytest.skip(f"the wheel of Lifetimes cannot be had: {sorry}")


def digest(guests: list[rfm_queries.Guest]) -> str:
    lines = [
        f"{g.member.int},{g.recency},{g.frequency},{int(g.money * 100)},{g.r},{g.f},{g.m}\n"
        for g in sorted(guests, key=lambda guest: guest.member.int)
    ]
    return hashlib.sha256("".join(lines).encode()).hexdigest()[:16]


def spread(guests: list[rfm_queries.Guest], name: str) -> list[int]:
    counts = Counter(getattr(guest, name) for guest in guests)
    return [counts[score] for score in range(1, 6)]


def test_cdnow_equals_the_published_counts_in_any_order_and_after_copies(sample):
    chance = random.Random(4)
    chance.shuffle(sample)
    for n, start in enumerate(range(0, len(sample), 1000)):
        put(sample[start : start + 1000], token=str(n))
    for n in range(5):  # copies outside of the token's window
        put(chance.sample(sample, 700), token=f"again {n}")

    guests = rfm_queries.guests(business=None, day=CUT)

    assert len(guests) == 2357
    assert {name: spread(guests, name) for name in PUBLISHED} == PUBLISHED
    assert digest(guests) == DIGEST
    assert {guest.method for guest in guests} == {"quantile"}


def test_every_cell_has_one_name():
    """All 125 codes: M never changes a name, and the newest one-time buyer is no champion."""
    names = {
        (r, f): rules.segment_of(r, f, recency=0, tenure=0, horizon=30)
        for r, f in itertools.product(range(1, 6), repeat=2)
    }
    assert len(names) == 25
    assert set(names.values()) == set(Segment) - {Segment.LOST, Segment.PROSPECT}
    assert not {r for (r, f), name in names.items() if f == 1 and name == Segment.CHAMPION}
    assert rules.segment_of(5, 1, recency=0, tenure=31, horizon=30) == Segment.PROMISING
    assert rules.segment_of(1, 2, recency=31, tenure=99, horizon=30) == Segment.LOST
    assert rules.segment_of(2, 2, recency=31, tenure=99, horizon=30) == Segment.HIBERNATING


def test_the_engine_agrees_with_the_rules(facts):
    """A population of 300 with ties: scores and names by both."""
    chance = random.Random(11)
    rows, number = [], itertools.count(1)
    for member in range(1, 301):
        for _ in range(chance.choice([1, 1, 1, 2, 3, 5, 8])):
            day = DAY - timedelta(days=chance.randrange(200))
            rows.append(Bought(next(number), member, day, Decimal(chance.choice([100, 250, 900]))))
    put(rows)

    guests = rfm_queries.guests(business=None, day=DAY)

    recency = [6 - score for score in rules.scores_of([g.recency for g in guests])]
    assert [g.r for g in guests] == recency
    assert [g.f for g in guests] == rules.scores_of([g.frequency for g in guests])
    assert [g.m for g in guests] == rules.scores_of([int(g.money) for g in guests])
    levels = len({g.frequency for g in guests})
    assert {g.method for g in guests} == {rules.method_of(len(guests), levels)} == {"quantile"}
    horizon = rfm_queries.horizon(business=None, day=DAY)
    first = {member: min(r.day for r in rows if r.member == member) for member in range(1, 301)}
    assert [g.segment for g in guests] == [
        rules.segment_of(
            g.r,
            g.f,
            recency=g.recency,
            tenure=(DAY - first[g.member.int]).days,
            horizon=horizon,
        )
        for g in guests
    ]


@pytest.mark.parametrize(
    ("people", "method"),
    [(1, "preliminary"), (2, "fixed"), (49, "fixed"), (50, "preliminary"), (250, "preliminary")],
)
def test_small_and_equal_populations(facts, people, method):
    """All alike: nobody is divided by nothing. 250 with one frequency are no ground for fifths."""
    put([Bought(n, n, DAY - timedelta(days=5)) for n in range(1, people + 1)])

    guests = rfm_queries.guests(business=None, day=DAY)

    assert len(guests) == people
    assert {(g.r, g.f, g.m, g.method) for g in guests} == {(5, 1, 1, method)}
    assert rules.method_of(people, levels=1) == method
    assert {g.segment for g in guests} == {"new"}


def test_what_came_back_whole_is_no_visit_and_no_money(facts):
    put(
        [
            Bought(1, 1, DAY - timedelta(days=40)),
            Bought(2, 1, DAY - timedelta(days=2)),
            Bought(3, 1, DAY - timedelta(days=1), Decimal("-100.00"), of=2, closes=True),
            Bought(4, 2, DAY - timedelta(days=3)),
            Bought(5, 2, DAY - timedelta(days=1), Decimal("-100.00"), of=4, closes=True),
            Bought(6, 3, DAY - timedelta(days=3)),
            Bought(7, 3, DAY - timedelta(days=1), Decimal("-30.00"), of=6),
            Bought(8, 4, DAY + timedelta(days=1)),
        ]
    )

    guests = {g.member.int: g for g in rfm_queries.guests(business=None, day=DAY)}

    assert set(guests) == {1, 3}
    assert (guests[1].recency, guests[1].frequency, guests[1].money) == (40, 1, 100)
    assert (guests[3].recency, guests[3].frequency, guests[3].money) == (3, 1, 70)


def test_the_future_changes_nothing(facts):
    rows = [Bought(n, n % 7 + 1, DAY - timedelta(days=n)) for n in range(1, 40)]
    put(rows)
    before = rfm_queries.guests(business=None, day=DAY)

    put([Bought(n + 100, n, DAY + timedelta(days=n)) for n in range(1, 30)], token="later")

    assert sorted(map(str, rfm_queries.guests(business=None, day=DAY))) == sorted(map(str, before))


def test_a_return_at_the_till_reaches_the_engine(facts, business, owner, member):
    done = sale(business=business, member=member, amount="500.00")
    reason, at = "не подошло платье", timezone.now()
    refund_purchase(sale=done, amount=None, reason=reason, by=owner, key="r1", at=at)
    loader.load_waiting()

    rows = clickhouse.read(
        "test", "SELECT kind, amount, closes, sale_id FROM transaction_facts ORDER BY amount"
    )
    assert rows == [("refund", -500, 1, done.pk), ("purchase", 500, 0, done.pk)]
    assert rfm_queries.guests(business=business, day=timezone.localdate()) == []


def test_a_partner_sees_its_own_guests_only(facts, business):
    put([Bought(1, 1, DAY, shop=business.pk), Bought(2, 1, DAY), Bought(3, 2, DAY)])

    own = rfm_queries.guests(business=business, day=DAY)
    network = rfm_queries.guests(business=None, day=DAY)

    assert [(g.member.int, g.money) for g in own] == [(1, 100)]
    assert {(g.member.int, g.money) for g in network} == {(1, 200), (2, 100)}


@pytest.mark.parametrize(
    "name", [name for name, text in vars(sql).items() if isinstance(text, str) and "FROM" in text]
)
def test_no_statement_reads_facts_past_the_door(name):
    door.scoped(getattr(sql, name), None)


def test_the_door_refuses_a_statement_without_a_tenant(business):
    with pytest.raises(door.TenantMissing):
        door.read("x", "SELECT count() FROM transaction_facts", business)


def test_reckoning_a_day_again_replaces_it(facts, business):
    put([Bought(n, n, DAY, shop=business.pk) for n in (1, 2, 3)])
    at = timezone.now()
    snapshot_rfm(business=business, day=DAY, at=at)
    put([Bought(4, 3, DAY, Decimal("-100.00"), shop=business.pk, of=3, closes=True)], token="two")

    done = snapshot_rfm(business=business, day=DAY, at=at + timedelta(minutes=1))

    stored = "SELECT count() FROM rfm_snapshots"
    assert (done.rows, clickhouse.read("test", stored), Snapshot.objects.count()) == (2, [(2,)], 1)


def test_a_killed_night_goes_on_where_it_stopped(facts, business, monkeypatch):
    put([Bought(1, 1, DAY, shop=business.pk)])
    real, at = service.snapshot_rfm, timezone.now()

    def dies(**given: Any) -> Any:
        if given["business"] is not None:
            raise clickhouse.Unavailable
        return real(**given)

    monkeypatch.setattr(service, "snapshot_rfm", dies)
    with pytest.raises(clickhouse.Unavailable):
        snapshot_all(day=DAY, at=at)
    monkeypatch.setattr(service, "snapshot_rfm", real)

    assert Snapshot.objects.get().business is None
    assert (snapshot_all(day=DAY, at=at), snapshot_all(day=DAY, at=at)) == (1, 0)
    assert Snapshot.objects.count() == 2


def test_calculate_rfm(facts, business, member):
    moment = datetime(2026, 2, 20, 9, tzinfo=UTC)
    sale(business=business, member=member, amount="700.00", occurred_at=moment)
    loader.load_waiting()
    assert calculate_rfm(member.pk, business=business).money == Decimal("700.00")

    snapshot_all(day=DAY, at=timezone.now())

    found = calculate_rfm(member.pk)
    assert (found.segment, found.r, found.f, found.m) == (Segment.NEW, 5, 1, 1)
    assert (found.recency, found.frequency, found.money) == (9, 1, Decimal("700.00"))
    assert calculate_rfm(member.pk, business=business) == found
    assert calculate_rfm(UserFactory().pk).segment == Segment.PROSPECT
    with pytest.raises(service.NotFound):
        calculate_rfm(UUID(int=1))


def test_the_address(facts, api, business, owner, member, settings):
    early = DAY - timedelta(days=30)
    put([Bought(n, n, early - timedelta(days=1), shop=business.pk) for n in (1, 2)])
    snapshot_rfm(business=business, day=early, at=timezone.now())
    snapshot_rfm(business=business, day=DAY, at=timezone.now())

    data = api.as_(owner).get("/analytics/rfm").json()["data"]

    assert (data["day"], data["population"], data["method"]) == ("2026-03-01", 2, "fixed")
    assert data["segments"] == [
        {"segment": "promising", "words": "подающие надежды", "count": 2, "money": "200.00"}
    ]
    assert data["moves"] == [{"before": "new", "now": "promising", "count": 2}]
    assert api.as_(owner).get("/analytics/rfm", {"businessId": UUID(int=3)}).status_code == 404
    assert api.as_(member).get("/analytics/rfm").status_code == 403

    settings.CLICKHOUSE = settings.CLICKHOUSE | {"embedded": False, "url": "http://127.0.0.1:9/n"}
    down = api.as_(owner).get("/analytics/rfm").json()["data"]
    assert (down["population"], down["moves"], bool(down["asOf"])) == (2, None, True)


def test_the_command(facts, business, member):
    moment = datetime(2026, 2, 20, 9, tzinfo=UTC)
    sale(business=business, member=member, amount="700.00", occurred_at=moment)
    loader.load_waiting()
    out = io.StringIO()

    call_command("rfm", business=business.slug, on=DAY, csv=True, stdout=out)

    [row] = csv.DictReader(io.StringIO(out.getvalue()))
    assert row["member"] == str(member.pk)
    assert (row["recency_days"], row["frequency"], row["money"]) == ("9", "1", "700.00")
    assert (row["r"], row["f"], row["m"], row["segment"]) == ("5", "1", "1", "new")


def test_a_long_table_is_written_by_a_worker(
    facts, api, business, owner, monkeypatch, django_capture_on_commit_callbacks
):
    put([Bought(n, n, DAY, shop=business.pk) for n in range(1, 26)])
    snapshot_rfm(business=business, day=DAY, at=timezone.now())
    monkeypatch.setattr(exporting, "PAGE", 10)
    ask = {"report": "guests", "format": "csv"}
    short = api.as_(owner).get("/analytics/export", ask)
    monkeypatch.setattr(exporting, "AT_ONCE", 20)

    with django_capture_on_commit_callbacks() as later:
        told = api.as_(owner).get("/analytics/export", ask)

    waiting = told.json()["data"]
    assert (told.status_code, waiting["state"], waiting["rowsTotal"]) == (202, "waiting", 25)
    for callback in later:
        callback()
    done = api.as_(owner).get("/analytics/export", {"id": waiting["exportId"]})
    assert done.content == short.content
    assert len(list(csv.DictReader(io.StringIO(done.content.decode("utf-8-sig"))))) == 25
    assert Message.objects.get(topic="ExportReady").payload["rows"] == 25
    stranger = staff_of(business, role="business_owner")
    answer = api.as_(stranger).get("/analytics/export", {"id": waiting["exportId"]})
    assert answer.status_code == 404
    assert exporting.forget_old(at=timezone.now() + timedelta(days=8)) == 1


def test_a_night_of_before_is_asked_for_by_its_day(facts, api, business, owner):
    put([Bought(1, 1, DAY - timedelta(days=40), shop=business.pk)])
    snapshot_rfm(business=business, day=DAY - timedelta(days=1), at=timezone.now())
    put([Bought(2, 2, DAY, shop=business.pk)], token="two")
    snapshot_rfm(business=business, day=DAY, at=timezone.now())
    mine = api.as_(owner)

    newest = mine.get("/analytics/rfm").json()["data"]["population"]
    before = mine.get("/analytics/rfm", {"on": str(DAY - timedelta(days=1))}).json()["data"]

    assert (newest, before["population"]) == (2, 1)


def test_who_has_not_bought_is_nobodys_guest_yet(facts, business, member):
    sale(business=business, amount="700.00")
    loader.load_waiting()

    standing = rfm_queries.standing_now(member=member, business=business, day=timezone.localdate())

    assert standing.segment == Segment.PROSPECT
