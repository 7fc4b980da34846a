"""One row of a system as a document: what counts, what is nobody's, what cannot be read."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from apps.crm.adapters import NOBODY
from apps.crm.adapters.amocrm.mapping import lead, phones
from apps.crm.adapters.iiko.mapping import documents
from apps.crm.adapters.onec.mapping import EMPTY, RETAIL, receipt
from apps.crm.adapters.renovatio import mapping as renovatio
from apps.crm.adapters.yclients import mapping as yclients
from apps.crm.enums import Reason

MOSCOW = ZoneInfo("Europe/Moscow")
NOON = datetime(2026, 11, 1, 9, tzinfo=UTC)  # twelve in Moscow

# --- YCLIENTS: a line of the feed of money -------------------------------------------------------
LINE: dict[str, Any] = {
    "id": 1001,
    "document_id": 501001,
    "expense": {"id": 5},
    "date": "2026-11-01T12:00:00+0300",
    "amount": "2500.00",
    "client": {"id": 7, "phone": 79161234567},
    "last_change_date": "2026-11-01T12:05:00+0300",
}


def line(**changed: Any) -> Any:
    return yclients.payment(LINE | changed, MOSCOW, yclients.SOLD)


def test_a_payment_is_a_sale_of_its_guest() -> None:
    found = line()

    assert (found.external_id, found.amount, found.occurred_at) == ("1001", Decimal(2500), NOON)
    assert (found.customer.id, found.customer.phone) == ("7", "+79161234567")
    assert (found.receipt_number, found.gone, found.fault) == ("501001", False, None)


@pytest.mark.parametrize(
    "changed",
    [
        {"expense": {"id": 4}},  # a salary
        {"expense": None, "expense_id": 13},
        {"id": "draft"},
        {"date": None},
        {"date": "soon"},
        {"date": "soon", "amount": "much"},
    ],
)
def test_money_that_is_no_sale(changed: dict[str, Any]) -> None:
    assert line(**changed) is None


def test_a_sum_that_cannot_be_read_is_put_aside() -> None:
    found = line(amount="much")

    assert (found.amount, found.fault, found.occurred_at) == (0, Reason.BAD_AMOUNT, NOON)


@pytest.mark.parametrize("changed", [{"amount": "-2500"}, {"deleted": "1"}, {"deleted": True}])
def test_money_that_went_back_counts_nothing(changed: dict[str, Any]) -> None:
    assert line(**changed).gone


@pytest.mark.parametrize(
    ("client", "phone"),
    [
        ({"id": 7, "phone": "+7916***4567"}, ""),
        ({"id": 7, "phone": "4567"}, ""),
        ({"id": 7, "phone": ""}, ""),
        ({"id": 7, "phone": "89161234567"}, "+89161234567"),
    ],
)
def test_a_phone_that_is_hidden_is_none(client: dict[str, Any], phone: str) -> None:
    assert line(client=client).customer.phone == phone


@pytest.mark.parametrize("client", [[], None, {"id": 0}])
def test_a_walk_in_is_nobody(client: Any) -> None:
    assert line(client=client).customer == NOBODY


def test_a_change_without_a_date_has_no_version() -> None:
    assert line(last_change_date="yesterday").version == 0
    assert line(last_change_date=None).version == 0
    assert line().version == 1793523900000


@pytest.mark.parametrize(
    ("record", "off"),
    [
        (None, True),
        ({"deleted": True}, True),
        ({"attendance": -1}, True),
        ({"attendance": "-1"}, True),
        ({"attendance": 1, "deleted": False}, False),
        ({"attendance": 0}, False),  # she is being waited for
    ],
)
def test_appointments_that_never_were(record: Any, off: bool) -> None:
    assert yclients.called_off(record) is off


def test_appointment_without_a_time_or_documents() -> None:
    assert yclients.session_of({"datetime": "later"}, MOSCOW) is None
    assert yclients.session_of({"date": "2026-11-01 12:00:00"}, MOSCOW) == NOON
    assert yclients.receipts({"documents": None}) == []
    assert yclients.receipts({"documents": [{"id": 5}, {"id": 0}, "x"]}) == ["5"]


# --- Renovatio: invoices, payments, patients -----------------------------------------------------
INVOICE: dict[str, Any] = {
    "id": 9,
    "date": "01.11.2026 12:00",
    "status": "2",
    "value": "5 400,50",
    "patient_id": 3,
}


def test_a_paid_invoice_is_a_sale() -> None:
    found = renovatio.invoice(INVOICE, MOSCOW)

    assert found is not None
    assert (found.amount, found.occurred_at, found.gone) == (Decimal("5400.50"), NOON, False)


@pytest.mark.parametrize("changed", [{"date": "soon"}, {"date": None}, {"id": None}])
def test_an_invoice_without_a_day_or_number_is_none(changed: dict[str, Any]) -> None:
    assert renovatio.invoice(INVOICE | changed, MOSCOW) is None


@pytest.mark.parametrize("status", ["1", "3", None])
def test_an_invoice_that_is_not_paid_counts_nothing(status: str | None) -> None:
    found = renovatio.invoice(INVOICE | {"status": status}, MOSCOW)
    assert found is not None
    assert found.gone


@pytest.mark.parametrize("value", ["much", "NaN", None])
def test_an_invoice_without_a_sum_is_put_aside(value: Any) -> None:
    found = renovatio.invoice(INVOICE | {"value": value}, MOSCOW)
    assert found is not None
    assert (found.amount, found.fault) == (0, Reason.BAD_AMOUNT)


PAID: dict[str, Any] = {
    "payment_id": 70,
    "amount": 5400,
    "date_paid": "01.11.2026",
    "invoice_id": 9,
}


@pytest.mark.parametrize(
    "row",
    [
        PAID,
        {"id": 70, "sum": "5400.00", "paid_at": "01.11.2026 00:00", "invoice_id": "9"},
        {"id": "70", "value": "5400", "created_at": "01.11.2026 00:00:00", "invoice_id": 9},
    ],
)
def test_payments_are_read_by_any_of_their_names(row: dict[str, Any]) -> None:
    found = renovatio.payment(row, MOSCOW, renovatio.Register([row]))

    assert found is not None
    assert (found.external_id, found.amount, found.receipt_number) == ("70", 5400, "9")
    assert found.occurred_at == datetime(2026, 10, 31, 21, tzinfo=UTC)


@pytest.mark.parametrize("changed", [{"date_paid": ""}, {"date_paid": "1.11"}, {"payment_id": ""}])
def test_a_payment_without_a_day_or_number_is_none(changed: dict[str, Any]) -> None:
    assert renovatio.payment(PAID | changed, MOSCOW, renovatio.Register([])) is None


def test_a_payment_without_a_sum_is_put_aside_and_stands_for_nothing() -> None:
    row = PAID | {"amount": "much"}
    register = renovatio.Register([row])

    found = renovatio.payment(row, MOSCOW, register)

    assert found is not None
    assert found.fault == Reason.BAD_AMOUNT
    assert register.original(PAID | {"amount": -100}) == ""


@pytest.mark.parametrize("written", ["", "01.05", "31.02.1990", "май", None])
def test_a_birth_date_that_is_none(written: Any) -> None:
    assert renovatio.birth_date({"birth_date": written}) is None
    assert renovatio.birth_date({"birth_date": "01.05.1990"}) == date(1990, 5, 1)


# --- amoCRM: leads -------------------------------------------------------------------------------
LEAD: dict[str, Any] = {
    "id": 5,
    "price": 9000,
    "status_id": 142,
    "pipeline_id": 77,
    "updated_at": 1793523900,
    "closed_at": 1793523600,
    "_embedded": {"contacts": [{"id": 8}, {"id": 4, "is_main": True}]},
}


def field(*values: Any) -> dict[str, Any]:
    return {"custom_fields_values": [{"field_id": 900, "values": list(values)}]}


def deal(*, pipelines: tuple[str, ...] = (), name: str = "", **changed: Any) -> Any:
    return lead(LEAD | changed, pipelines=pipelines, field=name)


def test_a_won_lead_is_a_sale_of_its_main_contact() -> None:
    found = deal(pipelines=("77",))

    assert (found.amount, found.occurred_at, found.gone) == (9000, NOON, False)
    assert (found.customer_id, found.version) == ("4", 1793523900)


def test_leads_of_another_pipeline_or_without_a_number_are_none() -> None:
    assert deal(pipelines=("78",)) is None
    assert deal(id=None) is None


@pytest.mark.parametrize("changed", [{"status_id": 143}, {"is_deleted": True}])
def test_a_lead_that_is_not_won_counts_nothing(changed: dict[str, Any]) -> None:
    found = deal(**changed)
    assert (found.gone, found.amount) == (True, 0)


def test_what_was_paid_may_stand_in_a_field_of_the_clinic() -> None:
    assert deal(name="900", **field({"value": "7 200,00"})).amount == 7200
    assert deal(name="901", **field({"value": "7200"})).amount == 0
    assert deal(name="900").amount == 0


@pytest.mark.parametrize("values", [[], [{}], [None], [{"value": "much"}]])
def test_a_field_without_a_sum_puts_only_its_lead_aside(values: list[Any]) -> None:
    found = deal(name="900", **field(*values))

    assert (found.fault, found.amount) == (Reason.BAD_AMOUNT, 0)


def test_mobile_numbers_of_a_contact_come_first() -> None:
    contact = {
        "custom_fields_values": [
            {"field_code": "EMAIL", "values": [{"value": "a@example.test"}]},
            {"field_code": "PHONE", "values": [{"value": "2-12-85"}, {"value": "8 916 1234567"}]},
        ]
    }
    assert phones(contact) == ["8 916 1234567", "2-12-85"]
    assert deal(_embedded={"contacts": []}).customer_id == ""


# --- 1C: receipts --------------------------------------------------------------------------------
RECEIPT: dict[str, Any] = {
    "Ref_Key": "6f0d5a60-0001-11f1-9c3e-000000001001",
    "Number": "РЗ00-000001",
    "Date": "2026-11-01T12:00:00",
    "Posted": True,
    "DeletionMark": False,
    "СуммаДокумента": 1290.5,
    "ДисконтнаяКарта_Key": "ca2d0000-0001-11f1-9c3e-000000001002",
    "ВидОперации": "Продажа",
    "СтатусЧекаККМ": "Пробитый",
}


def slip(*, unposted: bool = True, **changed: Any) -> Any:
    return receipt(RECEIPT | changed, MOSCOW, RETAIL, is_return=False, unposted=unposted)


def test_a_receipt_is_a_sale_by_its_card() -> None:
    found = slip()

    assert (found.amount, found.occurred_at, found.gone) == (Decimal("1290.50"), NOON, False)
    assert found.customer_id == RECEIPT["ДисконтнаяКарта_Key"]
    assert slip(ДисконтнаяКарта_Key=EMPTY).customer_id == ""


@pytest.mark.parametrize(
    "changed", [{"Ref_Key": EMPTY}, {"Ref_Key": "7"}, {"Date": "0001-01-01T00:00:00"}, {"Date": ""}]
)
def test_rows_that_are_no_receipts(changed: dict[str, Any]) -> None:
    assert slip(**changed) is None


@pytest.mark.parametrize("total", ["", None, "Infinity"])
def test_a_receipt_without_a_sum_is_put_aside(total: Any) -> None:
    assert slip(СуммаДокумента=total).fault == Reason.BAD_AMOUNT


def test_shelved_receipts_count_nothing_and_archived_ones_stay() -> None:
    assert slip(СтатусЧекаККМ="Отложенный").gone
    assert slip(СтатусЧекаККМ="Аннулированный").gone
    assert slip(DeletionMark=True).gone
    archived = {"СтатусЧекаККМ": "Архивный", "Posted": False}
    assert not slip(**archived).gone
    assert slip(**archived, unposted=False).gone  # a shop that asked for posted ones only


# --- iiko: rows of the report --------------------------------------------------------------------
ROW: dict[str, Any] = {
    "UniqOrderId.Id": "order-1",
    "CloseTime": "2026-11-01T12:00:00",
    "Storned": "FALSE",
    "OrderDeleted": "NOT_DELETED",
    "DishDiscountSumInt": 1500.0,
    "PayTypes": "Карта",
}


def orders(*rows: dict[str, Any], not_money: tuple[str, ...] = ()) -> list[Any]:
    return documents([ROW | row for row in rows], MOSCOW, not_money=not_money)


def test_rows_of_one_order_are_one_sale_without_the_partners_own_bonuses() -> None:
    bonuses = {"PayTypes": "Бонусы", "DishDiscountSumInt": 300}
    struck = {"DeletedWithWriteoff": "DELETED", "DishDiscountSumInt": 90}

    [found] = orders({}, bonuses, struck, not_money=("Бонусы",))

    assert (found.amount, found.occurred_at) == (1500, NOON)


def test_orders_that_are_open_or_without_a_number_are_none() -> None:
    assert orders({"CloseTime": None, "OpenTime": ""}, {"UniqOrderId.Id": None}) == []


def test_an_order_with_a_sum_that_cannot_be_read_is_put_aside() -> None:
    [found] = orders({}, {"DishDiscountSumInt": "much"})

    assert found.fault == Reason.BAD_AMOUNT


@pytest.mark.parametrize("returned", [{"DishDiscountSumInt": -400}, {"DishReturnSum": 400}])
def test_a_storno_is_a_return_however_it_is_written(returned: dict[str, Any]) -> None:
    zero = {"Storned": "TRUE", "SourceOrderId": "order-0", "DishDiscountSumInt": 0}

    [found] = orders(zero | returned)

    assert (found.kind, found.amount, found.refund_of) == ("refund", 400, "order-0")
