"""A start without what it needs stops with a sentence that names the variable."""

import os
import subprocess
import sys

import pytest
from django.conf import settings

NEEDED = [
    "ANALYTICS_KEY",
    "CLICKHOUSE_URL",
    "CODE_PEPPER",
    "DATABASE_URL",
    "FIELD_KEYS",
    "INDEX_KEY",
    "JWT_KEYS_DIR",
    "REDIS_URL",
    "SECRET_KEY",
]
ONE_BY_ONE = """
import os, runpy, sys
for name in sys.argv[1:]:
    kept = os.environ.pop(name)
    try:
        runpy.run_module("svoykrug.settings")
    except Exception as stop:
        print(stop)
    os.environ[name] = kept
"""


def run(*words: str, **changed: str | None) -> subprocess.CompletedProcess[str]:
    """Python in production with the environment of this run, some of it changed."""
    environment = dict(os.environ) | {"ENVIRONMENT": "production"} | changed
    return subprocess.run(
        [sys.executable, *words],
        cwd=settings.BASE_DIR,
        env={name: value for name, value in environment.items() if value is not None},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("name", ["SECRET_KEY", "DATABASE_URL"])
def test_start_without_a_secret_stops_and_names_it(name: str) -> None:
    done = run("manage.py", "check", **{name: None})

    assert done.returncode != 0
    assert f"{name} is not set." in done.stderr.strip().splitlines()[-1]


def test_each_needed_variable_is_named_in_one_sentence() -> None:
    said = run("-c", ONE_BY_ONE, *NEEDED).stdout.splitlines()

    assert [line.partition(". ")[0] for line in said] == [f"{name} is not set" for name in NEEDED]


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"ENVIRONMENT": "staging"}, "ENVIRONMENT must be development, test or production."),
        ({"INDEX_KEY": "c2hvcnQ="}, "INDEX_KEY must be base64 of exactly 32 bytes."),
    ],
)
def test_value_that_cannot_work_is_refused(changed: dict[str, str], sentence: str) -> None:
    done = run("-c", "import svoykrug.settings", **changed)

    assert done.returncode != 0
    assert done.stderr.strip().endswith(sentence)
