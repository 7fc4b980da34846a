"""How an import ends when it does not go well: stopped, refused by the books, a line of nothing."""

import io
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from django.core.management import CommandError, call_command
from django.db import InterfaceError, OperationalError
from django.utils import timezone
from psycopg.errors import AdminShutdown, DeadlockDetected

from apps.accounts.models import User
from apps.analytics import loader
from apps.transactions.imports import running, writing
from apps.transactions.imports.reading import COLUMNS, FileRefused, Line, PurchaseFile
from apps.transactions.imports.rows import Purchase, RowReader
from apps.transactions.models import Transaction
from tests.data.purchases import HEADER, made_up, write_csv
from tests.factories.businesses import BusinessFactory

pytestmark = pytest.mark.django_db
ANNA = "+79161234567"
GOOD = f"{ANNA},2026-01-02,100.00,A-1"


@pytest.fixture
def said():
    return io.StringIO()


@pytest.fixture
def run(business, said):
    """The command on a file."""

    def call(path, *words):
        call_command("import_purchases", path, "--business", business.slug, *words, stdout=said)

    return call


def reader(limit="1000000"):
    return RowReader(
        columns=COLUMNS, zone="Europe/Moscow", limit=Decimal(limit), now=timezone.now()
    )


# --- stopped --------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("stop", "code", "words"),
    [
        (KeyboardInterrupt, 130, "Прервано. Запустите ту же команду ещё раз"),
        (OperationalError, 1, "База данных не отвечает. Запустите ту же команду ещё раз"),
        (InterfaceError, 1, "База данных не отвечает. Запустите ту же команду ещё раз"),
    ],
)
def test_stopped_import_says_how_far_it_came(run, said, tmp_path, monkeypatch, stop, code, words):
    path = write_csv(tmp_path / "sales.csv", made_up(6))
    real, calls = running.write_batch, []

    def falls(**given):
        calls.append(1)
        if len(calls) == 3:
            raise stop
        return real(**given)

    monkeypatch.setattr(running, "write_batch", falls)
    with pytest.raises(CommandError, match=words) as stopped:
        run(path, "--no-load", "--batch", "2")
    monkeypatch.undo()
    run(path, "--no-load")

    assert stopped.value.returncode == code
    first, second = said.getvalue().splitlines()
    assert "добавлено продаж: 4" in first.lower()
    assert "Уже были: 4" in second
    assert Transaction.objects.count() == 6


@pytest.mark.parametrize("size", ["0", "5001", "-1", "ten"])
def test_batch_is_a_number_that_fits(run, tmp_path, size):
    path = write_csv(tmp_path / "sales.csv", [GOOD])

    with pytest.raises(CommandError, match="1 to 5000"):
        run(path, f"--batch={size}")

    assert not Transaction.objects.exists()


def test_sales_are_in_the_books_while_clickhouse_is_away(facts, run, said, tmp_path, settings):
    path = write_csv(tmp_path / "sales.csv", [GOOD])
    there = settings.CLICKHOUSE
    settings.CLICKHOUSE = there | {"embedded": False, "url": "http://127.0.0.1:9/none"}

    run(path)
    settings.CLICKHOUSE = there

    assert "ClickHouse не отвечает: продажи попадут туда следующим заходом." in said.getvalue()
    assert Transaction.objects.count() == 1
    assert loader.load_waiting() > 0


# --- refused by the books -------------------------------------------------------------------------
def purchase(key="A-1", phone=ANNA):
    found = reader().read(Line(2, f"{phone},2026-01-02,100.00,{key}".encode(), 0))
    assert isinstance(found, Purchase)
    return found


def test_place_that_was_closed_meanwhile_takes_no_rows():
    closed = BusinessFactory(state="suspended")

    outcome = writing.write_batch(business=closed, purchases=[purchase(), purchase("A-2")])

    assert (outcome.added, outcome.known, Transaction.objects.count()) == (0, 0, 0)
    assert [(one.line, one.message) for one in outcome.faults] == [
        (2, "Этот партнёр сейчас продажи не принимает.")
    ] * 2
    assert ANNA not in outcome.faults[0].original


@pytest.mark.parametrize(("clashes", "added"), [(1, 1), (2, 1), (3, 0)])
def test_clash_with_another_writer_is_tried_three_times(business, monkeypatch, clashes, added):
    real, tries = writing._write, []

    def meets(*given):
        tries.append(1)
        if len(tries) <= clashes:
            raise OperationalError from DeadlockDetected()
        return real(*given)

    monkeypatch.setattr(writing, "_write", meets)

    if added:
        assert writing.write_batch(business=business, purchases=[purchase()]).added == 1
    else:
        with pytest.raises(OperationalError):
            writing.write_batch(business=business, purchases=[purchase()])
    assert (Transaction.objects.count(), len(tries)) == (added, min(clashes + 1, 3))


