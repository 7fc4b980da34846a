"""What people meet while a part is down, and how it comes back (security.md part 10)."""

import http.client
import json
import time
import uuid
from collections import Counter
from typing import Any

import pytest

from tests.faults.product import Web
from tests.faults.stand import Stand
from tests.faults.traffic import Operation

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("faults")]

OUR_TROUBLE = {"UNAVAILABLE", "INTERNAL", "500", "502", "503", "504"}
# Clients that hang up by themselves are no trouble of ours.
LEFT = "ConnectionAbortedError"


def ask(node: Web, method: str, path: str, **headers: str) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", node.port, timeout=30)
    try:
        body = headers.pop("body", None)
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def sale_of(everything: Stand) -> dict[str, str]:
    till, guest = everything.world.tills[0], everything.world.guests[0]
    body = {"businessId": till.business, "member": {"id": guest.id}, "amount": "1000.00"}
    return {
        "Authorization": f"Bearer {till.token}",
        "Content-Type": "application/json",
        "Idempotency-Key": str(uuid.uuid4()),
        "X-Forwarded-For": till.address,
        "Accept-Language": "ru",
        "body": json.dumps(body),
    }


def seen_since(everything: Stand, number: int) -> Counter[str]:
    """What clients met since that operation: final answers and the troubles before them."""
    seen: Counter[str] = Counter()
    for operation in everything.ledger.done[number:]:
        seen.update(operation.seen)
    seen.pop(LEFT, None)
    return seen


def test_without_postgresql_it_says_so_and_the_same_request_goes_through_later(
    everything: Stand,
) -> None:
    everything.heal()
    node, sale = everything.nodes[0], sale_of(everything)

    everything.servers.kill_postgres()
    refused = ask(node, "POST", "/api/v1/transactions", **sale)
    alive = ask(node, "GET", "/health/live")
    page, words = ask(node, "GET", "/login/")
    everything.servers.start_postgres()
    done = ask(node, "POST", "/api/v1/transactions", **sale)
    again = ask(node, "POST", "/api/v1/transactions", **sale)

    error = json.loads(refused[1])["error"]
    assert (refused[0], error["code"]) == (503, "UNAVAILABLE")
    assert error["message"] == "Сервис временно недоступен. Ничего не потеряно."
    assert alive[0] == 200
    assert page in (200, 503)
    assert "Traceback" not in words.decode()
    assert (done[0], again[0]) == (201, 201)
    assert json.loads(done[1])["data"] == json.loads(again[1])["data"]
    remember(everything, sale, done[1])


def remember(everything: Stand, sale: dict[str, str], answer: bytes) -> None:
    """A request beside the traffic belongs to the books too."""
    done = Operation("sale", "POST", "/transactions", {}, everything.world.tills[0])
    done.key, done.status = sale["Idempotency-Key"], 201
    done.data = json.loads(answer)["data"]
    everything.ledger.note(done)


def test_without_redis_fewer_than_one_in_two_hundred_fails(
    everything: Stand, record_property: Any
) -> None:
    everything.heal()
    with everything.load() as traffic:
        traffic.wait(20)
        began = len(everything.ledger.done)
        everything.servers.kill_valkey()
        traffic.wait(150, patience=120)
        everything.servers.start_valkey()
    seen = seen_since(everything, began)
    everything.settle()

    failed = sum(count for what, count in seen.items() if what in OUR_TROUBLE)
    record_property("operations", sum(seen.values()))
    record_property("failed", failed)
    assert failed / sum(seen.values()) < 0.005, seen
    assert everything.faults() == {}


def test_a_release_node_by_node_fails_no_request(everything: Stand, record_property: Any) -> None:
    everything.heal()
    with everything.load() as traffic:
        traffic.wait(20)
        began = len(everything.ledger.done)
        for node in everything.nodes:
            node.stop()
            node.start()
            node.wait()
            traffic.wait(10)
    everything.settle()

    seen = seen_since(everything, began)
    record_property("operations", sum(seen.values()))
    assert [what for what in seen if what in OUR_TROUBLE] == []
    assert everything.faults() == {}


def test_what_waited_for_a_dead_worker_is_drained(everything: Stand, record_property: Any) -> None:
    everything.heal()
    everything.settle()
    everything.worker.kill()
    with everything.load() as traffic:
        traffic.wait(100, patience=120)
    waited = everything.waiting()

    began = time.monotonic()
    everything.heal()
    everything.settle()

    record_property("waited", waited)
    record_property("seconds", round(time.monotonic() - began))
    assert waited > 100
    assert everything.faults() == {}
