"""The made-up systems of a demo: they start by one command, trade by themselves, call the platform,
and outlive a stop."""

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import StringIO
from pathlib import Path
from typing import Any

import httpx2 as httpx
import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from apps.crm.management.commands.crm_simulator import MADE_UP
from apps.crm.models import CRMIntegration, ExternalRecord
from apps.crm.services import locks
from apps.crm.simulator import hooks
from apps.crm.simulator.hooks import Hooks
from apps.crm.simulator.life import Life
from apps.crm.simulator.systems import make_systems
from apps.crm.simulator.world import World
from apps.transactions.models import Transaction
from tests.crm.world import LONG_AGO, ledger
from tests.factories.accounts import UserFactory
from tests.factories.businesses import BusinessFactory
from tests.serving import serving

Heard = list[tuple[str, bytes, dict[str, str]]]
Run = Callable[..., tuple[str, str]]


class Ear(ThreadingHTTPServer):
    """The platform's place: whoever calls is heard."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Door)
        self.heard: Heard = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Door(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        assert isinstance(self.server, Ear)
        self.server.heard.append((self.path, body, dict(self.headers)))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        return


@pytest.fixture
def ear() -> Iterator[Ear]:
    with serving(Ear()) as server:
        yield server


@pytest.fixture
def lives(monkeypatch: pytest.MonkeyPatch) -> list[Life]:
    """Whose lives the command let go on; the moment after the second thing somebody stops it."""
    seen: list[Life] = []
    tick = Life.tick

    def once(life: Life) -> None:
        tick(life)
        seen.append(life)
        if len(seen) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(Life, "tick", once)
    return seen


@pytest.fixture
def run(lives: list[Life]) -> Run:
    """The command until it is stopped: what it said, and what it complained of."""

    def carry_out(*words: str) -> tuple[str, str]:
        out, wrong = StringIO(), StringIO()
        call_command("crm_simulator", "--tick", "0.001", *words, stdout=out, stderr=wrong)
        return out.getvalue(), wrong.getvalue()

    return carry_out


# --- the command ---------------------------------------------------------------------------------
@pytest.mark.django_db
def test_demo_partners_are_connected_and_read(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    worlds: list[World] = []

    def stop(life: Life) -> None:
        worlds.append(life.world)
        raise KeyboardInterrupt

    monkeypatch.setattr(Life, "tick", stop)
    salon = BusinessFactory(slug="mindal")
    members = {UserFactory(joined_at=LONG_AGO).phone for _n in range(3)}
    UserFactory(job="admin")  # nobody's guest

    said, wrong = run("--members", "3", "--connect", "mindal=yclients")

    assert said.startswith("CRM simulator at http://127.0.0.1:")
    assert wrong == ""
    [world] = worlds
    strangers = {one.phone for one in world.guests.values()} - members
    assert len(world.guests) == 6
    assert all(phone.startswith("+7900555") for phone in strangers)
    row = CRMIntegration.objects.get()
    assert (row.business, row.state) == (salon, "active")
    assert [sale.system for sale in world.sales.values()] == ["yclients"] * 8
    hers = {phone: sum_ for phone, sum_ in world.truth("yclients").items() if phone in members}
    assert ledger(row) == hers


@pytest.mark.django_db
def test_a_call_of_the_simulator_brings_its_sale(
    run: Run, ear: Ear, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.SITE_URL = ear.url
    BusinessFactory(slug="mindal")
    UserFactory(phone="+79161112233", joined_at=LONG_AGO)
    made: list[Hooks] = []
    begin = Hooks.__init__

    def note(caller: Hooks, *given: Any) -> None:
        made.append(caller)
        begin(caller, *given)

    def one_sale(life: Life) -> None:
        [guest] = [one for one in life.guests if one.phone == "+79161112233"]
        life.world.sell("yclients", guest, "4242")
        made[0].waiting.join()
        for path, body, headers in ear.heard:
            answer = Client().post(path, body, content_type=headers["Content-Type"])
            assert answer.status_code == 200
        raise KeyboardInterrupt

    monkeypatch.setattr(Hooks, "__init__", note)
    monkeypatch.setattr(Life, "tick", one_sale)
    run("--members", "1", "--connect", "mindal=yclients")

    assert len(ear.heard) == 1
    assert made[0].answers == [200]
    assert Transaction.objects.filter(amount=4242, member__phone_index__isnull=False).count() == 1


@pytest.mark.django_db
def test_addresses_and_keys_are_printed_for_a_program(run: Run, lives: list[Life]) -> None:
    said, _wrong = run("--json")

    given = json.loads(said)
    assert set(given) == {"yclients", "iiko", "onec", "onec2", "amocrm", "renovatio"}
    assert given["onec"]["baseUrl"].endswith("/onec")
    assert given["onec"]["credentials"] == {"login": "Обмен", "password": "retail-pass"}
    assert given["amocrm"]["options"]["account_id"] == "31000001"
    world = lives[0].world
    assert len(world.guests) == MADE_UP
    assert all(len(world.of(name)) >= 8 for name in given)
    with pytest.raises(httpx.ConnectError):  # it was stopped: nobody is there
        httpx.get(given["yclients"]["baseUrl"])


@pytest.mark.django_db
def test_a_pair_that_is_not_there_is_named_and_the_rest_goes_on(run: Run) -> None:
    salon = BusinessFactory(slug="mindal")

    _said, wrong = run(
        "--connect", "nobody=yclients", "--connect", "mindal=excel", "--connect", "mindal=iiko"
    )

    assert wrong.splitlines() == [
        "nobody=yclients: no such partner or system",
        "mindal=excel: no such partner or system",
    ]
    assert CRMIntegration.objects.get().business == salon


@pytest.mark.django_db
def test_a_partner_whom_somebody_reads_now_is_left_to_them(run: Run, monkeypatch) -> None:
    BusinessFactory(slug="mindal")
    monkeypatch.setattr(locks, "_take", lambda number: False)

    _said, wrong = run("--connect", "mindal=onec")

    assert wrong == "mindal=onec: is being read already\n"
    assert not ExternalRecord.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize("asked", ["excel:error_500", "yclients:sulks"])
def test_unknown_faults_are_refused_with_the_known_ones(run: Run, asked: str) -> None:
    with pytest.raises(CommandError) as refused:
        run("--fault", asked)

    assert str(refused.value).startswith(f"{asked}: known are throttle, ")
    assert "shuffled_webhooks" in str(refused.value)


@pytest.mark.django_db
def test_faults_and_habits_are_taken_on(run: Run, monkeypatch) -> None:
    made: list[dict[str, Any]] = []
    target = "apps.crm.management.commands.crm_simulator.make_systems"
    monkeypatch.setattr(target, lambda world: made.append(make_systems(world)) or made[0])

    run("--fault", "iiko:error_500=0.5", "--fault", "iiko:hang", "--fault", "onec:archive")

    [systems] = made
    assert systems["iiko"].faults.chances == {"error_500": 0.5, "hang": 0.2}
    assert systems["onec"].faults.habits == {"archive"}


def test_never_in_production(settings: Any) -> None:
    settings.ENVIRONMENT = "production"

    with pytest.raises(CommandError, match="development and tests only"):
        call_command("crm_simulator")


@pytest.mark.django_db
def test_the_world_outlives_a_stop(run: Run, lives: list[Life], tmp_path: Path) -> None:
    state = tmp_path / "world.json"
    run("--state", str(state), "--connect", "nobody=iiko")
    first = lives[0].world
    for sale in first.of("iiko")[:2]:
        first.refund(sale, sale.amount / 2, sale.at + timedelta(hours=1))
    first.cancel(first.of("iiko")[3])

    again = World(state=state)

    assert again.sales == first.sales
    assert again.guests == first.guests
    assert again.truth("iiko") == first.truth("iiko")
    assert again.next_id == first.next_id
    lives.clear()
    run("--state", str(state), "--connect", "nobody=iiko")
    resumed = lives[0].world
    assert len(resumed.of("iiko")) <= len(first.of("iiko")) + 2  # no second beginning
    assert resumed.guests == first.guests


# --- trade ---------------------------------------------------------------------------------------
def test_life_sells_corrects_and_takes_back_in_some_measure() -> None:
    world = World()
    life = Life(world, ["iiko", "onec"], [world.add_guest(f"+7916000000{n}") for n in range(4)])
    life.dice.seed(5)
    life.begin(4)
    begun = len(world.sales)
    life.begin(4)  # there is something already

    for _n in range(200):
        life.tick()

    sales = list(world.sales.values())
    sold = len(sales) - begun
    assert begun == 8
    assert 140 < sold < 180
    refunded = [one for one in sales if one.refunds]
    edited = [one for one in sales if one.version > 1 and not one.refunds]
    assert len(refunded) > 8
    assert len(edited) > 8
    assert all(Decimal(0) < one.net < one.amount for one in refunded)
    nobodys = [one for one in sales if one.guest is None]
    assert 0 < len(nobodys) < len(sales) / 4


# --- calls ---------------------------------------------------------------------------------------
@pytest.fixture
def trade(ear: Ear, monkeypatch) -> Callable[..., list[int]]:
    """Ten sales of a system with such habits: which of them the platform was called about."""
    monkeypatch.setattr(hooks, "LATE", 0.05)
    monkeypatch.setattr(hooks, "PATIENCE", 0.005)

    def go(*habits: str, system: str = "yclients") -> list[int]:
        world = World()
        systems = make_systems(world)
        systems[system].faults.habits.update(habits)
        caller = Hooks(world, systems, {"yclients": f"{ear.url}/a", "renovatio": f"{ear.url}/b"})
        numbers = [world.sell(system, None, "100").id for _n in range(10)]
        caller.waiting.join()
        assert caller.answers == [200] * len(ear.heard)
        called = [json.loads(body)["resource_id"] for _path, body, _headers in ear.heard]
        return [number - numbers[0] for number in called]

    return go


def test_calls_come_once_and_in_order(trade) -> None:
    assert trade() == list(range(10))


def test_calls_that_get_lost(trade) -> None:
    called = trade("lost_webhooks")

    assert called == sorted(set(called))
    assert 2 < len(called) < 10


def test_calls_that_come_twice(trade) -> None:
    called = trade("double_webhooks")

    assert sorted(set(called)) == list(range(10))
    assert 10 < len(called) < 20


def test_calls_that_come_late_and_in_any_order(trade) -> None:
    called = trade("shuffled_webhooks")

    assert sorted(called) == list(range(10))
    assert called != sorted(called)


@pytest.mark.parametrize("system", ["renovatio", "iiko"])
def test_systems_that_call_nobody(trade, system: str) -> None:
    """Renovatio has no calls at all, and nobody asked for iiko's."""
    assert trade(system=system) == []


def test_nobody_is_there_to_be_called(monkeypatch) -> None:
    world = World()
    caller = Hooks(world, make_systems(world), {"yclients": "http://127.0.0.1:1/"})
    monkeypatch.setattr(hooks.time, "sleep", lambda seconds: None)

    world.sell("yclients", None, "100")
    caller.waiting.join()

    assert caller.answers == []
    assert len(world.sales) == 1  # trade goes on, the poll will find it
