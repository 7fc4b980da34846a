"""What the providers tell later, a moment after they took a message: SMS.ru that it was delivered,
SendGrid that it was delivered and then opened. Firebase tells nothing, as in life."""

import hashlib
import threading
import time
import urllib.request
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

from apps.notifications.simulator import sendgrid
from apps.notifications.simulator.state import State

DELAY = 2.0  # seconds
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
Call = tuple[str, bytes, dict[str, str]]


def calls(state: State, provider: str, message: dict[str, Any]) -> Iterator[Call]:
    """(path, body, headers) of each call about one message that was taken."""
    now = int(time.time())
    if provider == "smsru":
        entry = f"sms_status\n{message['id']}\n103\n{now}"
        signed = hashlib.sha256((state.api_id + entry).encode()).hexdigest()
        body = urlencode({"data[0]": entry, "hash": signed}).encode()
        yield "/webhooks/messages/smsru", body, FORM
    if provider == "sendgrid":
        for event in ("delivered", "open"):
            told = {"event": event, "timestamp": now, "sg_event_id": f"sim-{state.next_number()}"}
            body, headers = sendgrid.signed([told | message["args"]])
            yield (
                "/webhooks/messages/sendgrid",
                body,
                headers | {"Content-Type": "application/json"},
            )


class Reporter:
    """Makes the calls, in order and one at a time. What nobody answers is lost: the product asks
    after silent SMS by itself."""

    def __init__(self, state: State, site: str) -> None:
        self.state, self.site = state, site
        state.reporter = self.take
        self._waiting: list[tuple[float, str, dict[str, Any]]] = []
        self._news = threading.Event()
        threading.Thread(target=self._work, daemon=True).start()

    def take(self, provider: str, message: dict[str, Any]) -> None:
        self._waiting.append((time.monotonic() + DELAY, provider, message))
        self._news.set()

    def _work(self) -> None:
        while True:
            if not self._waiting:
                self._news.wait()
                self._news.clear()
                continue
            due, provider, message = self._waiting.pop(0)
            time.sleep(max(due - time.monotonic(), 0))
            for path, body, headers in calls(self.state, provider, message):
                self._post(path, body, headers)

    def _post(self, path: str, body: bytes, headers: dict[str, str]) -> None:
        request = urllib.request.Request(self.site + path, data=body, headers=headers)  # noqa: S310
        try:
            urllib.request.urlopen(request, timeout=5).close()  # noqa: S310 - our own site
        except OSError:
            return
