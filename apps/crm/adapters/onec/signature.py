"""Standard OData calls nobody. A base may have our extension (an HTTP service) that tells of a
posted receipt: level A, HMAC-SHA256 over `timestamp.event.raw body` with the shared secret.

    X-Krug-Timestamp: 1790000000        Unix seconds, at most five minutes away
    X-Krug-Event:     <unique id>
    X-Krug-Signature: <hex>
"""

import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from datetime import datetime

from apps.crm.adapters.base import Hint, Ref
from apps.crm.adapters.onec.mapping import RETURN, SALE
from apps.crm.net.reading import parse_json

FRESH = 300
REF = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def sign(secret: str, *, timestamp: str, event: str, body: bytes) -> str:
    signed = f"{timestamp}.{event}.".encode() + body
    return hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()


def is_genuine(
    headers: Mapping[str, str], body: bytes, *, secrets: Sequence[str], at: datetime
) -> bool:
    timestamp, event = headers.get("x-krug-timestamp", ""), headers.get("x-krug-event", "")
    given = headers.get("x-krug-signature", "")
    if not (re.fullmatch(r"[0-9]{9,11}", timestamp, re.ASCII) and 8 <= len(event) <= 64):
        return False
    if abs(at.timestamp() - int(timestamp)) > FRESH:
        return False
    good = [
        hmac.compare_digest(
            sign(secret, timestamp=timestamp, event=event, body=body).encode(),
            given.encode("utf-8", "replace"),
        )
        for secret in secrets
    ]
    return any(good)


def read_hint(body: bytes) -> Hint:
    given = parse_json(body)
    ref = str(given.get("ref", "")).lower() if isinstance(given, dict) else ""
    if not REF.fullmatch(ref):
        raise ValueError("no object")
    entity = RETURN if given.get("return") is True else SALE
    return Hint(topic=entity, refs=(Ref(entity, ref),))
