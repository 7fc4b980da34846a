"""Each simulated system keeps to its vendor's contract: what it refuses, and in which words. An
adapter that passes against it would not fail at the vendor's own door."""

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

import httpx2 as httpx
import pytest

from apps.crm.simulator import amocrm, iiko, onec, renovatio, yclients
from apps.crm.simulator.server import Reply, Request, Server, Simulated
from apps.crm.simulator.systems import SYSTEMS, make_systems
from apps.crm.simulator.world import Sale, World

AGO = datetime(2026, 11, 1, 9, tzinfo=UTC)


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def systems(world: World) -> dict[str, Simulated]:
    return make_systems(world)


def ask(
    system: Simulated,
    path: str,
    body: Any = None,
    *,
    method: str = "",
    form: bool = False,
    **headers: str,
) -> Reply:
    """The answer of a system, without a line between."""
    parts = urlsplit(path)
    sent = (
        urlencode(body).encode() if form else json.dumps(body).encode() if body is not None else b""
    )
    query = parse_qsl(parts.query, keep_blank_values=True)
    verb = method or ("GET" if body is None else "POST")
    return system.answer(Request(verb, unquote(parts.path), query, parts.query, headers, sent))


def told(reply: Reply) -> str:
    return reply.encoded().decode()


# --- YCLIENTS ------------------------------------------------------------------------------------
BOTH = f"Bearer {yclients.PARTNER}, User {yclients.USER}"


@pytest.mark.parametrize(
    ("path", "authorization", "status", "words"),
    [
        ("/api/v1/companies", "", 401, "Необходима авторизация"),
        ("/api/v1/records/4564", f"Bearer {yclients.PARTNER}", 401, "Необходима авторизация"),
        ("/api/v1/records/4565", BOTH, 403, "Нет прав на управление филиалом 4565"),
        ("/api/v1/payroll", BOTH, 404, "Не найдено"),
        ("/api/v1/record/4564/100999", BOTH, 404, "Не найдено"),
        ("/api/v1/auth?login=bot&password=guess", BOTH, 401, "Неверный логин или пароль"),
    ],
)
def test_yclients_refuses(
    systems: dict[str, Simulated], path: str, authorization: str, status: int, words: str
) -> None:
    reply = ask(systems["yclients"], path, authorization=authorization)

    assert (reply.status, reply.body["success"]) == (status, False)
    assert reply.body["meta"]["message"] == words


def test_yclients_tells_of_its_branch_and_pages(world: World, systems: dict[str, Any]) -> None:
    system = systems["yclients"]
    world.add_guest("+79161234567")
    for n in range(130):
        world.sell("yclients", None, "100", AGO + timedelta(minutes=n))

    def rows(path: str) -> Any:
        return ask(system, path, authorization=BOTH).body["data"]

    assert rows("/api/v1/companies")[0] == rows("/api/v1/company/4564")
    assert rows("/api/v1/clients/4564?phone=916123")[0]["phone"] == "79161234567"
    assert rows("/api/v1/clients/4564?phone=555") == []
    assert len(rows("/api/v1/transactions/4564?count=100")) == 100
    assert len(rows("/api/v1/transactions/4564?count=200")) == 25  # more than it gives: the least
    assert rows("/api/v1/transactions/4564?deleted=1") == []
    assert rows("/api/v1/transactions/4564?start_date=2026-11-02") == []


# --- iiko ----------------------------------------------------------------------------------------
@pytest.fixture
def cafe(systems: dict[str, Any]) -> Any:
    """Ask the cloud with a token that lives."""
    token = ask(systems["iiko"], "/api/1/access_token", {"apiLogin": iiko.KEY}).body["token"]

    def go(path: str, body: dict[str, Any], **how: str) -> Reply:
        return ask(systems["iiko"], path, body, authorization=f"Bearer {token}", **how)

    return go


