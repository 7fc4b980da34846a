import csv
import io
import tracemalloc
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.accounts.models import User
from apps.core.progress import Progress
from apps.core.sealing import blind_index
from apps.loyalty.models import Journal, Lot
from apps.loyalty.queries import ledger_faults
from apps.transactions.imports import rows, running
from apps.transactions.imports.reading import PurchaseFile
from apps.transactions.models import Transaction
from tests.data.purchases import HEADER, made_up, write_csv
from tests.factories.accounts import UserFactory
from tests.factories.businesses import BusinessFactory
from tests.threads import race

ANNA = "+79161234567"
GOOD = f"{ANNA},2026-01-02,100.00,A-1"

Run = Callable[..., str]
Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    return lambda *rows, **given: write_csv(tmp_path / "sales.csv", rows, **given)


@pytest.fixture
def run(business) -> Run:
    """The command on a file; what it said."""

    def call(path: Path, *words: str, slug: str = business.slug) -> str:
        out = io.StringIO()
        call_command("import_purchases", path, "--business", slug, "--no-load", *words, stdout=out)
        return out.getvalue()

    return call


def report_of(path: Path) -> list[list[str]]:
    text = path.with_name(f"{path.name}.errors.csv").read_text(encoding="utf-8-sig")
    return list(csv.reader(io.StringIO(text), delimiter=";"))[1:]


def booked() -> list[tuple]:
    rows = Transaction.objects.order_by("occurred_at", "key")
    return [(row.member.phone, row.amount, row.bonus_accrued, row.receipt_number) for row in rows]


# --- rows ----------------------------------------------------------------------------------------
@pytest.mark.django_db
def test_rows_become_sales_of_old_and_new_members(run, write):
    known = UserFactory(phone=ANNA, tier_code="vip")

    said = run(
        write(
            "8 (916) 123-45-67,2026-01-02T23:30,1000.10,A-1",
            '+79990000001,2026-01-03T10:00:00Z,"1 234,50",A-2',
        )
    )

    assert booked() == [
        (ANNA, Decimal("1000.10"), Decimal("70.00"), "A-1"),
        ("+79990000001", Decimal("1234.50"), Decimal("61.72"), "A-2"),
    ]
    sale = Transaction.objects.get(key="import:A-1")
    assert (sale.member_id, sale.source, sale.entered_by_id) == (known.pk, "import", None)
    assert sale.occurred_at == datetime(2026, 1, 2, 20, 30, tzinfo=UTC)  # written in Moscow's time
    joined = User.objects.with_phone("+79990000001").joined_at
    assert joined == datetime(2026, 1, 3, 10, tzinfo=UTC)
    assert "добавлено продаж: 2" in said.lower().replace("\u00a0", " ")
    assert ledger_faults() == {}


@pytest.mark.django_db
def test_columns_stand_in_any_order_and_a_bom_is_no_column(run, tmp_path):
    path = tmp_path / "sales.csv"
    rows = f"amount,receipt_number,phone,occurred_at\r\n10,A-1,{ANNA},2026-01-02\r\n\r\n"
    path.write_bytes(rows.encode("utf-8-sig"))

    run(path)

    assert booked() == [(ANNA, Decimal("10.00"), Decimal("0.50"), "A-1")]


@pytest.mark.django_db
def test_a_zero_sum_is_in_the_books_and_gives_no_lot(run, write):
    run(write(f"{ANNA},2026-01-02,0,A-1"))

    assert booked() == [(ANNA, Decimal("0.00"), Decimal("0.00"), "A-1")]
    assert (Journal.objects.filter(kind="earn").count(), Lot.objects.count()) == (1, 0)


@pytest.mark.django_db
def test_equal_rows_without_receipts_are_different_sales(run, write):
    row = f"{ANNA},2026-01-02,10,"
    path = write(row, f"8{ANNA[2:]},2026-01-02T00:00,10.00,", f"{ANNA},2026-01-02,11,")

    run(path)
    again = run(path)

    sums = sorted(sale[1] for sale in booked())
    assert sums == [Decimal("10.00"), Decimal("10.00"), Decimal("11.00")]
    assert "Уже были: 3" in again


