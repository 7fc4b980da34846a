"""The four tables agree to the kopeck: the file, sales, ledger, ClickHouse."""

import io
import os
import signal
import subprocess
import sys
import time
from decimal import Decimal
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import connection

from apps.loyalty.queries import ledger_faults
from apps.transactions.models import Transaction
from tests.data.cdnow import ROWS, TOTAL, Unobtainable, sample_csv
from tests.data.purchases import made_up, write_csv
from tests.factories.businesses import BusinessFactory


@pytest.fixture(autouse=True)
def _clickhouse(facts):
    """Every test here reads and writes the engine."""


def imported(path: Path, slug: str) -> None:
    call_command("import_purchases", path, "--business", slug, stdout=io.StringIO())


def compared(path: Path, slug: str) -> list[list[str]]:
    """Name, rows and sum of each of the four; the last words of the answer below."""
    out = io.StringIO()
    call_command("compare_purchases", path, "--business", slug, stdout=out)
    lines = out.getvalue().replace("\u00a0", "").splitlines()
    return [line.rsplit(maxsplit=2)[1:] for line in lines[:4]]


@pytest.mark.django_db
def test_three_hundred_rows_agree_in_all_stores(tmp_path, business):
    path = write_csv(tmp_path / "sales.csv", made_up(300))
    total = sum(Decimal(row.split(",")[2]) for row in made_up(300))

    imported(path, business.slug)

    expected = ["300", f"{total:.2f}".replace(".", ",")]
    assert compared(path, business.slug) == [expected] * 4


@pytest.mark.django_db
def test_a_row_that_is_not_booked_is_named(tmp_path, business):
    imported(write_csv(tmp_path / "sales.csv", made_up(5)), business.slug)
    longer = write_csv(tmp_path / "longer.csv", made_up(7))

    with pytest.raises(CommandError, match="7, 8"):
        compared(longer, business.slug)


@pytest.mark.django_db
def test_facts_on_the_way_are_a_difference_that_explains_itself(tmp_path, business):
    path = write_csv(tmp_path / "sales.csv", made_up(5))
    call_command(
        "import_purchases", path, "--business", business.slug, "--no-load", stdout=io.StringIO()
    )

    with pytest.raises(CommandError, match="5"):
        compared(path, business.slug)


@pytest.mark.django_db
def test_repeated_rows_count_once_and_other_sales_do_not_count(tmp_path, business):
    rows = made_up(4)
    imported(write_csv(tmp_path / "other.csv", made_up(9)[6:]), business.slug)
    path = write_csv(tmp_path / "sales.csv", [*rows, rows[0]])

    imported(path, business.slug)

    assert [row[0] for row in compared(path, business.slug)] == ["4"] * 4


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)  # in one transaction nothing is ever analyzed: O(n²)
def test_cdnow_agrees_to_the_cent(monkeypatch):
    try:
        path = sample_csv()
    except Unobtainable as sorry:
        pytest.skip(str(sorry))
    business = BusinessFactory(slug="cdnow", category="cosmetics")
    # Listeners are the worker's; tasks run in the caller here, so no bell rings.
    monkeypatch.setattr("apps.core.outbox.ring_bell", lambda: None)

    imported(path, business.slug)

    assert compared(path, business.slug) == [[str(ROWS), TOTAL.replace(".", ",")]] * 4
    assert ledger_faults() == {}


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_kill_9_at_any_point_loses_and_doubles_nothing(tmp_path):
    """A real process, killed after every few batches until a run comes through."""
    business = BusinessFactory()
    path = write_csv(tmp_path / "sales.csv", made_up(800))
    given = connection.settings_dict
    address = "postgres://{USER}:{PASSWORD}@{HOST}:{PORT}/{NAME}".format(**given)
    command = [sys.executable, "manage.py", "import_purchases", str(path), "--no-load"]
    command += ["--business", business.slug, "--batch", "20"]
    kills = 0
    for step in (1, 60, 150, 250, 5000):
        goal = Transaction.objects.count() + step
        child = subprocess.Popen(
            command, cwd=settings.BASE_DIR, env=os.environ | {"DATABASE_URL": address}
        )
        while child.poll() is None and Transaction.objects.count() < goal:
            time.sleep(0.01)
        if child.poll() is None:
            child.send_signal(signal.SIGKILL)
            kills += 1
        child.wait()
        assert ledger_faults() == {}
    imported(path, business.slug)

    assert kills == 4
    assert [row[0] for row in compared(path, business.slug)] == ["800"] * 4
    assert Transaction.objects.count() == 800