def period(first: str, last: str) -> dict[str, Any]:
    named = {"name": "OpenDate.Typed", "filterType": "DateRange", "from": first, "to": last}
    return {"filters": [named], "groupByRowFields": ["OrderNum"], "aggregateFields": []}


@pytest.mark.parametrize(
    ("path", "body", "status", "words"),
    [
        ("/api/1/orders/all", {}, 404, "Not found"),
        ("/api/1/access_token", {"apiLogin": "guess"}, 401, "Login or key is not valid"),
        ("/api/v2/access_token", {"apiKey": iiko.KEY}, 401, "Login or key is not valid"),
        ("/api/reporting/v1/olap/get", {"filters": []}, 400, "OpenDate.Typed is required"),
        ("/api/reporting/v1/olap/get", period("2026-01-01", "2026-03-01"), 400, "too long"),
        ("/api/1/loyalty/iiko/customer/info", {"phone": "+7900"}, 400, "IncorrectPhone"),
    ],
)
def test_iiko_refuses(cafe: Any, path: str, body: Any, status: int, words: str) -> None:
    reply = cafe(path, body)

    assert reply.status == status
    assert words in told(reply)


def test_iiko_wants_a_living_token_and_post(systems: dict[str, Any], cafe: Any) -> None:
    assert ask(systems["iiko"], "/api/1/organizations", {}).status == 401
    assert cafe("/api/1/organizations", {}, method="GET").status == 405
    assert systems["iiko"].throttled_inside().status == 429

    found = cafe("/api/1/organizations", {}).body["organizations"][0]["id"]
    [group] = cafe("/api/1/terminal_groups", {"organizationIds": [found]}).body["terminalGroups"]

    assert group["items"][0]["organizationId"] == found == iiko.ORGANIZATION


def test_iiko_server_gives_one_licence_and_takes_it_back(systems: dict[str, Any]) -> None:
    system = systems["iiko"]
    secret = "f5b3aa1a8c4b6d1b"
    assert ask(system, f"/resto/api/auth?login=bot&pass={secret}").status == 401
    assert ask(system, "/resto/api/v2/reports/olap/columns?key=none").status == 401

    system.world.secrets["resto"] = ["licence"]

    assert ask(system, "/resto/api/nothing?key=licence").status == 404
    assert ask(system, "/resto/api/logout?key=licence").status == 200
    assert ask(system, "/resto/api/logout?key=licence").status == 401


# --- 1C ------------------------------------------------------------------------------------------
BASIC = "Basic " + base64.b64encode(f"{onec.LOGIN}:{onec.PASSWORD}".encode()).decode()
ROOT = "/odata/standard.odata"


def base(system: Simulated, path: str, **how: str) -> Reply:
    return ask(system, f"{ROOT}{path}", authorization=how.get("authorization", BASIC))


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        ("/Document_ЧекККМ?$filter=Date+ge+datetime'2026-01-01T00:00:00'", 500, "не разрешена"),
        ("/Document_ЗаказКлиента", 404, "Сущность не найдена: Document_ЗаказКлиента"),
        ("/Document_ЧекККМВозврат", 404, "Сущность не найдена"),  # of retail: it has none
        (f"/Document_ЧекККМ(guid'{onec.guid('6f0d5a60', 9)}')", 404, "Экземпляр не найден"),
        ("/Document_ЧекККМ?$filter=startswith(Number,'РЗ')", 400, "Неизвестное поле"),
        ("/Document_ЧекККМ?$filter=Скидка%20gt%2010", 400, "Неизвестное поле"),
    ],
)
def test_onec_refuses(
    world: World, systems: dict[str, Simulated], path: str, status: int, words: str
) -> None:
    world.sell("onec", None, "100", AGO)

    reply = base(systems["onec"], path)

    assert reply.status == status
    assert words in reply.body["odata.error"]["message"]["value"]


def test_onec_wants_its_login(systems: dict[str, Simulated]) -> None:
    reply = base(systems["onec"], "/Document_ЧекККМ", authorization="Basic guess")

    assert (reply.status, reply.encoded()) == (401, b"")
    assert reply.headers["WWW-Authenticate"].startswith("Basic")


