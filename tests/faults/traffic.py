"""Clients as the contract wants them: every operation has a key and is asked again, with the same
key and body, until the answer is final. What became of each is written down."""

import http.client
import json
import random
import threading
import time
import uuid
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.faults.world import Person, World

ANSWER_WITHIN = 12.0  # seconds until a client gives an answer up
FINAL_WITHIN = 300.0  # seconds until an operation counts as lost
WINDOW = 60.0  # seconds of the limits that are counted before the key is looked at
NOT_TODAY = 10.0  # seconds: who is asked to wait longer than that gives the wish up
HANG_UP = 0.03  # how many clients leave before they hear the answer


@dataclass
class Operation:
    """One intent. `status` and `data`: the final answer; `tries`: how often it was asked;
    `is_unheard`: a try had no answer, and may have been done."""

    kind: str
    method: str
    path: str
    body: dict[str, Any]
    who: Person
    key: str = field(default_factory=lambda: str(uuid.uuid4()))
    status: int = 0
    data: dict[str, Any] = field(default_factory=dict)
    code: str = ""
    tries: int = 0
    is_unheard: bool = False
    seen: list[str] = field(default_factory=list)

    @property
    def succeeded(self) -> bool:
        return 200 <= self.status < 300


class Lost(AssertionError):
    """No final answer in time."""


class Ledger:
    """What clients were told, over all runs."""

    def __init__(self) -> None:
        self.done: list[Operation] = []
        self.seen: Counter[str] = Counter()
        self.failures: list[BaseException] = []
        self._lock = threading.Lock()

    def note(self, operation: Operation) -> None:
        with self._lock:
            self.done.append(operation)
            self.seen.update(operation.seen)

    def ids(self, kind: str) -> list[str]:
        return [one.data["id"] for one in self.done if one.kind == kind and one.succeeded]

    def count(self, kind: str) -> int:
        return sum(one.kind == kind and one.succeeded for one in self.done)


class Client:
    """One device: asks a node, on trouble the next one, a little later, with the same key."""

    def __init__(self, ports: Sequence[int], dice: random.Random) -> None:
        self._ports, self._dice, self._at = list(ports), dice, dice.randrange(100)
        self._connection: http.client.HTTPConnection | None = None

    def ask(self, operation: Operation) -> Operation:
        until = time.monotonic() + FINAL_WITHIN
        while time.monotonic() < until:
            operation.tries += 1
            if self._once(operation):
                return operation
            time.sleep(min(2.0, 0.1 * operation.tries) * self._dice.uniform(0.5, 1.0))
        raise Lost(f"{operation.kind} {operation.key}: {operation.seen[-5:]}")

    def _once(self, operation: Operation) -> bool:
        """Whether the answer is final."""
        try:
            status, payload, wait = self._send(operation)
        except (OSError, http.client.HTTPException, ValueError) as trouble:
            operation.seen.append(type(trouble).__name__)
            operation.is_unheard = True
            self._leave()
            return False
        error = payload.get("error") or {}
        operation.code = error.get("code", "")
        operation.seen.append(operation.code or str(status))
        if status >= 500 or operation.code == "IDEMPOTENCY_IN_PROGRESS":
            operation.is_unheard = True
            return False
        # Who may have been served already asks on through the window of a limit.
        if status == 429 and wait <= (WINDOW if operation.is_unheard else NOT_TODAY):
            return False
        operation.status, operation.data = status, payload.get("data") or {}
        return True

    def _send(self, operation: Operation) -> tuple[int, dict[str, Any], float]:
        """Status, body, and the seconds that it asks to wait."""
        if self._connection is None:
            port = self._ports[self._at % len(self._ports)]
            self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=ANSWER_WITHIN)
        headers = {
            "Authorization": f"Bearer {operation.who.token}",
            "Content-Type": "application/json",
            "Idempotency-Key": operation.key,
            "X-Forwarded-For": operation.who.address,
        }
        body = json.dumps(operation.body) if operation.body is not None else None
        self._connection.request(operation.method, "/api/v1" + operation.path, body, headers)
        if self._dice.random() < HANG_UP:
            raise ConnectionAbortedError("the client left")
        answer = self._connection.getresponse()
        wait = float(answer.getheader("Retry-After") or 0)
        return answer.status, json.loads(answer.read() or b"{}"), wait

    def _leave(self) -> None:
        if self._connection:
            self._connection.close()
        self._connection = None
        self._at += 1


