"""Figures are what the schema says of them, field by field: nothing missing, nothing unsaid."""

from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest
from django.utils import timezone

from apps.analytics import loader
from apps.analytics.services import score_all, snapshot_all
from apps.crosspromo.services import recompute_conversions
from tests.factories.accounts import UserFactory
from tests.factories.businesses import BusinessFactory, staff_of
from tests.factories.coupons import chain, personal, step
from tests.factories.transactions import sale

pytestmark = pytest.mark.django_db
REPORTS = ("dashboard", "rfm", "cohorts", "churn", "revenue", "coupons")


def strict(schema: dict[str, Any], part: Any) -> Any:
    """A part of OpenAPI 3.0 as JSON Schema in which objects have no other fields."""
    if "$ref" in part:
        part = schema["components"]["schemas"][part["$ref"].rsplit("/", 1)[-1]]
        return strict(schema, part)
    whole = {key: value for key, value in part.items() if key not in ("nullable", "allOf")}
    for one in part.get("allOf", []):
        whole = strict(schema, one) | whole
    if "properties" in whole:
        fields = whole["properties"].items()
        whole["properties"] = {name: strict(schema, one) for name, one in fields}
        whole["additionalProperties"] = False
    for word in ("items", "additionalProperties"):
        if isinstance(whole.get(word), dict):
            whole[word] = strict(schema, whole[word])
    return {"anyOf": [whole, {"type": "null"}]} if part.get("nullable") else whole


def answer_of(schema: dict[str, Any], report: str) -> Any:
    said = schema["paths"][f"/api/v1/analytics/{report}"]["get"]["responses"]["200"]
    return strict(schema, said["content"]["application/json"]["schema"])


def test_strict_finds_what_is_missing_and_what_is_unsaid() -> None:
    shape = {"type": "object", "properties": {"a": {"type": "integer", "nullable": True}}}
    shape |= {"required": ["a"]}
    judge = jsonschema.Draft202012Validator(strict({}, shape))

    assert [judge.is_valid(one) for one in ({"a": 1}, {"a": None}, {}, {"a": 1, "b": 2})] == [
        True,
        True,
        False,
        False,
    ]


@pytest.fixture
def told(facts: None, business: Any, owner: Any) -> Iterator[Any]:
    """A partner with everything that a dashboard shows, reckoned."""
    other, now = BusinessFactory(category="gastro"), timezone.now()
    chain(step(business, other))
    for n in range(12):
        guest = UserFactory()
        sale(business=business, member=guest, amount="1000.00", key=f"shape{n}")
        sale(business=other, member=guest, amount="500.00", key=f"other{n}")
    coupon = personal(guest, business, word="SHAPE1")
    sale(business=business, member=guest, amount="900.00", coupon_codes=[coupon.code])
    loader.load_waiting()
    recompute_conversions(at=now)
    snapshot_all(day=timezone.localdate(now), at=now)
    score_all(day=timezone.localdate(now), at=now)
    return owner


def test_figures_are_what_the_schema_says(
    schema: dict[str, Any], api: Any, told: Any, settings: Any
) -> None:
    admin = staff_of(BusinessFactory(), job="admin")

    def faults() -> list[Any]:
        found = []
        for who in (told, admin):
            for report in REPORTS:
                answer = api.as_(who).get(f"/analytics/{report}").json()
                judge = jsonschema.Draft202012Validator(answer_of(schema, report))
                found += [(report, one.json_path, one.message) for one in judge.iter_errors(answer)]
        return found

    whole = faults()
    settings.CLICKHOUSE = settings.CLICKHOUSE | {"embedded": False, "url": "http://127.0.0.1:9/x"}

    assert whole == []
    assert faults() == []


def test_before_the_first_sale_too(schema: dict[str, Any], api: Any, facts: None, owner: Any):
    for report in REPORTS:
        answer = api.as_(owner).get(f"/analytics/{report}").json()
        jsonschema.validate(answer, answer_of(schema, report))
