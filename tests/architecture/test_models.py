"""Keys point down the list of apps, money is exact, rules have names that a person can read."""

import re
import tomllib
from pathlib import Path

import pytest
from django.apps import apps
from django.conf import settings
from django.db import models

PYPROJECT = tomllib.loads((Path(settings.BASE_DIR) / "pyproject.toml").read_text())
MONEY = {
    "accrued",
    "amount",
    "available",
    "balance",
    "bonus_accrued",
    "bonus_spent",
    "clawed",
    "cost",
    "debt",
    "discount",
    "expired",
    "held",
    "max_sale",
    "paid",
    "pending",
    "price",
    "repaid",
    "revoked",
    "spent",
    "sum",
    "threshold",
    "to_pay",
    "total",
}
OURS = [model for model in apps.get_models() if model.__module__.startswith("apps.")]
FIELDS = [(model, field) for model in OURS for field in model._meta.get_fields() if field.concrete]
KEYS = [(model, field) for model, field in FIELDS if field.is_relation]


def rank() -> dict[str, int]:
    """App → its height in the list that import-linter holds for imports."""
    [layers] = [
        contract["layers"]
        for contract in PYPROJECT["tool"]["importlinter"]["contracts"]
        if contract["type"] == "layers" and contract.get("exhaustive")
    ]
    return {
        app.strip(): height
        for height, layer in enumerate(reversed(layers))
        for app in layer.split("|")
    }


def name(model: type[models.Model], field: models.Field) -> str:
    return f"{model._meta.label}.{field.name}"


def is_ours(model: type[models.Model]) -> bool:
    return model.__module__.startswith("apps.")


def test_keys_point_down_the_list_of_apps() -> None:
    """Keys by string too, which no import linter sees."""
    height = rank()

    upwards = [
        f"{name(model, field)} → {field.related_model._meta.label}"
        for model, field in KEYS
        if is_ours(field.related_model)
        and height[model._meta.app_label] < height[field.related_model._meta.app_label]
    ]

    assert upwards == []


def test_siblings_hold_no_keys_to_each_other() -> None:
    height = rank()

    across = [
        name(model, field)
        for model, field in KEYS
        if is_ours(field.related_model)
        and model._meta.app_label != field.related_model._meta.app_label
        and height[model._meta.app_label] == height[field.related_model._meta.app_label]
    ]

    assert across == []


def test_nobody_climbs_back_from_another_app() -> None:
    """`user.purchases` would be a hidden import upwards."""
    open_doors = [
        name(model, field)
        for model, field in KEYS
        if is_ours(field.related_model)
        and model._meta.app_label != field.related_model._meta.app_label
        and not field.remote_field.hidden
    ]

    assert open_doors == []


def test_no_floats() -> None:
    assert [
        name(model, field) for model, field in FIELDS if isinstance(field, models.FloatField)
    ] == []


def test_money_is_exact() -> None:
    """Roubles with two decimals outside of the ledger, whole kopecks in it."""
    wrong = [
        name(model, field)
        for model, field in FIELDS
        if field.name in MONEY
        and not field.is_relation
        and not isinstance(field, models.BigIntegerField)
        and not (isinstance(field, models.DecimalField) and field.decimal_places == 2)
    ]

    assert wrong == []


def test_money_is_exact_in_clickhouse_too() -> None:
    files = sorted((Path(settings.BASE_DIR) / "apps").rglob("clickhouse/*.sql"))

    assert files
    assert [file.name for file in files if re.search(r"\bFloat(32|64)\b", file.read_text())] == []


@pytest.mark.parametrize("model", OURS, ids=lambda model: model._meta.label)
def test_rules_and_indexes_read_as_sentences(model: type[models.Model]) -> None:
    """Two words and more, and no tail of hexadecimal digits that Django makes up."""
    named = [one.name for one in [*model._meta.constraints, *model._meta.indexes]]

    assert [one for one in named if not re.fullmatch(r"[a-z]+(_[a-z0-9]+)+", one)] == []
    assert [one for one in named if re.search(r"_[0-9a-f]{6,}(_|$)", one)] == []
    assert not model._meta.unique_together
