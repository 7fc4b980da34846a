"""Tickets: a signed text that a scanner checks without a network (Ed25519).

`SK1.<key id>.<payload>.<signature>`; the payload is event, registration, seat's turn and the
window of validity. Capital letters and digits alone (base32), so that the QR stays small.
"""

import base64
import struct
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

import segno
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.conf import settings

from apps.events.models import Event, EventRegistration

PREFIX = "SK1"
DOORS_OPEN = timedelta(hours=3)  # before the start
SHAPE = struct.Struct(">16s16sHII")


@dataclass(frozen=True)
class Ticket:
    """What a genuine ticket says."""

    event_id: UUID
    registration_id: UUID
    turn: int
    valid_from: datetime
    valid_to: datetime


def _key(key_id: str) -> Ed25519PrivateKey | None:
    seed = settings.TICKET_KEYS.get(key_id)
    return Ed25519PrivateKey.from_private_bytes(seed) if seed else None


def _base32(raw: bytes) -> str:
    return base64.b32encode(raw).decode().rstrip("=")


def _raw(text: str) -> bytes:
    return base64.b32decode(text + "=" * (-len(text) % 8))


def window(event: Event) -> tuple[datetime, datetime]:
    """When a ticket opens the door: from three hours before the start to the end."""
    return event.times.starts_at - DOORS_OPEN, event.times.ends_at


def sign(event: Event, registration: EventRegistration) -> str:
    """The ticket of a confirmed registration."""
    key_id = next(iter(settings.TICKET_KEYS))
    key = _key(key_id)
    assert key is not None
    since, until = window(event)
    body = SHAPE.pack(
        event.pk.bytes,
        registration.pk.bytes,
        registration.ticket,
        int(since.timestamp()),
        int(until.timestamp()),
    )
    signed = f"{PREFIX}.{key_id}.{_base32(body)}"
    return f"{signed}.{_base32(key.sign(signed.encode()))}"


def read(code: str) -> Ticket | None:
    """What a ticket says; None when nobody of ours signed it."""
    parts = code.strip().upper().split(".")
    if len(parts) != 4 or parts[0] != PREFIX:
        return None
    key = _key(parts[1])
    if key is None:
        return None
    try:
        key.public_key().verify(_raw(parts[3]), ".".join(parts[:3]).encode())
        event, registration, turn, since, until = SHAPE.unpack(_raw(parts[2]))
    except (InvalidSignature, ValueError, struct.error):
        return None
    return Ticket(
        UUID(bytes=event),
        UUID(bytes=registration),
        turn,
        datetime.fromtimestamp(since, UTC),
        datetime.fromtimestamp(until, UTC),
    )


def public_keys() -> dict[str, str]:
    """For scanners: key id → base64 of the 32 bytes of the public key."""
    found = {}
    for key_id, seed in settings.TICKET_KEYS.items():
        public: Ed25519PublicKey = Ed25519PrivateKey.from_private_bytes(seed).public_key()
        raw = public.public_bytes(Encoding.Raw, PublicFormat.Raw)
        found[key_id] = base64.b64encode(raw).decode()
    return found


def svg(code: str) -> str:
    """The QR of a ticket."""
    return segno.make(code, mode="alphanumeric", error="m", micro=False).svg_inline(
        scale=6, border=4, dark="#000000", light="#ffffff"
    )