def test_onec_lists_its_sets_and_describes_them(systems: dict[str, Simulated]) -> None:
    names = {one["name"] for one in base(systems["onec"], "/").body["value"]}

    assert "Document_ЧекККМ" in names
    assert b'EntityType Name="Document_\xd0\xa7' in base(systems["onec"], "/$metadata").encoded()


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("СуммаДокумента gt 200", [300, 400]),
        ("(СуммаДокумента ge 200) and (СуммаДокумента lt 400)", [200, 300]),
        ("((СуммаДокумента ne 200))", [100, 300, 400]),
        ("Posted eq true and СуммаДокумента le 100", [100]),
        ("DeletionMark eq true", []),
        ("Date gt datetime'2026-11-01T14:00:00'", [400]),
        ("substringof('РЗ00', Number) and ВидОперации eq 'Продажа'", [100, 200, 300, 400]),
        ("substringof('АА', Number)", []),
    ],
)
def test_onec_filters_as_odata_says(
    world: World, systems: dict[str, Simulated], text: str, numbers: list[int]
) -> None:
    for n, amount in enumerate((100, 200, 300, 400)):
        world.sell("onec", None, amount, AGO + timedelta(hours=n))
    query = urlencode({"$filter": text, "$inlinecount": "allpages", "$top": "2"}).replace(
        "+", "%20"
    )

    reply = base(systems["onec"], f"/Document_ЧекККМ?{query}&$orderby=СуммаДокумента%20desc")

    found = [row["СуммаДокумента"] for row in reply.body["value"]]
    assert reply.body["odata.count"] == str(len(numbers))  # a number as text, as they write it
    assert found == sorted(numbers, reverse=True)[:2]


def test_onec_refers_by_numbers_and_knows_owners(world: World, systems: dict[str, Any]) -> None:
    guest = world.add_guest("+79161234567", first_name="Анна", last_name="Котова")
    sale = world.sell("onec", guest, "100")
    [row] = base(systems["onec"], "/Document_ЧекККМ").body["value"]
    [owner] = base(systems["onec"], "/Catalog_ФизическиеЛица").body["value"]

    assert onec.number_of(row["Ref_Key"]) == sale.id
    assert onec.number_of(row["ДисконтнаяКарта_Key"]) == guest.id
    assert owner["Description"] == "Котова Анна"


# --- amoCRM --------------------------------------------------------------------------------------
@pytest.fixture
def account(systems: dict[str, Any]) -> Any:
    systems["amocrm"].tokens()["access"]["living"] = 4e9
    return lambda path: ask(systems["amocrm"], f"/api/v4/{path}", authorization="Bearer living")


def test_amocrm_refuses(systems: dict[str, Any], account: Any) -> None:
    unsigned = ask(systems["amocrm"], "/api/v4/account")
    assert (unsigned.status, unsigned.type) == (401, amocrm.PROBLEM)
    assert account("companies").status == 404
    assert account("leads?limit=251").status == 400
    assert account("leads").status == 204  # nothing is no list
    assert account("leads/1").status == 204
    grant = {"grant_type": "refresh_token", "refresh_token": "guess"}
    refused = ask(systems["amocrm"], "/oauth2/access_token", grant)
    assert (refused.status, refused.body["hint"]) == (401, "Token has been revoked")


def test_amocrm_lists_what_changed_between(world: World, account: Any) -> None:
    sales = [world.sell("amocrm", None, "100", AGO + timedelta(hours=n)) for n in range(4)]
    between = [int(one.changed_at.timestamp()) for one in sales[1:3]]

    query = f"filter[updated_at][from]={between[0]}&filter[updated_at][to]={between[1]}&limit=1"
    page = account(f"leads?{query}").body
    last = account(f"leads?{query}&page=2").body

    found = [row["id"] for one in (page, last) for row in one["_embedded"]["leads"]]
    assert found == [one.id for one in sales[1:3]]
    assert "next" in page["_links"]
    assert "next" not in last["_links"]
    [pipeline] = account("leads/pipelines").body["_embedded"]["pipelines"]
    assert pipeline["_embedded"]["statuses"][0]["id"] == amocrm.WON


