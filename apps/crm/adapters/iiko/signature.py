"""iiko sends the token that we registered: level B. The bare value or `Bearer <value>`."""

import hmac
from collections.abc import Mapping, Sequence
from typing import Any

from apps.crm.adapters.base import Hint
from apps.crm.net.reading import parse_json

HEARD = {"TableOrderUpdate", "DeliveryOrderUpdate"}


def is_genuine(headers: Mapping[str, str], *, secrets: Sequence[str]) -> bool:
    given = headers.get("authorization", "")
    token = given[len("Bearer ") :] if given.startswith("Bearer ") else given
    good = [
        hmac.compare_digest(secret.encode(), token.encode("utf-8", "replace")) for secret in secrets
    ]
    return any(good)


def read_hint(body: bytes, *, options: Mapping[str, Any]) -> Hint:
    """An array of events. The report is the one truth, so they only wake the poller: the order's
    own sum may count a service charge that the report does not."""
    events = parse_json(body)
    if not isinstance(events, list) or not all(isinstance(one, dict) for one in events):
        raise ValueError("no events")
    ours = str(options["organization_id"])
    if any(str(one.get("organizationId")) != ours for one in events) or not events:
        raise ValueError("not this organization")
    kinds = sorted({str(one.get("eventType", ""))[:30] for one in events})
    return Hint(topic=",".join(kinds), ours=bool(HEARD & set(kinds)))