@pytest.mark.django_db
@pytest.mark.parametrize("keyed", ["now", "before"])
def test_after_a_change_of_the_index_key_a_second_run_adds_nothing(
    keyed, run, write, settings, monkeypatch
):
    """Rows keyed as they are now, for ever; rows keyed by the index itself, while it is known."""
    path = write(f"{ANNA},2026-01-02,10,", f"{ANNA},2026-01-02,10,", f"{ANNA},2026-01-03,11,")
    if keyed == "before":
        index = partial(blind_index, purpose="phone")
        monkeypatch.setattr(rows, "lasting_index", lambda phone, purpose: index(phone))
    run(path)
    monkeypatch.undo()
    settings.INDEX_KEY_PREVIOUS, settings.INDEX_KEY = settings.INDEX_KEY, b"o" * 32
    call_command("rotate_index_key")
    if keyed == "now":
        settings.INDEX_KEY_PREVIOUS = b""

    said = run(path)

    assert "Уже были: 3" in said
    assert Transaction.objects.count() == 3


@pytest.mark.django_db
def test_a_second_run_adds_nothing(run, write):
    path = write(*made_up(30))
    run(path)
    before = (Transaction.objects.count(), Journal.objects.count(), User.objects.count())

    said = run(path)

    assert (Transaction.objects.count(), Journal.objects.count(), User.objects.count()) == before
    assert "Уже были: 30" in said


@pytest.mark.django_db
@pytest.mark.parametrize("known", [1, 3])
def test_what_is_there_costs_the_same_for_any_number_of_rows(known, run, write):
    path = write(*made_up(known))
    run(path)

    with CaptureQueriesContext(
        connection,
    ) as statements:
        run(path)

    # the business 1 + one look-up of keys 1 + BEGIN/COMMIT of the test's savepoint 2
    assert len(statements) == 4


@pytest.mark.django_db
def test_a_longer_file_adds_its_new_rows_only(run, write):
    run(write(*made_up(5)))

    said = run(write(*made_up(8)))

    assert Transaction.objects.count() == 8
    assert "Уже были: 5" in said


@pytest.mark.django_db
def test_an_interrupted_import_goes_on(run, write, monkeypatch, business):
    path = write(*made_up(25))
    real, calls = running.write_batch, []

    def lightning(**given):
        calls.append(1)
        if len(calls) == 3:
            raise SystemExit(137)
        return real(**given)

    monkeypatch.setattr(running, "write_batch", lightning)
    with pytest.raises(SystemExit):
        run(path, "--batch", "10")
    assert Transaction.objects.count() == 20
    monkeypatch.setattr(running, "write_batch", real)

    said = run(path, "--batch", "10")

    assert Transaction.objects.count() == 25
    assert "Уже были: 20" in said


# --- refused rows --------------------------------------------------------------------------------
BAD_ROWS = [
    ("916123,2026-01-02,10,A-1", "phone", "мобильный номер"),
    ("+33612345678,2026-01-02,10,A-1", "phone", "мобильный номер"),
    (f"{ANNA},02.01.2026,10,A-1", "occurred_at", "2026-05-31"),
    (f"{ANNA},2026-02-30,10,A-1", "occurred_at", "нет"),
    (f"{ANNA},2026-01-02x10:00,10,A-1", "occurred_at", "2026-05-31"),
    (f"{ANNA},2999-01-02,10,A-1", "occurred_at", "в будущем"),
    (f"{ANNA},0001-01-01,10,A-1", "occurred_at", "нет"),
    (f"{ANNA},2026-01-02,ten,A-1", "amount", "цифрами"),
    (f"{ANNA},2026-01-02,1e3,A-1", "amount", "цифрами"),
    (f"{ANNA},2026-01-02,10.001,A-1", "amount", "цифрами"),
    (f"{ANNA},2026-01-02,-10,A-1", "amount", "отрицательная"),
    (f"{ANNA},2026-01-02,5000000,A-1", "amount", "1000000"),
    (f"{ANNA},2026-01-02,10,{'A' * 61}", "receipt_number", "60"),
    (f"{ANNA},2026-01-02,10,A\x07", "receipt_number", "непечатные"),
    (f"{ANNA},2026-01-02,12,50,A-1", "", "5 вместо 4"),
    (f"{ANNA},2026-01-02", "", "2 вместо 4"),
    (f"{ANNA},2026-01-02,10,A\x001", "", "нулевые"),
    (f'"{ANNA},2026-01-02,10,A-1', "", "авычка"),
    (f'{ANNA},2026-01-02,10,"A-1"x', "", "авычки"),
    ("x" * 20_000, "", "длинная"),
]


