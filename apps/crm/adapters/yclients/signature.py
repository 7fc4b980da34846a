"""YCLIENTS signs nothing: level C. The address is the secret, the body is a hint.

The branch's number in the body must be ours; whatever else it says is read again.
"""

from collections.abc import Mapping
from typing import Any

from apps.crm.adapters.base import Hint, Ref
from apps.crm.adapters.yclients.mapping import PAYMENT
from apps.crm.net.reading import parse_json

HEARD = {"finances_operation", "record", "goods_operations_sale"}


def read_hint(body: bytes, *, options: Mapping[str, Any]) -> Hint:
    """Raises ValueError for what YCLIENTS would not send to this branch."""
    given = parse_json(body)
    if not isinstance(given, dict) or str(given.get("company_id")) != str(options["company_id"]):
        raise ValueError("not this branch")
    resource, number = str(given.get("resource", ""))[:40], str(given.get("resource_id", ""))
    if not number.isdecimal() or len(number) > 20:
        raise ValueError("no object")
    if resource not in HEARD:
        return Hint(topic=resource, ours=False)
    refs = (Ref(PAYMENT, number),) if resource == "finances_operation" else ()
    return Hint(topic=resource, refs=refs)
