"""Every row of the contract is served, to whom it says, and nothing is served without a row."""

import pytest

from tests.contract.rows import Asked, Served, asked, bare, has_route, served

ASKED = list(asked())
SERVED = {(one.method, bare(one.path)): one for one in served()}
API = [row for row in ASKED if row.group != "webhooks"]


def found(row: Asked) -> Served | None:
    return SERVED.get((row.method, bare(row.path)))


def test_the_table_holds_the_contract() -> None:
    groups = [row.group for row in ASKED]

    assert len(ASKED) >= 110
    assert len({(row.method, bare(row.path)) for row in ASKED}) == len(ASKED)
    at_least = {
        "auth": 3,
        "users": 14,
        "loyalty": 13,
        "transactions": 6,
        "businesses": 11,
        "coupons": 9,
        "cross-promo": 6,
        "events": 19,
        "analytics": 7,
        "admin": 18,
        "webhooks": 2,
    }
    assert {group for group, n in at_least.items() if groups.count(group) < n} == set()


@pytest.mark.parametrize("row", API, ids=str)
def test_every_row_is_served_to_whom_it_says(row: Asked) -> None:
    there = found(row)

    assert there is not None, f"{row} is in no app's urls.py"
    assert there.callers == row.callers
    assert there.is_idempotent or not row.moves_value, "◆ wants @idempotent"


def test_calls_of_outside_systems_have_an_address() -> None:
    assert all(has_route(row.path) for row in ASKED if row.group == "webhooks")


def test_nothing_is_served_without_a_row() -> None:
    """A new route: write its row to tests/contract/rows.tsv."""
    rows = {(row.method, bare(row.path)) for row in API}

    assert sorted(set(SERVED) - rows) == []