@pytest.mark.django_db
@pytest.mark.parametrize(("row", "column", "words"), BAD_ROWS)
def test_a_bad_row_is_reported_and_its_neighbours_are_booked(row, column, words, run, write):
    path = write(f"{ANNA},2026-01-01,1,B-1", row, f"{ANNA},2026-01-03,3,B-3")

    with pytest.raises(CommandError) as stopped:
        run(path)

    assert stopped.value.returncode == 2
    assert str(path) in str(stopped.value)
    [[line, field, message, original]] = report_of(path)
    assert (line, field) == ("3", column)
    assert words in message
    assert ANNA not in original
    assert [sale[3] for sale in booked()] == ["B-1", "B-3"]


@pytest.mark.django_db
def test_a_quote_open_at_the_end_of_the_file_spoils_one_row(run, tmp_path):
    path = tmp_path / "sales.csv"
    path.write_text(f'{HEADER}\n{GOOD}\n{ANNA},2026-01-02,10,"A-2', encoding="utf-8")

    with pytest.raises(CommandError):
        run(path)

    assert [row[0] for row in report_of(path)] == ["3"]
    assert Transaction.objects.count() == 1


@pytest.mark.django_db
def test_every_fault_of_a_row_is_named(run, write):
    path = write("123,yesterday,much,A-1")

    with pytest.raises(CommandError):
        run(path)

    assert [row[1] for row in report_of(path)] == ["phone", "occurred_at", "amount"]
    assert not User.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize(
    "other",
    ["+79160000000,2026-01-02,100,A-1", f"{ANNA},2026-01-03,100,A-1", f"{ANNA},2026-01-02,9,A-1"],
)
@pytest.mark.parametrize("batch", ["1", "10"])
def test_a_receipt_with_other_data_is_refused_and_the_first_stays(other, batch, run, write):
    path = write(GOOD, other, GOOD)

    with pytest.raises(CommandError):
        run(path, "--batch", batch)

    assert booked() == [(ANNA, Decimal("100.00"), Decimal("5.00"), "A-1")]
    assert [row[:2] for row in report_of(path)] == [["3", "receipt_number"]]
    assert User.objects.count() == 1  # nobody is made for a refused row


@pytest.mark.django_db
def test_the_report_hides_phones_and_runs_nothing(run, write):
    path = write(f"{ANNA},2026-01-02,x,A-1", "=1+1,2026-01-02,1,A-2", f"A,{ANNA},1,2,3,4")

    with pytest.raises(CommandError):
        run(path)

    raw = path.with_name("sales.csv.errors.csv").read_bytes()
    assert raw.startswith(b"\xef\xbb\xbf")
    assert [row[3] for row in report_of(path)] == [
        "'+7916·····67,2026-01-02,x,A-1",
        "'=1+1,2026-01-02,1,A-2",
        "A,+7916·····67,1,2,3,4",
    ]


@pytest.mark.django_db
def test_a_clean_run_leaves_no_report(run, write):
    path = write(f"{ANNA},2026-01-02,x,A-1")
    with pytest.raises(CommandError):
        run(path)

    run(write(GOOD))

    assert [file.name for file in path.parent.iterdir() if "errors" in file.name] == []


# --- refused files -------------------------------------------------------------------------------
BAD_FILES = {
    "empty": (b"", "пуст"),
    "only a mark": (b"\xef\xbb\xbf\r\n", "пуст"),
    "semicolons": (HEADER.replace(",", ";").encode(), "точками с запятой"),
    "tabs": (HEADER.replace(",", "\t").encode(), "табуляцией"),
    "no header": (GOOD.encode(), HEADER),
    "column missing": (b"phone,amount,occurred_at\n", "receipt_number"),
    "column too many": (f"{HEADER},name\n".encode(), "name"),
    "cp1251": (f"{HEADER}\n{GOOD}\n{ANNA},2026-01-02,1,Чек".encode("cp1251"), "1251"),
    "utf-16": (f"{HEADER}\n{GOOD}".encode("utf-16"), "UTF-16"),
    "cut": (f"{HEADER}\n{GOOD}\n{ANNA},2026-01-02,1,Чек".encode()[:-1], "обрывается"),
    "old line ends": (f"{HEADER}\r{GOOD}\r".encode(), "Macintosh"),
    "binary": (bytes(range(256)) * 100, "UTF-16"),
}


