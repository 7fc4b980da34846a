"""SendGrid: `mail/send`, and events signed with a key of this simulator's own."""

import base64
import json
import time
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from apps.notifications.simulator.state import State

Answer = tuple[int, dict[str, Any] | None, dict[str, str]]
KEY = ec.generate_private_key(ec.SECP256R1())


def public_key() -> str:
    """What goes into SENDGRID_WEBHOOK_KEY."""
    der = KEY.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(der).decode()


def send(state: State, body: dict[str, Any], bearer: str) -> Answer:
    status = state.switches["sendgrid_status"]
    if not bearer.startswith("Bearer SG."):
        return 401, _errors("Permission denied, wrong credentials"), {}
    if status == 429:
        reset = {"X-RateLimit-Reset": str(int(time.time()) + 30)}
        return 429, _errors("too many requests"), reset
    if status != 202:
        return status, _errors("refused"), {}
    people = body.get("personalizations") or []
    if not people or not all(one.get("to") for one in people):
        return 400, _errors("The to array is required for all personalization objects"), {}
    message_id = f"sim-{state.next_number()}"
    for one in people:
        state.take("sendgrid", body | {"to": one["to"], "args": one.get("custom_args", {})})
    return 202, None, {"X-Message-Id": message_id}


def _errors(said: str) -> dict[str, Any]:
    return {"errors": [{"message": said, "field": None, "help": None}]}


def signed(events: list[dict[str, Any]], *, at: int | None = None) -> tuple[bytes, dict[str, str]]:
    """Body and headers of an event webhook, with the line end that SendGrid writes."""
    body = json.dumps(events, separators=(",", ":")).encode() + b"\r\n"
    stamp = str(at or int(time.time()))
    signature = KEY.sign(stamp.encode() + body, ec.ECDSA(hashes.SHA256()))
    return body, {
        "X-Twilio-Email-Event-Webhook-Signature": base64.b64encode(signature).decode(),
        "X-Twilio-Email-Event-Webhook-Timestamp": stamp,
    }
