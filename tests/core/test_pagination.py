"""Cursor pages, newest first."""

import base64
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from rest_framework.exceptions import ParseError
from rest_framework.request import Request
from rest_framework.test import APIRequestFactory

from apps.accounts.models import Session
from apps.core.http.pagination import NewestFirst
from apps.core.ids import new_id
from tests.factories.transactions import sale

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def devices(member, moments):
    """A row per moment: sessions have a moment, an id and no rules about either."""
    rows = [Session(user=member, created_at=moment) for moment in moments]
    return [row.pk for row in Session.objects.bulk_create(rows)]


def read(member, cursor=None, limit=None):
    """One page as a view makes it: (ids, the cursor of the next page)."""
    given = {"cursor": cursor, "limit": limit}
    request = Request(
        APIRequestFactory().get("/", {name: value for name, value in given.items() if value})
    )
    pages = NewestFirst()
    rows = pages.paginate_queryset(Session.objects.filter(user=member), request)
    return [row.pk for row in rows], pages.next_cursor


def encoded(text):
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def test_pages_come_newest_first_and_end_with_no_cursor(member):
    ids = devices(member, [NOON + timedelta(seconds=n) for n in range(5)])

    first, cursor = read(member, limit="2")
    second, cursor = read(member, cursor, limit="2")
    third, end = read(member, cursor, limit="2")

    assert first + second + third == ids[::-1]
    assert end is None


def test_a_page_that_just_fits_has_no_next(member):
    ids = devices(member, [NOON + timedelta(seconds=n) for n in range(2)])

    assert read(member, limit="2") == (ids[::-1], None)


def test_nothing_is_an_empty_page(member):
    assert read(member) == ([], None)


def test_rows_of_one_moment_are_neither_skipped_nor_repeated(member):
    ids = devices(member, [NOON] * 7 + [NOON + timedelta(microseconds=1)] * 4)

    seen, cursor = [], None
    while True:
        page, cursor = read(member, cursor, limit="3")
        seen += page
        if cursor is None:
            break

    newest, oldest = sorted(ids[7:], reverse=True), sorted(ids[:7], reverse=True)
    assert seen == newest + oldest


def test_rows_that_arrive_between_pages_shift_nothing(member):
    ids = devices(member, [NOON + timedelta(seconds=n // 3) for n in range(50)])

    seen, cursor, arrived = [], None, []
    while True:
        page, cursor = read(member, cursor, limit="7")
        seen += page
        if cursor is None:
            break
        arrived += devices(member, [NOON + timedelta(hours=1, seconds=len(seen))] * 3)

    assert (len(seen), set(seen)) == (50, set(ids))
    assert read(member)[0][:3] == sorted(arrived[-3:], reverse=True)


def test_a_row_that_goes_takes_no_neighbour_with_it(member):
    ids = devices(member, [NOON + timedelta(seconds=n) for n in range(6)])[::-1]
    first, cursor = read(member, limit="3")
    Session.objects.filter(pk=first[-1]).delete()

    assert read(member, cursor, limit="3") == (ids[3:], None)


@pytest.mark.parametrize("rows", [1, 3])
def test_a_page_costs_one_query(member, rows, django_assert_num_queries):
    devices(member, [NOON] * rows)

    with django_assert_num_queries(1):
        read(member)


@pytest.mark.parametrize(("given", "limit"), [(None, 20), ("1", 1), ("20", 20), ("100", 100)])
def test_a_limit_within_its_bounds_is_kept(member, given, limit):
    devices(member, [NOON] * 101)

    page, cursor = read(member, limit=given)

    assert (len(page), cursor is not None) == (limit, True)


BAD_LIMITS = ["0", "101", "1000", "-1", "+5", "1.5", "1e1", "x", " ", "1 ", "٥", "²", "00020"]
BAD_LIMITS += ["0001000", "9" * 5000, "None"]


@pytest.mark.parametrize("limit", BAD_LIMITS)
def test_a_bad_limit_is_malformed(member, limit):
    with pytest.raises(ParseError):
        read(member, limit=limit)


GOOD_ID = "01a2002d-aaf1-7330-91f3-f92a5c18d2e9"
BAD_CURSORS = [
    "x",
    "====",
    "курсор",
    "AAAA",
    encoded("|"),
    encoded(NOON.isoformat()),
    encoded(f"|{GOOD_ID}"),
    encoded(f"{NOON.isoformat()}|"),
    encoded(f"{NOON.isoformat()}|not-an-id"),
    encoded(f"yesterday|{GOOD_ID}"),
    encoded(f"2026-11-21T12:00:00|{GOOD_ID}"),
    encoded(f"2026-13-41T12:00:00+00:00|{GOOD_ID}"),
    encoded(f"99999-01-01T00:00:00+00:00|{GOOD_ID}"),
    encoded(f"{NOON.isoformat()}|{GOOD_ID}|more"),
    base64.urlsafe_b64encode(b"\xff\xfe\x00").decode(),
    "A" * 5000,
]


@pytest.mark.parametrize("cursor", BAD_CURSORS)
def test_a_broken_cursor_is_malformed(member, cursor):
    with pytest.raises(ParseError):
        read(member, cursor)


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
def test_a_forged_cursor_of_a_far_moment_is_just_a_place(member, at):
    ids = devices(member, [NOON])

    page, _cursor = read(member, encoded(f"{at}|{GOOD_ID}"))

    assert page == (ids if at > "2026" else [])


def test_the_api_leafs_through_sales_by_the_same_rules(api, member, business):
    newest = [
        str(sale(member=member, business=business, occurred_at=NOON - timedelta(days=n)).pk)
        for n in range(3)
    ]
    caller = api.as_(member)

    first = caller.get("/transactions", {"limit": "2"}).json()
    page = first["meta"]["pagination"]
    second = caller.get("/transactions", {"limit": "2", "cursor": page["nextCursor"]}).json()

    assert [row["id"] for row in first["data"] + second["data"]] == newest
    assert page["limit"] == 2
    assert second["meta"]["pagination"] == {"nextCursor": None, "limit": 2}


@pytest.mark.parametrize("path", ["/transactions", "/loyalty/history"])
@pytest.mark.parametrize("query", [{"limit": "101"}, {"limit": "x"}, {"cursor": "x"}])
def test_the_api_calls_a_broken_page_malformed(api, member, path, query):
    answer = api.as_(member).get(path, query)

    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "MALFORMED")


def test_ids_grow_with_time():
    ids = [new_id() for _ in range(1000)]

    assert ids == sorted(ids)
    assert {type(each) for each in ids} == {UUID}