@pytest.mark.django_db
@pytest.mark.parametrize("name", BAD_FILES)
def test_a_file_that_is_not_one_changes_nothing(name, run, tmp_path):
    data, words = BAD_FILES[name]
    path = tmp_path / "sales.csv"
    path.write_bytes(data)

    with pytest.raises(CommandError, match=words) as stopped:
        run(path)

    assert stopped.value.returncode == 1
    assert (Transaction.objects.count(), list(tmp_path.iterdir())) == (0, [path])


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("words", "given"),
    [
        ("Нет файла", {"path": "nowhere.csv"}),
        ("не файл", {"path": "."}),
        ("Нет бизнеса", {"slug": "nobody"}),
        ("нет такой папки", {"words": ["--report", "nowhere/report.csv"]}),
        ("затёр бы", {"words": ["--report", "sales.csv"]}),
    ],
)
def test_a_wrong_call_is_one_sentence(words, given, run, write, tmp_path, monkeypatch, business):
    monkeypatch.chdir(tmp_path)
    write(GOOD)

    with pytest.raises(CommandError, match=words) as stopped:
        run(
            Path(given.get("path", "sales.csv")),
            *given.get("words", []),
            slug=given.get("slug", business.slug),
        )

    assert stopped.value.returncode == 1
    assert (tmp_path / "sales.csv").read_text().startswith(HEADER)
    assert not Transaction.objects.exists()


@pytest.mark.django_db
def test_a_suspended_partner_imports_nothing(run, write):
    closed = BusinessFactory(state="suspended")

    with pytest.raises(CommandError, match=closed.name):
        run(write(GOOD), slug=closed.slug)


# --- size and races ------------------------------------------------------------------------------
@pytest.mark.slow
def test_a_large_file_is_never_in_memory(tmp_path):
    path = tmp_path / "sales.csv"
    with path.open("w") as file:
        file.write(HEADER + "\n")
        file.writelines(GOOD + "\n" for _ in range(300_000))

    tracemalloc.start()
    lines = sum(1 for _line in PurchaseFile(path).lines())
    _now, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert lines == 300_000
    assert path.stat().st_size > 10_000_000
    assert peak < 6_000_000


@pytest.mark.django_db(transaction=True)
def test_two_imports_of_the_same_people_never_deadlock(tmp_path, run):
    rows = made_up(60, people=30)
    shops = [BusinessFactory(), BusinessFactory()]
    files = [
        write_csv(tmp_path / "there.csv", rows),
        write_csv(tmp_path / "back.csv", reversed(rows)),
    ]

    outcomes = race(2, lambda n: run(files[n], "--batch", "30", slug=shops[n].slug))

    assert all(isinstance(said, str) for said in outcomes), outcomes
    assert (Transaction.objects.count(), User.objects.count()) == (120, 30)
    assert ledger_faults() == {}


@pytest.mark.django_db(transaction=True)
def test_one_file_imported_twice_at_once_is_there_once(tmp_path, run):
    path = write_csv(tmp_path / "sales.csv", made_up(40))
    reports = [tmp_path / "1.csv", tmp_path / "2.csv"]

    outcomes = race(2, lambda n: run(path, "--batch", "10", "--report", str(reports[n])))

    assert all(isinstance(said, str) for said in outcomes), outcomes
    assert Transaction.objects.count() == 40
    assert sum(int(said.split("Добавлено продаж: ")[1].split()[0]) for said in outcomes) == 40


# --- the line on the terminal --------------------------------------------------------------------
class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("stream", "speaks"), [(Terminal(), True), (io.StringIO(), False)])
def test_progress_is_shown_on_a_terminal_only(stream, speaks):
    with Progress(200, stream) as progress:
        progress(50, 10)  # too soon after the start to be drawn
        progress(200, 40)

    assert ("100%" in stream.getvalue(), "строк: 40" in stream.getvalue()) == (speaks, speaks)
