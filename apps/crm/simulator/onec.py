"""A 1C infobase of retail (or УНФ with `refund_documents`) behind standard OData."""

import base64
import hashlib
import hmac
import re
import time
import uuid
from collections.abc import Callable
from datetime import datetime
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from apps.crm.simulator.server import Reply, Request, Simulated
from apps.crm.simulator.world import Guest, Refund, Sale

LOGIN, PASSWORD = "Обмен", "retail-pass"
EMPTY = "00000000-0000-0000-0000-000000000000"
ROOT = "/odata/standard.odata/"
SIGNING = "onec-webhook-signing-secret-for-the-simulator"


def guid(kind: str, number: int) -> str:
    return f"{kind}-0001-11f1-9c3e-{number:012d}"


def number_of(ref: str) -> int:
    return int(ref[-12:])


class Onec(Simulated):
    name: ClassVar[str] = "onec"

    @property
    def is_unf(self) -> bool:
        return "refund_documents" in self.faults.habits

    def credentials(self) -> dict[str, Any]:
        return {
            "credentials": {"login": LOGIN, "password": PASSWORD},
            "options": {"configuration": "unf" if self.is_unf else "retail"},
            "webhookSecret": SIGNING,
            "odata": f"{ROOT}",
        }

    def refusal(self, status: int, message: str, code: str = "-1") -> Reply:
        body = {"odata.error": {"code": code, "message": {"lang": "ru", "value": message}}}
        return Reply(body, status)

    def answer(self, request: Request) -> Reply:
        wanted = base64.b64encode(f"{LOGIN}:{PASSWORD}".encode()).decode()
        if request.headers.get("authorization") != f"Basic {wanted}":
            return Reply(b"", 401, headers={"WWW-Authenticate": 'Basic realm="1C"'})
        if "+" in request.raw_query:
            return self.refusal(500, 'Операция не разрешена в предложении "ГДЕ"')
        path = request.path.removeprefix("/odata/standard.odata").strip("/")
        if path == "$metadata":
            return Reply(METADATA, type="application/xml; charset=utf-8")
        if not path:
            return Reply({"value": [{"name": name, "url": name} for name in self._sets()]})
        one = re.fullmatch(r"(\w+)\(guid'([0-9a-f-]{36})'\)", path)
        entity = one[1] if one else path
        if entity not in self._sets():
            return self.refusal(404, f"Сущность не найдена: {entity}", "8")
        rows = self._sets()[entity]()
        if one:
            found = [row for row in rows if row["Ref_Key"] == one[2]]
            return Reply(found[0]) if found else self.refusal(404, "Экземпляр не найден", "9")
        return self._collection(request, entity, rows)

    def _sets(self) -> dict[str, Any]:
        sets: dict[str, Any] = {
            "Document_ЧекККМ": self._receipts,
            "Catalog_ИнформационныеКарты": self._cards,
            "Catalog_ДисконтныеКарты": self._cards,
            "Catalog_ФизическиеЛица": self._people,
            "Catalog_Контрагенты": self._people,
            "Catalog_ФизическиеЛица_КонтактнаяИнформация": self._contacts,
            "Catalog_Контрагенты_КонтактнаяИнформация": self._contacts,
        }
        if self.is_unf:
            sets["Document_ЧекККМВозврат"] = self._refund_documents
        return sets

    # --- collections ---
    def _collection(self, request: Request, entity: str, rows: list[dict[str, Any]]) -> Reply:
        args = {name.removeprefix("$"): value for name, value in request.query}
        try:
            rows = [row for row in rows if self._fits(row, args.get("filter", ""))]
        except KeyError:
            return self.refusal(400, "Неизвестное поле")
        for name in reversed([one for one in args.get("orderby", "").split(",") if one]):
            field, _space, way = name.strip().partition(" ")
            rows = sorted(rows, key=_by(field), reverse=way == "desc")
        whole = len(rows)
        skip, top = int(args.get("skip", 0)), args.get("top")
        rows = rows[skip : skip + int(top)] if top is not None else rows[skip:]
        chosen = [one.strip() for one in args.get("select", "").split(",") if one.strip()]
        if chosen and chosen != ["*"]:
            rows = [{name: row[name] for name in chosen if name in row} for row in rows]
        body: dict[str, Any] = {"odata.metadata": f"http://1c{ROOT}$metadata#{entity}"}
        if args.get("inlinecount") == "allpages":
            body["odata.count"] = str(whole)
        return Reply(
            body | {"value": rows}, type="application/json;odata=minimalmetadata;charset=utf-8"
        )

    @staticmethod
    def _fits(row: dict[str, Any], text: str) -> bool:
        for bare in [one.strip() for one in text.split(" and ") if one.strip()]:
            part = _unwrapped(bare)
            sub = re.fullmatch(r"substringof\('(.*)',\s*(\w+)\)", part)
            if sub:
                if sub[1] not in str(row[sub[2]]):
                    return False
                continue
            found = re.fullmatch(r"(\w+) (eq|ne|gt|ge|lt|le) (?:datetime|guid)?'?([^']*)'?", part)
            if not found:
                raise KeyError(part)
            if not COMPARE[found[2]](*_alike(row[found[1]], found[3])):
                return False
        return True

    # --- documents ---
    def _receipts(self) -> list[dict[str, Any]]:
        rows = []
        for sale in self.world.of(self.name):
            if sale.state != "deleted":
                rows.append(self._receipt(sale))
            if not self.is_unf and sale.state == "live":
                rows += [self._refund(sale, one) for one in sale.refunds]
        return rows

    def _receipt(self, sale: Sale) -> dict[str, Any]:
        archived = "archive" in self.faults.habits and sale.id % 3 == 0
        cancelled = sale.state == "cancelled"
        # Only shops of retail have a status of receipts, and half of them cancel by it.
        by_status = cancelled and sale.id % 2 == 1 and not self.is_unf
        status = "Архивный" if archived else "Пробитый"
        return {
            "Ref_Key": guid("6f0d5a60", sale.id),
            "DataVersion": base64.b64encode(f"{sale.version:08d}".encode()).decode(),
            "Number": f"РЗ00-{sale.id % 1000:06d}",
            "Date": self._local(sale.at),
            "DeletionMark": cancelled and not by_status,
            "Posted": not archived and not cancelled,
            "ВидОперации": "Продажа",
            "СтатусЧекаККМ": "Аннулированный" if by_status else status,
            "НомерЧекаККМ": str(sale.id % 100),
            "СуммаДокумента": _number(sale),
            "ДисконтнаяКарта_Key": guid("ca2d0000", sale.guest) if sale.guest else EMPTY,
            "ЧекККМПродажа_Key": EMPTY,
            "Товары": [{"LineNumber": "1", "Количество": 1, "Сумма": _number(sale)}],
        }

    def _refund(self, sale: Sale, one: Refund) -> dict[str, Any]:
        return self._receipt(sale) | {
            "Ref_Key": guid("6f0d5a61", one.id),
            "Number": f"РЗ00-{one.id % 1000:06d}",
            "Date": self._local(one.at),
            "DeletionMark": False,
            "Posted": True,
            "ВидОперации": "Возврат",
            "СтатусЧекаККМ": "Пробитый",
            "СуммаДокумента": float(one.amount),
            "ЧекККМПродажа_Key": guid("6f0d5a60", sale.id),
        }

    def _refund_documents(self) -> list[dict[str, Any]]:
        rows = []
        for sale in self.world.of(self.name):
            for one in sale.refunds if sale.state == "live" else []:
                row = self._refund(sale, one) | {"ЧекККМ_Key": guid("6f0d5a60", sale.id)}
                row.pop("ВидОперации")
                row.pop("ЧекККМПродажа_Key")
                rows.append(row)
        return rows

    def _cards(self) -> list[dict[str, Any]]:
        return [self._card(guest) for guest in self.world.guests.values()]

    @staticmethod
    def _card(guest: Guest) -> dict[str, Any]:
        # Every third card has a code of its own, and the phone stands with its owner.
        code = f"SK{guest.id:06d}" if guest.id % 3 == 0 else guest.phone.lstrip("+")
        owner = guid("0e2d0000", guest.id)
        return {
            "Ref_Key": guid("ca2d0000", guest.id),
            "КодКарты": code,
            "КодКартыШтрихкод": code,
            "ВладелецКарты": owner,
            "ВладелецКарты_Type": "StandardODATA.Catalog_ФизическиеЛица",
            "ВладелецКарты_Key": owner,
            "DeletionMark": False,
        }

    def _people(self) -> list[dict[str, Any]]:
        return [
            {
                "Ref_Key": guid("0e2d0000", one.id),
                "Description": f"{one.last_name} {one.first_name}",
                "DeletionMark": False,
            }
            for one in self.world.guests.values()
        ]

    def _contacts(self) -> list[dict[str, Any]]:
        return [
            {
                "Ref_Key": guid("0e2d0000", one.id),
                "LineNumber": "1",
                "Тип": "Телефон",
                "НомерТелефона": one.phone.lstrip("+"),
                "Представление": one.phone,
            }
            for one in self.world.guests.values()
        ]

    # --- calls of the extension ---
    def hook(self, what: str, sale: Sale) -> tuple[bytes, dict[str, str]]:
        body = Reply({"ref": guid("6f0d5a60", sale.id), "return": False}).encoded()
        stamp, event = str(int(time.time())), uuid.uuid4().hex
        return body, {
            "Content-Type": "application/json",
            "X-Krug-Timestamp": stamp,
            "X-Krug-Event": event,
            "X-Krug-Signature": _sign(f"{stamp}.{event}.".encode() + body),
        }

    def _local(self, at: datetime) -> str:
        return at.astimezone(ZoneInfo(self.zone)).strftime("%Y-%m-%dT%H:%M:%S")