class Shopper(threading.Thread):
    """One thread of traffic: people and tills of its own, one operation after another."""

    def __init__(self, traffic: "Traffic", number: int) -> None:
        super().__init__(daemon=True, name=f"shopper-{number}")
        self.traffic, self.number = traffic, number
        self.dice = random.Random(traffic.seed * 1000 + number)
        self.client = Client(traffic.ports, self.dice)
        self.sold: deque[tuple[str, Person]] = deque(maxlen=40)
        share = slice(number, None, traffic.size)
        self.tills, self.guests = traffic.world.tills[share], traffic.world.guests[share]

    def run(self) -> None:
        kinds: list[Callable[[], None]] = [
            self.earn, self.earn, self.earn, self.spend, self.refund, self.gift, self.coupon,
            self.event,
        ]  # fmt: skip
        try:
            while not self.traffic.is_over():
                self.dice.choice(kinds)()
        except BaseException as failure:  # noqa: BLE001 - the run looks at it
            self.traffic.ledger.failures.append(failure)
        finally:
            self.client._leave()

    def do(self, kind: str, path: str, body: Any, who: Person, method: str = "POST") -> Operation:
        operation = self.client.ask(Operation(kind, method, path, body, who))
        self.traffic.ledger.note(operation)
        return operation

    def money(self, most: int) -> str:
        return f"{self.dice.randrange(100, most) / 100:.2f}"

    def sell(self, kind: str = "sale", till: Person | None = None, **given: Any) -> Operation:
        till = till or self.dice.choice(self.tills)
        body = {"businessId": till.business, "amount": self.money(500_000)} | given
        if "member" not in body:
            body["member"] = {"id": self.dice.choice(self.guests).id}
        sold = self.do(kind, "/transactions", body, till)
        if sold.succeeded:
            self.sold.append((sold.data["id"], till))
        return sold

    # --- what people do --------------------------------------------------------------------------
    def earn(self) -> None:
        self.sell()

    def spend(self) -> None:
        guest, till = self.dice.choice(self.guests), self.dice.choice(self.tills)
        wish = {"businessId": till.business, "amount": self.money(20_000)}
        hold = self.do("hold", "/loyalty/redemptions", wish, guest)
        if hold.succeeded:
            spend = {"redemptionCode": hold.data["code"]}
            self.sell(till=till, amount="3000.00", member={"id": guest.id}, spend=spend)

    def refund(self) -> None:
        """All of it undone at its till, or a part of it given back by the owner."""
        if self.sold:
            sale, till = self.sold.pop()
            body, who = {"reason": "не подошло"}, till
            if self.dice.random() < 0.5:
                body["amount"], who = "1.00", self.traffic.world.owners[till.business]
            self.do("refund", f"/transactions/{sale}/refund", body, who)

    def gift(self) -> None:
        giver, receiver = self.dice.sample(self.traffic.world.guests, 2)
        body = {"phone": receiver.phone, "amount": self.money(2_000), "message": "с любовью"}
        self.do("gift", "/loyalty/transfers", body, giver)

    def coupon(self) -> None:
        till = self.dice.choice(self.tills)
        if code := self.traffic.take_code(till.business):
            self.sell("sale", till=till, amount="4000.00", couponCodes=[code])

    def event(self) -> None:
        event, guest = self.dice.choice(self.traffic.world.events), self.dice.choice(self.guests)
        came = self.do("register", f"/events/{event.pk}/register", {}, guest)
        if came.succeeded and self.dice.random() < 0.7:
            self.do("leave", f"/events/{event.pk}/register", None, guest, method="DELETE")


class Traffic:
    """Shoppers at work until told to stop or until so many operations are done."""

    def __init__(
        self, world: World, ports: Sequence[int], ledger: Ledger, *, seed: int, size: int = 6
    ) -> None:
        self.world, self.ports, self.ledger, self.seed, self.size = world, ports, ledger, seed, size
        self.until = 0  # operations in the ledger; 0: until stopped
        self._over, self._codes = threading.Event(), threading.Lock()
        self.shoppers = [Shopper(self, number) for number in range(size)]

    def take_code(self, business: str) -> str | None:
        with self._codes:
            codes = self.world.codes[business]
            return codes.pop() if codes else None

    def is_over(self) -> bool:
        return self._over.is_set() or bool(self.until and len(self.ledger.done) >= self.until)

    def start(self) -> "Traffic":
        for shopper in self.shoppers:
            shopper.start()
        return self

    def stop(self) -> None:
        """No new operations; those under way come to their end. Raises what went wrong."""
        self._over.set()
        self.join()

    def join(self) -> None:
        for shopper in self.shoppers:
            shopper.join(FINAL_WITHIN + 30)
        stuck = [one.name for one in self.shoppers if one.is_alive()]
        if stuck or self.ledger.failures:
            raise AssertionError(f"{stuck} {self.ledger.failures[:3]}")

    def wait(self, operations: int, *, patience: float = 180.0) -> None:
        """Until so many more operations have come to their end."""
        wanted, until = len(self.ledger.done) + operations, time.monotonic() + patience
        while len(self.ledger.done) < wanted and not self.ledger.failures:
            if time.monotonic() > until:
                seen = self.ledger.seen.most_common(5)
                raise AssertionError(f"The traffic stands still. Heard so far: {seen}")
            time.sleep(0.02)