def test_database_that_goes_away_is_not_asked_again(business, monkeypatch):
    tries = []

    def falls(*given):
        tries.append(1)
        raise OperationalError from AdminShutdown()

    monkeypatch.setattr(writing, "_write", falls)

    with pytest.raises(OperationalError):
        writing.write_batch(business=business, purchases=[purchase()])
    assert tries == [1]


# --- lines and files of nothing -------------------------------------------------------------------
def test_overlong_line_is_skipped_whole_and_called_so(run, tmp_path):
    """Cut off in the middle of a Cyrillic letter it is still too long, not in another encoding."""
    long = ["x" * 40_000, "x" + "я" * 20_000, "я" * 20_000]
    path = write_csv(tmp_path / "sales.csv", [*long, GOOD])

    with pytest.raises(CommandError) as stopped:
        run(path, "--no-load")

    assert stopped.value.returncode == 2
    report = path.with_name("sales.csv.errors.csv").read_text(encoding="utf-8-sig")
    rows = [row.split(";")[:3] for row in report.splitlines()[1:]]
    assert [(line, words) for line, _column, words in rows] == [
        (str(n), "Строка слишком длинная.") for n in (2, 3, 4)
    ]
    assert list(Transaction.objects.values_list("receipt_number", flat=True)) == ["A-1"]


def test_line_that_was_changed_under_our_hands_is_one_fault():
    """The file was whole when it was looked through, then somebody saved it anew."""
    raw = f"{ANNA},2026-01-02,10,Чек".encode("cp1251")

    [fault] = reader().read(Line(9, raw, 0))

    assert (fault.line, fault.message) == (9, "Строка не в UTF-8.")
    assert ANNA not in fault.original


def test_phone_is_hidden_even_where_quotes_stand_in_it(business):
    [fault] = reader().read(Line(2, b'"8""9161234567",2026-01-02,10,A-1', 0))

    assert (fault.field, "9161234567" in fault.original) == ("phone", False)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"x" * 20_000, "Первая строка слишком длинная: это не CSV с покупками."),
        (b"phone\n", "В заголовке не хватает"),
        (f'"{HEADER}\n{GOOD}'.encode(), "Первая строка должна называть столбцы"),
        (f"{HEADER}\n{GOOD}\n".encode() + b"\xff\x98\xfe", r"не в UTF-8 \(строка 3\)\. Сохраните"),
        (f"{HEADER}\n{GOOD}\n".encode() + b"\xd6\xfc\xdf", "не в UTF-8"),
        (f"{HEADER}\n{GOOD}\n".encode() + "Чек".encode("cp1251"), "Похоже на Windows-1251"),
    ],
    ids=["long", "one column", "open quote", "no letters", "cp1252", "cp1251"],
)
def test_file_that_is_not_one_says_why(tmp_path, data, words):
    path = tmp_path / "sales.csv"
    path.write_bytes(data)

    with pytest.raises(FileRefused) as refused:
        PurchaseFile(path)

    assert words.replace("\\", "") in str(refused.value)
    assert not User.objects.exists()


# --- comparing ------------------------------------------------------------------------------------
def compare(path, slug):
    out = io.StringIO()
    call_command("compare_purchases", path, "--business", slug, stdout=out)
    return out.getvalue()


def test_comparing_counts_what_cannot_be_read(facts, run, tmp_path, business):
    path = write_csv(tmp_path / "sales.csv", [GOOD, "112,2026-01-02,10,A-2"])
    with pytest.raises(CommandError):
        run(path)

    told = compare(path, business.slug)

    assert "Строк не прочитано: 1" in told


@pytest.mark.parametrize(
    ("slug", "name", "words"),
    [
        ("nobody", "sales.csv", "Нет бизнеса «nobody»"),
        (None, "nowhere.csv", "Нет файла"),
    ],
)
def test_comparing_wrong_things_is_one_sentence(tmp_path, business, slug, name, words):
    write_csv(tmp_path / "sales.csv", [GOOD])

    with pytest.raises(CommandError, match=words):
        compare(tmp_path / name, slug or business.slug)


def test_comparing_needs_clickhouse(facts, run, tmp_path, business, settings):
    path = write_csv(tmp_path / "sales.csv", [GOOD])
    run(path)
    there = settings.CLICKHOUSE
    settings.CLICKHOUSE = there | {"embedded": False, "url": "http://127.0.0.1:9/none"}

    with pytest.raises(CommandError, match="ClickHouse не отвечает."):
        compare(path, business.slug)

    assert Transaction.objects.get().occurred_at == datetime(2026, 1, 1, 21, tzinfo=UTC)
