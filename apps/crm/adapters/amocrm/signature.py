"""amoCRM signs nothing: level C. A form in PHP brackets names leads; they are read again."""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

from apps.crm.adapters.amocrm.mapping import LEAD
from apps.crm.adapters.base import Hint, Ref

LEAD_ID = re.compile(r"leads\[(add|update|delete|restore|status)\]\[\d{1,4}\]\[id\]", re.ASCII)
MOST_FIELDS = 5000


def read_hint(body: bytes, *, options: Mapping[str, Any]) -> Hint:
    """Raises ValueError for another account's call."""
    pairs = parse_qsl(body.decode("utf-8"), keep_blank_values=True, max_num_fields=MOST_FIELDS)
    accounts = {value for name, value in pairs if name == "account[id]"}
    if accounts != {str(options["account_id"])}:
        raise ValueError("not this account")
    numbers = [value for name, value in pairs if LEAD_ID.fullmatch(name) and value.isdecimal()]
    refs = tuple(Ref(LEAD, one) for one in dict.fromkeys(numbers) if len(one) <= 20)
    topics = sorted({name.partition("[")[0] for name, _value in pairs if name.startswith("leads")})
    return Hint(topic=",".join(topics), refs=refs, ours=bool(refs))