class SecondOnec(Onec):
    """The infobase of another partner."""

    name: ClassVar[str] = "onec2"


def _sign(signed: bytes) -> str:
    """As the extension of a base does it, written anew: not the code that checks it."""
    return hmac.new(SIGNING.encode(), signed, hashlib.sha256).hexdigest()


def _unwrapped(part: str) -> str:
    """A comparison without the brackets that clients put around it."""
    while part.startswith("(") and part.endswith(")"):
        part = part[1:-1].strip()
    return part


def _alike(value: Any, given: str) -> tuple[Any, Any]:
    """Both sides of a comparison: numbers as numbers, anything else as 1C writes it."""
    if isinstance(value, bool):
        return str(value).lower(), given
    if isinstance(value, int | float):
        return float(value), float(given)
    return str(value), given


def _by(field: str) -> Callable[[dict[str, Any]], str]:
    return lambda row: str(row.get(field))


def _number(sale: Sale) -> float | int:
    whole = sale.amount == sale.amount.to_integral_value()
    return int(sale.amount) if whole else float(sale.amount)


COMPARE = {
    "eq": lambda one, other: one == other,
    "ne": lambda one, other: one != other,
    "gt": lambda one, other: one > other,
    "ge": lambda one, other: one >= other,
    "lt": lambda one, other: one < other,
    "le": lambda one, other: one <= other,
}
METADATA = """<?xml version="1.0" encoding="utf-8"?>
<edmx:Edmx Version="1.0" xmlns:edmx="http://schemas.microsoft.com/ado/2007/06/edmx">
<edmx:DataServices m:DataServiceVersion="3.0" m:MaxDataServiceVersion="3.0"
 xmlns:m="http://schemas.microsoft.com/ado/2007/08/dataservices/metadata">
<Schema Namespace="StandardODATA" xmlns="http://schemas.microsoft.com/ado/2009/11/edm">
<EntityType Name="Document_ЧекККМ"><Key><PropertyRef Name="Ref_Key"/></Key>
<Property Name="Ref_Key" Type="Edm.Guid" Nullable="false"/>
<Property Name="Number" Type="Edm.String" Nullable="true"/>
<Property Name="Date" Type="Edm.DateTime" Nullable="true"/>
<Property Name="DeletionMark" Type="Edm.Boolean" Nullable="true"/>
<Property Name="Posted" Type="Edm.Boolean" Nullable="true"/>
<Property Name="СуммаДокумента" Type="Edm.Double" Nullable="true"/>
<Property Name="ДисконтнаяКарта_Key" Type="Edm.Guid" Nullable="true"/></EntityType>
<EntityContainer Name="EnterpriseV8" m:IsDefaultEntityContainer="true">
<EntitySet Name="Document_ЧекККМ" EntityType="StandardODATA.Document_ЧекККМ"/>
</EntityContainer></Schema></edmx:DataServices></edmx:Edmx>
"""
