"""How a system is asked: the pace, attempts, what an answer means, and what is never believed."""

import random
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.test import override_settings

from apps.crm import rules
from apps.crm.adapters import ADAPTERS
from apps.crm.adapters.amocrm.transport import judge_token
from apps.crm.adapters.times import dotted, moment, unix
from apps.crm.enums import Trouble
from apps.crm.net import Answer, Client, Failed, Limit, Policy, limits
from apps.crm.net.client import Call
from apps.crm.net.guard import AddressRefused, approve
from apps.crm.net.limits import wait_for_turn
from apps.crm.net.reading import parse_json, read_limited
from apps.crm.simulator.server import Reply, Server
from apps.crm.simulator.systems import make_systems
from apps.crm.simulator.world import World

MOSCOW = ZoneInfo("Europe/Moscow")
HTTPS = frozenset({443})


@pytest.fixture
def server() -> Iterator[Server]:
    """The systems of a world, without a database."""
    running = Server(make_systems(World())).start()
    yield running
    running.stop()


# --- nonsense ------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("read", "text"),
    [
        (lambda text: moment(text, MOSCOW), "0001-01-01T00:00:00"),
        (lambda text: moment(text, MOSCOW), "tomorrow"),
        (lambda text: dotted(text, MOSCOW), "1.11.2026"),
        (lambda text: dotted(text, MOSCOW), "01.11.1812"),
        (unix, None),
        (unix, 10**20),
        (rules.roubles, "1e30"),
        (rules.roubles, "NaN"),
        (rules.roubles, "сто"),
    ],
)
def test_nonsense_is_named_as_such(read: Any, text: Any) -> None:
    with pytest.raises(ValueError, match=r"no moment|no amount|Invalid isoformat"):
        read(text)


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"[" * 200_000, "too deep"),
        (b'{"a": NaN}', "NaN"),
        (b"[-Infinity]", "Infinity"),
        (b"\xff", "can't decode"),
        (b"", "Expecting value"),
    ],
)
def test_json_that_is_none(body: bytes, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        parse_json(body)


def test_money_stays_exact_and_a_byte_order_mark_is_forgiven() -> None:
    numbers = parse_json("\ufeff[0.1, 10.05]".encode())

    assert [str(one) for one in numbers] == ["0.1", "10.05"]


# --- what an answer means ------------------------------------------------------------------------
def error(code: Any) -> bytes:
    return f'{{"error": 1, "data": {{"code": "{code}", "desc": ""}}}}'.encode()


def said(words: str) -> bytes:
    return f'{{"success": false, "data": null, "meta": {{"message": "{words}"}}}}'.encode()


def odata(words: str) -> bytes:
    return f'{{"odata.error": {{"code": "-1", "message": {{"value": "{words}"}}}}}}'.encode()


MEANINGS: list[tuple[str, int, bytes, Trouble | None]] = [
    ("yclients", 204, b"", None),
    ("yclients", 200, b'{"success": true, "data": []}', None),
    ("yclients", 200, said("Превышен лимит запросов"), Trouble.THROTTLED),
    ("yclients", 200, said("Необходима авторизация"), Trouble.AUTH),
    ("yclients", 200, said("Продлите лицензию"), Trouble.UNPAID),
    ("yclients", 200, said("Недостаточно прав"), Trouble.RIGHTS),
    ("yclients", 200, said("Что-то пошло не так"), Trouble.REFUSED),
    ("yclients", 200, b"[]", Trouble.REFUSED),
    ("yclients", 408, b"", Trouble.TIMEOUT),
    ("iiko", 401, b'{"errorDescription": "Method is not allowed for key"}', Trouble.RIGHTS),
    ("iiko", 401, b'{"errorDescription": "Token is not valid"}', Trouble.AUTH),
    ("onec", 500, odata("Поле не найдено"), Trouble.REFUSED),
    ("onec", 500, odata("Конфликт блокировок при выполнении"), Trouble.SERVER),
    ("onec", 500, b"<html>", Trouble.SERVER),
    ("onec", 500, b"[]", Trouble.SERVER),
    ("onec", 400, b"", Trouble.REFUSED),
    ("amocrm", 204, b"", None),
    ("amocrm", 402, b"", Trouble.UNPAID),
    ("renovatio", 200, b'{"error": 0, "data": []}', None),
    ("renovatio", 200, error(401), Trouble.AUTH),
    ("renovatio", 200, error("403"), Trouble.RIGHTS),
    ("renovatio", 200, error(429), Trouble.THROTTLED),
    ("renovatio", 200, error(404), Trouble.REFUSED),
    ("renovatio", 200, b"[]", Trouble.UNREADABLE),
    ("renovatio", 502, b"", Trouble.SERVER),
]


@pytest.mark.parametrize(("system", "status", "body", "meaning"), MEANINGS)
def test_what_an_answer_means(
    system: str, status: int, body: bytes, meaning: Trouble | None
) -> None:
    assert ADAPTERS[system].policy.judge(Answer(status, {}, body)) == meaning


@pytest.mark.parametrize("status", [400, 401, 403])
def test_a_refused_renewal_is_a_dead_key(status: int) -> None:
    assert judge_token(Answer(status, {}, b"")) == Trouble.AUTH
    assert judge_token(Answer(500, {}, b"")) == Trouble.SERVER


CALLS = [
    ("yclients", b"[]", "not this branch"),
    ("yclients", b'{"company_id": 4564, "resource": "record", "resource_id": "x"}', "no object"),
    ("iiko", b"{}", "no events"),
    ("iiko", b'["text"]', "no events"),
    ("iiko", b"[]", "not this organization"),
    ("iiko", b'[{"organizationId": "2", "eventType": "X"}]', "not this organization"),
    ("onec", b"[]", "no object"),
    ("onec", b'{"ref": "1001"}', "no object"),
    ("amocrm", b"account[id]=2&leads[add][0][id]=5", "not this account"),
    ("renovatio", b"{}", "no webhooks"),
]


@pytest.mark.parametrize(("system", "body", "why"), CALLS)
def test_calls_that_are_of_nobody_of_ours(system: str, body: bytes, why: str) -> None:
    options = {"company_id": "4564", "organization_id": "1", "account_id": "1"}
    with pytest.raises(ValueError, match=why):
        ADAPTERS[system].read_hint({}, body, options=options)


def test_amocrm_call_names_each_lead_once() -> None:
    body = b"account[id]=1&leads[update][0][id]=5&leads[status][0][id]=5&leads[add][1][id]=7"

    hint = ADAPTERS["amocrm"].read_hint({}, body, options={"account_id": 1})

    assert [ref.external_id for ref in hint.refs] == ["5", "7"]
    assert hint.ours


# --- attempts ------------------------------------------------------------------------------------
@pytest.fixture
def ask(server: Server) -> Any:
    """Ask the simulated YCLIENTS for anything: (what came or went wrong, attempts, pauses)."""

    def go(**changed: Any) -> tuple[Answer | Failed, list[Call], list[float]]:
        calls: list[Call] = []
        slept: list[float] = []
        policy = replace(Policy(hosts=(), limits=(), attempts=4), **changed)
        client = Client(
            server.url("yclients"), policy, "test", journal=calls.append, sleep=slept.append,
            dice=random.Random(1),
        )  # fmt: skip
        with client, override_settings(CRM_PACE=True):
            try:
                return client.get("/api/v1/companies?phone=79161234567"), calls, slept
            except Failed as failed:
                return failed, calls, slept

    server.systems["yclients"].answer = lambda request: Reply({"success": True})  # type: ignore[method-assign]
    return go


def test_a_moment_of_theirs_is_waited_out(server: Server, ask: Any) -> None:
    server.systems["yclients"].faults.plan("error_500", "html_503", "drop")

    answer, calls, slept = ask()

    assert answer.json == {"success": True}
    assert [call.trouble for call in calls] == ["server", "server", "network", ""]
    assert [call.attempt for call in calls] == [1, 2, 3, 4]
    assert {call.path for call in calls} == {"/api/v1/companies"}  # a phone stays out of the log
    assert slept == sorted(slept)  # each pause is longer
    assert 0.3 < slept[0] < 0.8


@pytest.mark.parametrize("fault", ["unauthorized", "unpaid", "forbidden", "packed", "redirect"])
def test_what_asking_again_does_not_mend_is_asked_once(
    server: Server, ask: Any, fault: str
) -> None:
    server.systems["yclients"].faults.plan(fault)

    failed, calls, slept = ask()

    assert isinstance(failed, Failed)
    assert (len(calls), slept) == (1, [])


@pytest.mark.parametrize(("pause", "attempts"), [("2", 2), ("3600", 1), ("soon", 2)])
def test_a_pause_that_they_ask_for_is_kept_unless_it_is_long(
    server: Server, ask: Any, pause: str, attempts: int
) -> None:
    system, answers = (
        server.systems["yclients"],
        [Reply(status=429, headers={"Retry-After": pause})],
    )
    calm = system.answer
    system.answer = lambda request: answers.pop() if answers else calm(request)  # type: ignore[method-assign]

    found, calls, slept = ask()

    assert len(calls) == attempts
    assert isinstance(found, Failed) == (attempts == 1)
    assert not slept or (slept[0] >= 2) == (pause == "2")


@pytest.mark.parametrize(
    ("fault", "trouble", "patience"), [("hang", "timeout", 0.1), ("huge", "too_large", 10)]
)
def test_silence_and_floods_are_cut_off(
    server: Server, ask: Any, fault: str, trouble: str, patience: float
) -> None:
    server.systems["yclients"].faults.plan(fault)

    failed, calls, _slept = ask(attempts=1, read_seconds=patience)

    assert failed.trouble == trouble
    assert calls[0].duration_ms < 900  # it would have been silent for a second


@pytest.mark.parametrize(
    ("headers", "parts", "trouble"),
    [
        ({"Content-Length": "11"}, [b"short"], "too_large"),
        ({"Content-Length": "many"}, [b"123456", b"78901"], "too_large"),
        ({"Content-Encoding": "gzip"}, [b"\x1f\x8b"], "unreadable"),
    ],
)
def test_bodies_that_are_not_read(
    headers: dict[str, str], parts: list[bytes], trouble: str
) -> None:
    stream = SimpleNamespace(headers=headers, iter_raw=lambda: iter(parts))

    with pytest.raises(Failed) as failed:
        read_limited(stream, most=10, deadline=time.monotonic() + 5)

    assert failed.value.trouble == trouble


@pytest.mark.parametrize(
    ("url", "rule"),
    [
        ("https://api.yclients.ru:99999/", "unreadable"),
        ("https://evil.example/", "host"),
        ("https://api.yclients.ru:8443/", "port"),
    ],
)
def test_an_address_is_refused_by_its_rule(url: str, rule: str) -> None:
    with pytest.raises(AddressRefused, match=rule):
        approve(url, hosts=("api.yclients.ru",), free=False, ports=HTTPS)


def test_what_is_no_address_is_not_public() -> None:
    assert not rules.is_public("api.yclients.ru")
    assert rules.back_off(0, asked=7, dice=random.Random(1)) >= 7


# --- the pace ------------------------------------------------------------------------------------
class Clock:
    """Time that passes only when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def time(self) -> float:
        return self.now

    monotonic = time

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch, settings: Any) -> Clock:
    settings.CRM_PACE = True
    standing = Clock()
    monkeypatch.setattr(limits, "time", standing)
    return standing


def moments(clock: Clock, scope: str, count: int, *rates: Limit) -> list[int]:
    found = []
    for _n in range(count):
        wait_for_turn(scope, rates)
        found.append(int(clock.now - 1_800_000_000))
    return found


def test_all_workers_together_keep_to_five_a_second(clock: Clock) -> None:
    assert Counter(moments(clock, "one", 12, Limit(5, 1))) == {0: 5, 1: 5, 2: 2}


def test_the_narrower_of_two_limits_decides(clock: Clock) -> None:
    assert Counter(moments(clock, "two", 14, Limit(5, 1), Limit(7, 60))) == {
        0: 5,
        1: 2,
        60: 5,
        61: 2,
    }


def test_accounts_are_counted_apart(clock: Clock) -> None:
    assert moments(clock, "three", 2, Limit(2, 1)) == [0, 0]
    assert moments(clock, "four", 2, Limit(2, 1)) == [0, 0]


def test_without_redis_a_gap_keeps_the_pace(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    silent = SimpleNamespace(add=lambda *_, **__: None, incr=lambda key: None)
    monkeypatch.setattr(limits, "cache", silent)
    monkeypatch.setattr(limits, "_last", {})

    slept = [wait_for_turn("down", (Limit(2, 1), Limit(60, 60))) for _n in range(4)]

    assert slept == [0, 1, 1, 1]


def test_a_count_that_was_evicted_lets_the_request_go(clock: Clock, monkeypatch) -> None:
    def gone(key: str) -> int:
        raise ValueError(key)

    monkeypatch.setattr(limits, "cache", SimpleNamespace(add=lambda *_, **__: None, incr=gone))

    assert wait_for_turn("evicted", (Limit(1, 60),)) == 0
