"""What the simulated providers were told and how they were asked to behave."""

import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

DEFAULTS: dict[str, Any] = {
    "down": [],  # providers that answer 503: smsru, smsc, fcm, sendgrid
    "drop": [],  # providers that take the message and break the line
    "smsru_all": 0,  # code of a refusal of the whole request
    "smsru_numbers": {},  # digits of a number → code of its row
    "smsc": {},  # "sms", "call" → code of a refusal
    "balance": "4122.56",
    "fcm_tokens": {},  # token → error code; "INVALID_ARGUMENT:payload" is the other sense
    "fcm_retry_after": "",
    "fcm_expired": 0,  # so many requests are told that the access token ended
    "sendgrid_status": 202,
    "keep": True,  # remember every message; a measurement of many counts only
}

KEPT = 5_000  # messages a provider remembers


@dataclass
class State:
    """Threads share it; `lock` guards every change."""

    api_id: str = "DEMO-API-ID"
    lock: threading.Lock = field(default_factory=threading.Lock)
    switches: dict[str, Any] = field(default_factory=lambda: dict(DEFAULTS))
    taken: dict[str, list[dict[str, Any]]] = field(
        default_factory=lambda: {"smsru": [], "smsc": [], "fcm": [], "sendgrid": []}
    )
    counts: Counter[str] = field(default_factory=Counter)
    requests: Counter[str] = field(default_factory=Counter)
    statuses: dict[str, int] = field(default_factory=dict)
    callbacks: list[str] = field(default_factory=list)
    number: int = 1_000_000
    reporter: Callable[[str, dict[str, Any]], None] | None = None  # tells the product later

    def take(self, provider: str, message: dict[str, Any]) -> None:
        with self.lock:
            self.counts[provider] += 1
            if self.switches["keep"]:
                self.taken[provider].append(message)
                del self.taken[provider][:-KEPT]
        if self.reporter:
            self.reporter(provider, message)

    def next_number(self) -> int:
        with self.lock:
            self.number += 1
            return self.number

    def reset(self) -> None:
        with self.lock:
            self.switches = dict(DEFAULTS)
            self.taken = {name: [] for name in self.taken}
            self.counts.clear()
            self.requests.clear()
            self.statuses.clear()

    def told(self) -> dict[str, Any]:
        with self.lock:
            return {
                "counts": dict(self.counts),
                "requests": dict(self.requests),
                "taken": self.taken,
                "callbacks": self.callbacks,
                "switches": self.switches,
            }
