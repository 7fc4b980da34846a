"""Commands over facts: tables for whoever sits at the server, one sentence when they cannot be."""

import io
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from django.core.management import CommandError, call_command

from apps.analytics.models import ChurnModel
from tests.analytics.purchases import Bought, put
from tests.factories.transactions import sale

pytestmark = pytest.mark.django_db
DAY = date(2026, 3, 1)


def said(name: str, **given: Any) -> str:
    out = io.StringIO()
    call_command(name, stdout=out, **given)
    return out.getvalue()


@pytest.fixture
def down(settings: Any) -> None:
    gone = {"embedded": False, "url": "http://127.0.0.1:9/none"}
    settings.CLICKHOUSE = settings.CLICKHOUSE | gone


def test_segments_of_the_network_are_counted_largest_first(facts):
    """One who never came to us stands in the file by the id that ClickHouse knows."""
    new = [Bought(n, n, DAY - timedelta(days=2)) for n in range(1, 4)]
    put([*new, Bought(9, 9, DAY - timedelta(days=400))])

    told = said("rfm", network=True, on=DAY)
    rows = said("rfm", network=True, on=DAY, csv=True).splitlines()

    assert [line.split() for line in told.splitlines()] == [
        ["new", "3"],
        ["lost", "1"],
        ["guests", "4"],
    ]
    assert rows[0].startswith("member,recency_days,frequency,money")
    assert {line.split(",")[0] for line in rows[1:]} == {str(UUID(int=n)) for n in (1, 2, 3, 9)}


@pytest.mark.parametrize("name", ["rfm", "churn"])
def test_unknown_partner_is_one_sentence(name):
    with pytest.raises(CommandError, match="no business nobody"):
        said(name, business="nobody", on=DAY)


def test_place_without_a_purchase_has_nobody_to_leave(facts, business):
    with pytest.raises(CommandError, match="nobody has bought there by 2026-03-01"):
        said("churn", business=business.slug, on=DAY, publish=True)

    assert not ChurnModel.objects.exists()


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("rfm", {"network": True, "on": DAY}),
        ("churn", {"network": True, "on": DAY}),
        ("reconcile", {"since": DAY}),
    ],
)
def test_without_clickhouse_it_is_one_sentence(facts, business, down, name, given):
    sale(business=business)

    with pytest.raises(CommandError, match="ClickHouse does not answer"):
        said(name, **given)
