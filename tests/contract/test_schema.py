"""The schema in docs/ is what the code says, and takes nothing away from an app in the field."""

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.conf import settings
from drf_spectacular.drainage import GENERATOR_STATS

from apps.core.http.errors import STATUS
from tests.contract.breaking import Diff
from tests.contract.rows import asked, bare

DOCS = Path(settings.BASE_DIR) / "docs"
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read(name: str) -> dict[str, Any]:
    return dict(yaml.load((DOCS / name).read_text(), Loader=LOADER))


@pytest.fixture(scope="module")
def released() -> dict[str, Any]:
    return read("openapi-released.yaml")


def operations(schema: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    return [(m.upper(), p, o) for p, ms in schema["paths"].items() for m, o in ms.items()]


def test_it_is_made_without_a_warning(schema: dict[str, Any]) -> None:
    assert not GENERATOR_STATS


def test_the_copy_in_docs_is_current(schema: dict[str, Any]) -> None:
    """`make schema` writes it anew."""
    kept = json.loads(json.dumps(read("openapi.yaml"), default=str))

    assert sorted(kept["paths"]) == sorted(schema["paths"]), "run `make schema`"
    assert kept == schema, "run `make schema`"


def test_it_holds_every_row_and_no_other(schema: dict[str, Any]) -> None:
    said = {
        (method, bare(path.removeprefix("/api/v1"))) for method, path, _op in operations(schema)
    }

    assert said == {(row.method, bare(row.path)) for row in asked()}


def test_every_call_says_whole_what_it_answers(schema: dict[str, Any]) -> None:
    tags = {tag["name"] for tag in schema["tags"]}
    ids = [operation["operationId"] for _m, _p, operation in operations(schema)]
    assert len(ids) == len(set(ids))
    for method, path, operation in operations(schema):
        said = {int(status) for status in operation["responses"]}
        assert operation["summary"], path
        assert set(operation["tags"]) <= tags, path
        assert said & {200, 201, 202, 204}, path
        assert {400, 500, 503} <= said, (method, path)
        names = {one.get("name") for one in operation.get("parameters", [])}
        assert ("Idempotency-Key" in names) == (
            "IDEMPOTENCY_IN_PROGRESS" in str(operation["responses"].get("409"))
            or "IdempotencyInProgress" in str(operation["responses"].get("409"))
        ), path


def test_codes_and_enums_have_names(schema: dict[str, Any]) -> None:
    named = schema["components"]["schemas"]

    assert named["ErrorCode"]["enum"] == list(STATUS)
    assert [name for name in named if name.endswith("Enum")] == []


# --- what was released stays ---------------------------------------------------------------------
def test_nothing_that_was_released_is_taken_away(
    schema: dict[str, Any], released: dict[str, Any]
) -> None:
    """A wanted break is a new version of the API, not of this file."""
    assert Diff(released, schema).breaks() == []


Change = Callable[[dict[str, Any]], Any]


def at(*way: str) -> Callable[[dict[str, Any]], Any]:
    def found(schema: dict[str, Any]) -> Any:
        place: Any = schema
        for step in way:
            place = place[step]
        return place

    return found


ME = at("paths", "/api/v1/users/me")
BALANCE = at("components", "schemas", "BalanceOut")
REFUND = at("components", "schemas", "RefundInRequest")
HISTORY = at("paths", "/api/v1/loyalty/history", "get")
WANTED = {"name": "x", "in": "query", "required": True, "schema": {"type": "string"}}
BREAKS: dict[str, Change] = {
    "a path is gone": lambda s: s["paths"].pop("/api/v1/users/me"),
    "a method is gone": lambda s: ME(s).pop("patch"),
    "a field of an answer is gone": lambda s: BALANCE(s)["properties"].pop("held"),
    "a field of an answer may be missing": lambda s: BALANCE(s)["required"].remove("held"),
    "a field of an answer may be null": lambda s: BALANCE(s)["properties"]["held"].update(
        nullable=True
    ),
    "a field has another type": lambda s: BALANCE(s)["properties"]["held"].update(type="number"),
    "a field is wanted": lambda s: REFUND(s).setdefault("required", []).append("amount"),
    "a field is taken no more": lambda s: REFUND(s)["properties"].pop("reason"),
    "a field takes fewer values": lambda s: at("components", "schemas", "Platform")(s)[
        "enum"
    ].pop(),
    "a field is shorter": lambda s: REFUND(s)["properties"]["reason"].update(maxLength=3),
    "a parameter is wanted": lambda s: HISTORY(s)["parameters"].append(WANTED),
    "a parameter is gone": lambda s: HISTORY(s)["parameters"].pop(0),
    "a status is gone": lambda s: at("paths", "/api/v1/events/{id}/register", "post")(s)[
        "responses"
    ].pop("202"),
    "signing in is wanted": lambda s: at("paths", "/api/v1/businesses", "get")(s).update(
        security=[{"bearer": []}]
    ),
}
GROWTH: dict[str, Change] = {
    "nothing": lambda s: None,
    "a path more": lambda s: s["paths"].update({"/api/v1/new": ME(s)}),
    "a field more in an answer": lambda s: BALANCE(s)["properties"].update(x={"type": "string"}),
    "a field more that may be sent": lambda s: REFUND(s)["properties"].update(x={"type": "string"}),
    "a value more in an answer": lambda s: at("components", "schemas", "EventState")(s)[
        "enum"
    ].append("x"),
    "a parameter more": lambda s: HISTORY(s)["parameters"].append(WANTED | {"required": False}),
}


@pytest.mark.parametrize("name", BREAKS)
def test_a_break_is_seen(schema: dict[str, Any], name: str) -> None:
    changed = copy.deepcopy(schema)
    BREAKS[name](changed)

    assert Diff(schema, changed).breaks() != []


@pytest.mark.parametrize("name", GROWTH)
def test_growth_is_no_break(schema: dict[str, Any], name: str) -> None:
    changed = copy.deepcopy(schema)
    GROWTH[name](changed)

    assert Diff(schema, changed).breaks() == []
