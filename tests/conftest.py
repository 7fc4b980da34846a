"""Fixtures that every test may use. Real PostgreSQL, Valkey and ClickHouse engine, no mocks of ours."""

import gc
import importlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.conf import settings
from django.core.cache import cache
from django.test import Client, TransactionTestCase
from django.utils import timezone

from apps.core import clickhouse, clickhouse_migrations, redis_line
from apps.core.http import lately
from apps.loyalty import settings_queries
from apps.loyalty.models import Badge
from tests import database, fact_tables
from tests.api import Api
from tests.engine import Engine
from tests.factories.accounts import UserFactory
from tests.factories.businesses import BusinessFactory, staff_of

WORKER = os.environ.get("PYTEST_XDIST_WORKER", "gw0")


@pytest.fixture(scope="session")
def django_db_setup(
    django_test_environment: None, django_db_modify_db_settings: None, django_db_blocker: Any
) -> Iterator[None]:
    """In place of pytest-django's own, which migrates an empty database in each process."""
    with django_db_blocker.unblock():
        database.create()
        seed_reference_rows()  # their words may be newer than the migrated database
        database.remember()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", lambda case: database.restore())
        yield
    with django_db_blocker.unblock():
        database.drop()


def pytest_collection_finish() -> None:
    """What was imported stays until the end: the collector need not walk over it again."""
    gc.freeze()


def uses_database(request: pytest.FixtureRequest) -> bool:
    return "db" in request.fixturenames or bool(request.node.get_closest_marker("django_db"))


def seed_reference_rows() -> None:
    """The rows of data migrations."""
    for module in (
        "apps.accounts.migrations.0002_tiers",
        "apps.accounts.migrations.0004_privacy_data",
        "apps.accounts.migrations.0006_code_limits",
        "apps.businesses.migrations.0002_network",
        "apps.notifications.migrations.0003_words",
        "apps.loyalty.migrations.0009_badges",
        "apps.loyalty.migrations.0010_settings",
    ):
        importlib.import_module(module).seed(apps, None)


@pytest.fixture(autouse=True)
def _badges_pay_nothing(request: pytest.FixtureRequest) -> None:
    """A balance in a test is made of what the test does; badges have tests of their own."""
    pays = request.module.__name__.endswith((".test_badges", ".test_demo", ".test_demo_books"))
    if not pays and uses_database(request):
        request.getfixturevalue("_django_db_helper")
        Badge.objects.exclude(bonus=0).update(bonus=0)


@pytest.fixture(autouse=True)
def _own_files(tmp_path: Path, settings: Any) -> None:
    """What a test writes outside of the database goes to its own folder."""
    settings.DEV_SMS_FILE = str(tmp_path / "sms.jsonl")
    settings.ERASURE_JOURNAL = tmp_path / "erasures.jsonl"
    settings.AUDIT_ANCHOR_FILE = tmp_path / "audit-anchors.jsonl"


@pytest.fixture(autouse=True)
def _empty_cache() -> Iterator[None]:
    yield
    redis_line.forget_silence()  # a test may have closed it
    cache.clear()
    lately.forget()
    settings_queries.forget()


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine | None]:
    """The embedded engine on a folder of this worker's own; None where there is a server."""
    if not settings.CLICKHOUSE["embedded"]:
        yield None
        return
    settings.CLICKHOUSE["path"] = str(tmp_path_factory.mktemp("clickhouse"))
    kept = Engine()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(clickhouse, "_embedded", kept.session)
        yield kept
    kept.close()


@pytest.fixture(scope="session")
def _clickhouse_ready(
    django_db_setup: None, django_db_blocker: Any, engine: Engine | None
) -> Iterator[None]:
    """A database of this worker's own, migrated to the newest step."""
    settings.CLICKHOUSE["database"] = f"test_{settings.TEST_RUN}_{WORKER}"
    with django_db_blocker.unblock():
        clickhouse_migrations.migrate()
    yield
    with clickhouse.session() as client:
        client.command(f"DROP DATABASE IF EXISTS `{clickhouse.database()}`")


@pytest.fixture
def facts(_clickhouse_ready: None, db: None) -> None:
    """ClickHouse with empty fact tables."""
    fact_tables.empty()


@pytest.fixture
def api() -> Api:
    """The REST API as nobody; `api.as_(user)` signs somebody in."""
    return Api()


@pytest.fixture
def member(db: None) -> Any:
    return UserFactory()


@pytest.fixture
def business(db: None) -> Any:
    return BusinessFactory()


@pytest.fixture
def staff(business: Any) -> Any:
    return staff_of(business)


@pytest.fixture
def owner(business: Any) -> Any:
    return staff_of(business, role="business_owner")


@pytest.fixture
def at() -> Any:
    return timezone.now()


@pytest.fixture
def browser_client() -> Client:
    return Client()
