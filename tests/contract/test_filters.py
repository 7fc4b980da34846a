"""What a list is asked by is understood or refused by its name, never passed over: whoever mistypes
a filter would take everybody's rows for the answer. Generated from the schema."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.api import Api
from tests.factories.accounts import UserFactory

pytestmark = pytest.mark.django_db
WRONG = {"boolean": ["maybe", "1"], "integer": ["x", "0"], "enum": ["no-such"]}
WRONG_FORMATS = {
    "date": ["20260131", "2026-02-30", "2026-01-31T00:00:00Z"],
    "date-time": ["yesterday", "2026-01-31", "2026-01-31T10:30:00"],
    "uuid": ["x"],
}


def wrong_values(shape: dict[str, Any]) -> list[str]:
    kind = "enum" if "enum" in shape else shape.get("type", "")
    return ["", " ", *WRONG.get(kind, []), *WRONG_FORMATS.get(shape.get("format", ""), [])]


def asked(schema: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    """(address, parameter, a value that it cannot have)"""
    for path, methods in schema["paths"].items():
        if "get" not in methods or "{" in path:
            continue
        for one in methods["get"].get("parameters", []):
            if one.get("in") == "query":
                for value in wrong_values(one["schema"]):
                    yield path.removeprefix("/api/v1"), one["name"], value


def test_no_filter_is_passed_over(
    schema: dict[str, Any], api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("apps.core.http.throttles.ByCaller.allow_request", lambda *_: True)
    admin, tried, taken = api.as_(UserFactory(job="superadmin")), 0, []

    for path, name, value in asked(schema):
        tried += 1
        answer = admin.get(path, {name: value})
        details = answer.json().get("error", {}).get("details", {})
        named = answer.status_code in (400, 404) or name in details
        if answer.status_code not in (400, 404, 422) or not named:
            taken.append(f"{path}?{name}={value!r}: {answer.status_code} {details}")

    assert taken == []
    assert tried > 150


def test_an_empty_value_is_no_value_in_the_schema_too(schema: dict[str, Any]) -> None:
    said = [
        one["allowEmptyValue"]
        for methods in schema["paths"].values()
        for operation in methods.values()
        for one in operation.get("parameters", [])
        if one.get("in") == "query"
    ]

    assert set(said) == {False}
