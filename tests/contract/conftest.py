"""The schema once for the folder: making it takes seconds."""

import json
from typing import Any

import pytest
from django.utils import translation
from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.generators import SchemaGenerator


@pytest.fixture(scope="session")
def schema() -> dict[str, Any]:
    GENERATOR_STATS.reset()
    with translation.override("ru"):
        made = SchemaGenerator().get_schema(request=None, public=True)
    return dict(json.loads(json.dumps(made)))
