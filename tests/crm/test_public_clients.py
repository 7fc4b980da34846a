"""Clients that others wrote for the real systems understand our simulators: what an adapter reads
there is what it would read from the vendor, as far as the public knows it."""

import json
import subprocess
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from apps.crm.simulator import iiko, onec, yclients
from apps.crm.simulator.world import Sale
from tests.crm.world import Month, Stand

PYTHON = Path(settings.BASE_DIR) / ".venv-clients" / "bin" / "python"
PROGRAMS = Path(__file__).parent / "clients"
pytestmark = [
    pytest.mark.slow,
    pytest.mark.django_db,
    pytest.mark.skipif(
        not PYTHON.exists(), reason="NO PUBLIC CLIENTS RAN: no .venv-clients here (make clients)"
    ),
]
SINCE = timedelta(days=40)


def ask(stand: Stand, name: str, **more: object) -> dict[str, Any]:
    """What the client of `name` understood of the simulator."""
    given = stand.server.describe()[name] | more
    done = subprocess.run(
        [str(PYTHON), str(PROGRAMS / f"{name}.py")],
        input=json.dumps(given, default=str),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def lively(stand: Stand, name: str, sales: int = 120) -> Month:
    """A month of sales with edits, deletions and returns."""
    month = Month(stand, name, seed=4)
    month.sell(sales)
    for _n in range(30):
        month.happen()
    return month


def test_yclients(stand: Stand) -> None:
    month = lively(stand, "yclients")

    told = ask(stand, "yclients")

    visits = [sale for sale in month.sales if sale.id % 5]  # the others were sold at the desk
    rows = {row["visit"]: row for row in told["rows"]}
    assert len(told["rows"]) == len(rows) == len(visits) > 50
    assert told["user"] == 10
    for sale in visits:
        row, guest = rows[sale.id + 200_000], stand.world.guest(sale.guest)
        assert row["phone"] == (guest.phone if guest else "")
        assert row["cost"] == sale.amount
        assert row["deleted"] == (sale.state == "deleted")
        assert row["came"] == (sale.state != "cancelled")
        assert datetime.fromisoformat(row["at"]) == sale.at
    assert {str(yclients.COMPANY)} == {stand.server.describe()["yclients"]["options"]["company_id"]}


def test_iiko(stand: Stand) -> None:
    month = Month(stand, "iiko", seed=4)
    month.now -= timedelta(days=1)
    month.sell(60)
    recent = [sale for sale in month.sales if sale.at > month.now - timedelta(days=25)]
    guest = month.guests[0]
    sale = stand.world.sell("iiko", guest, "2350.50", month.now - timedelta(days=2))
    stand.world.refund(recent[0], recent[0].amount, month.now)
    hook, headers = stand.system("iiko").hook("create", sale)

    told = ask(
        stand,
        "iiko",
        **{
            "from": f"{datetime.now(UTC).date() - timedelta(days=29)}",
            "to": f"{datetime.now(UTC).date() + timedelta(days=1)}",
            "orders": [iiko.guid(88, sale.id)],
            "phone": guest.phone,
            "hook": hook.decode(),
            "authorization": headers["Authorization"],
        },
    )

    assert (told["organization"], told["group"]) == (iiko.ORGANIZATION, "Зал")
    assert set(told["columns"]) == set(iiko.COLUMNS)
    assert told["orders"] == [
        {"pos": iiko.guid(88, sale.id), "phone": guest.phone, "sum": "2350.5"}
    ]
    assert told["guest"] == guest.phone
    assert told["cards"] == [f"SK{guest.id:06d}"]
    assert told["strangerRefused"]
    assert (told["event"], told["eventOrder"]) == ("TableOrderUpdateEvent", iiko.guid(88, sale.id))
    assert told["proved"]
    receipts = {
        row["UniqOrderId.Id"]: Decimal(str(row["DishDiscountSumInt"]))
        for row in told["rows"]
        if row["DeletedWithWriteoff"] == "NOT_DELETED" and row["Storned"] == "FALSE"
    }
    assert all(receipts[iiko.guid(88, one.id)] == one.amount for one in [*recent, sale])
    [storno] = [row for row in told["rows"] if row["Storned"] == "TRUE"]
    assert storno["SourceOrderId"] == iiko.guid(88, recent[0].id)
    assert Decimal(str(storno["DishDiscountSumInt"])) == -recent[0].amount


def test_amocrm(stand: Stand) -> None:
    month = lively(stand, "amocrm")
    hook, _headers = stand.system("amocrm").hook("create", month.sales[0])

    told = ask(
        stand,
        "amocrm",
        **{
            "from": int((month.now - SINCE).timestamp()),
            "phone": month.guests[0].phone,
            "hook": hook.decode(),
        },
    )

    listed = {sale.id: sale for sale in month.sales if sale.state != "deleted"}
    assert {row["id"] for row in told["leads"]} == set(listed)
    assert len(told["leads"]) == len(listed) > 80
    for row in told["leads"]:
        sale = listed[row["id"]]
        assert row["price"] == int(sale.net)
        assert (row["status"] == 142) == bool(sale.net)
    assert month.guests[0].id in told["contacts"] or month.guests[0].id % 2
    assert told["pipelines"] == [77]
    assert told["spentRefused"]
    assert told["event"] == ["leads", "status", month.sales[0].id]


def test_onec(stand: Stand) -> None:
    month = lively(stand, "onec")
    guest = next(one for one in month.guests if one.id % 3)

    since = (month.now - SINCE).replace(microsecond=0, tzinfo=None)
    told = ask(stand, "onec", **{"from": since.isoformat(), "phone": guest.phone})

    def key(sale: Sale) -> str:
        return onec.guid("6f0d5a60", sale.id)

    listed = {key(sale): sale for sale in month.sales if sale.state != "deleted"}
    rows = {row["Ref_Key"]: row for row in told["rows"]}
    receipts = [row for row in told["rows"] if row["ВидОперации"] == "Продажа"]
    returns = [row for row in told["rows"] if row["ВидОперации"] == "Возврат"]
    assert len(rows) == len(told["rows"]) == told["count"]
    assert {row["Ref_Key"] for row in receipts} == set(listed)
    for ref, sale in listed.items():
        assert Decimal(str(rows[ref]["СуммаДокумента"])) == sale.amount
    assert len(returns) == sum(len(one.refunds) for one in listed.values() if one.state == "live")
    assert all(row["ЧекККМПродажа_Key"] in listed for row in returns)
    assert told["one"] == told["rows"][0]["Ref_Key"]
    assert told["cards"] == [onec.guid("ca2d0000", guest.id)]
    assert "Document_ЧекККМ" in told["sets"]
    assert told["unpublished"] == "EntityNotFound"