# --- Renovatio -----------------------------------------------------------------------------------
def clinic(system: Simulated, method: str, **form: str) -> Reply:
    given = {"api_key": renovatio.KEY} | form
    return ask(system, f"/api/public/{method}", given, form=True)


def days(first: str, last: str) -> dict[str, str]:
    return {"date_from": first, "date_to": last}


def test_renovatio_refuses_inside_of_a_success(systems: dict[str, Any]) -> None:
    system = systems["renovatio"]
    refusals = [
        (clinic(system, "getInvoices", api_key="guess"), 401),
        (clinic(system, "getDiagnoses"), 404),
        (clinic(system, "getPatient", mobile="+7900"), 404),
        (system.throttled_inside(), "429"),
    ]
    system.faults.habits.add("no_invoices")
    refusals.append((clinic(system, "getInvoices", **days("01.11.2026", "02.11.2026")), 403))

    for reply, code in refusals:
        assert reply.status == 200
        assert (reply.body["error"], str(reply.body["data"]["code"])) == (1, str(code))


@pytest.mark.parametrize("method", ["getInvoices", "getPayments"])
def test_renovatio_breaks_over_three_months(systems: dict[str, Any], method: str) -> None:
    assert clinic(systems["renovatio"], method, **days("01.08.2026", "02.11.2026")).status == 500
    assert clinic(systems["renovatio"], method, **days("02.08.2026", "02.11.2026")).status == 200


def test_renovatio_writes_one_row_as_an_object(world: World, systems: dict[str, Any]) -> None:
    system, whole = systems["renovatio"], days("01.11.2026", "02.11.2026")
    system.faults.habits.add("single_as_object")
    assert clinic(system, "getInvoices", **whole).body["data"] is None
    world.sell("renovatio", None, "100", AGO)
    assert clinic(system, "getInvoices", **whole).body["data"]["value"] in (100.0, "100.00")
    world.sell("renovatio", None, "100", AGO)
    assert len(clinic(system, "getInvoices", **whole).body["data"]) == 2


# --- the server ----------------------------------------------------------------------------------
def test_server_names_its_systems_and_keeps_their_limits(systems: dict[str, Simulated]) -> None:
    server = Server(systems).start()
    systems["yclients"].faults.habits.add("limits")
    systems["yclients"].limits = ((5, 60.0),)  # type: ignore[misc]
    try:
        nothing = httpx.get(f"http://127.0.0.1:{server.port}/excel/")
        with httpx.Client() as client:
            answers = [client.get(f"{server.url('yclients')}/api/v1/companies") for _n in range(7)]
    finally:
        server.stop()

    assert (nothing.status_code, nothing.json()["systems"]) == (404, sorted(systems))
    assert [one.status_code for one in answers] == [401] * 5 + [429] * 2
    assert "Превышен лимит" in answers[-1].json()["meta"]["message"]


@pytest.mark.parametrize("kind", SYSTEMS, ids=lambda kind: kind.name)
def test_every_system_tells_its_sale_in_its_own_words(world: World, kind: type[Simulated]) -> None:
    """What `--json` prints is enough to sign in; a broken body is no crash."""
    system = kind(world)
    sale: Sale = world.sell(kind.name, world.add_guest("+79161234567"), "100")

    assert set(system.credentials()) >= {"credentials", "options"}
    broken = Request("POST", "/api/v1/auth", [], "", {"authorization": BOTH}, b"{broken")
    assert system.answer(broken).status in (200, 400, 401, 404)
    if hasattr(system, "hook"):
        assert str(sale.id) in system.hook("create", sale)[0].decode()
