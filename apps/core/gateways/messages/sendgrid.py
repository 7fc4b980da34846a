"""SendGrid v3: 202 says nothing about the receiver; signed events over the raw body do."""

import base64
import time
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, ClassVar

import httpx2 as httpx
import orjson
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_der_public_key
from django.conf import settings

from apps.core.gateways.messages.base import Forged, News, Outcome, Parcel, Verdict
from apps.core.gateways.messages.http import broken, client, wait_of

SIGNATURE = "X-Twilio-Email-Event-Webhook-Signature"
TIMESTAMP = "X-Twilio-Email-Event-Webhook-Timestamp"
OLDEST = 600  # seconds: an older signature is a replay
STATES = {
    "delivered": "delivered",
    "open": "opened",
    "click": "opened",
    "dropped": "gone",
    "spamreport": "complaint",
    "unsubscribe": "unsubscribed",
    "group_unsubscribe": "unsubscribed",
}


def mail(parcel: Parcel) -> dict[str, Any]:
    """The body of `mail/send`."""
    whole: dict[str, Any] = {
        "personalizations": [
            {"to": [{"email": parcel.addresses[0]}], "custom_args": {"attempt": parcel.attempt}}
        ],
        "from": {"email": settings.MAIL_FROM, "name": settings.MAIL_FROM_NAME},
        "subject": parcel.title,
        "content": [
            {"type": "text/plain", "value": parcel.body},
            {"type": "text/html", "value": parcel.html},
        ],
        "categories": [parcel.kind],
        # Our links are ours: a foreign redirect would learn who reads what.
        "tracking_settings": {"click_tracking": {"enable": False, "enable_text": False}},
    }
    if parcel.headers:
        whole["headers"] = dict(parcel.headers)
    return whole


class SendGrid:
    name: ClassVar[str] = "sendgrid"
    batch: ClassVar[int] = 100
    per_second: ClassVar[int] = 500
    repeatable: ClassVar[bool] = False

    def send(self, parcels: Sequence[Parcel]) -> list[Verdict]:
        return [self._send(one) for one in parcels]

    def _send(self, parcel: Parcel) -> Verdict:
        headers = {"Authorization": f"Bearer {settings.SENDGRID_API_KEY}"}
        url = f"{settings.SENDGRID_URL}/v3/mail/send"
        try:
            answer = client().post(url, json=mail(parcel), headers=headers)
        except httpx.HTTPError as failure:
            return broken(failure)
        code = str(answer.status_code)
        if answer.is_success:
            reference = answer.headers.get("X-Message-Id", "")[:200]
            return Verdict(Outcome.ACCEPTED, code=code, reference=reference)
        if answer.status_code in (401, 403):
            return Verdict(Outcome.STOP, code=code)
        if answer.status_code == 429 or answer.status_code >= 500:
            return Verdict(Outcome.LATER, code=code, retry_after=_wait(answer))
        return Verdict(Outcome.REFUSED, code=code)

    def heard(self, *, body: bytes, headers: Mapping[str, str]) -> list[News]:
        """The signature covers the raw bytes, their last line end included."""
        _check(body, headers.get(SIGNATURE, ""), headers.get(TIMESTAMP, ""))
        try:
            events = orjson.loads(body)
        except orjson.JSONDecodeError as broken_body:
            raise Forged from broken_body
        if not isinstance(events, list):
            raise Forged
        return [news for one in events if isinstance(one, dict) and (news := _news(one))]

    def ask(self, references: Sequence[str]) -> list[News]:
        return []

    def balance(self) -> Decimal | None:
        return None


def _check(body: bytes, signature: str, timestamp: str) -> None:
    """Raises Forged."""
    try:
        sealed = base64.b64decode(settings.SENDGRID_WEBHOOK_KEY, validate=True)
        key = load_der_public_key(sealed)
        if not isinstance(key, ec.EllipticCurvePublicKey):
            raise Forged
        key.verify(
            base64.b64decode(signature, validate=True),
            timestamp.encode() + body,
            ec.ECDSA(hashes.SHA256()),
        )
        old = abs(time.time() - int(timestamp)) > OLDEST
    except (InvalidSignature, ValueError) as wrong:
        raise Forged from wrong
    if old:
        raise Forged


def _wait(answer: httpx.Response) -> int | None:
    """SendGrid names the moment (Unix seconds) at which it takes requests again."""
    reset = answer.headers.get("X-RateLimit-Reset", "")
    if reset.isdecimal():
        return min(max(int(reset) - int(time.time()), 1), 3600)
    return wait_of(answer)


def _news(event: dict[str, Any]) -> News | None:
    word = str(event.get("event", ""))
    state = STATES.get(word, "")
    if word == "bounce":
        state = "gone" if event.get("type") == "bounce" else "failed"
    if word == "open" and event.get("sg_machine_open"):
        state = ""  # a scanner, not a person
    if not state:
        return None
    return News(
        key=str(event.get("sg_event_id") or "")[:64] or _made_key(event, word),
        state=state,
        reference=str(event.get("sg_message_id", "")).partition(".")[0][:200],
        attempt=str(event.get("attempt", ""))[:36],
        code=str(event.get("status") or event.get("type") or word)[:40],
    )


def _made_key(event: dict[str, Any], word: str) -> str:
    return f"{word}:{event.get('attempt', '')}"[:64]
