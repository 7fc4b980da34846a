"""OData of 1C on the wire: Basic in UTF-8, a query written by hand (a space as `+` breaks it)."""

import base64
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

from apps.crm.adapters.base import Place
from apps.crm.enums import Trouble
from apps.crm.net import Answer, Client, Failed, Policy, by_status
from apps.crm.net.reading import parse_json, rows_of

TOP = 500
MOST_PAGES = 2000
SAFE = "'(),:/"
LOCKED = ("блокиров", "время ожидания", "lock", "timeout")


def judge(answer: Answer) -> Trouble | None:
    """A 500 with words of 1C is our query, not an accident; a page of a web server is one."""
    trouble = by_status(answer)
    if answer.status != 500:
        return trouble
    try:
        said = str(parse_json(answer.body)["odata.error"]["message"]["value"]).lower()
    except (ValueError, KeyError, TypeError):
        return trouble
    return trouble if any(word in said for word in LOCKED) else Trouble.REFUSED


POLICY = Policy(
    hosts=("*.1cfresh.com", "1cfresh.com"),
    limits=(),
    judge=judge,
    read_seconds=60.0,
    deadline=120.0,
)


class Transport:
    """Requests of one infobase, one after another: each opens a session of its own there."""

    def __init__(self, client: Client, place: Place) -> None:
        self.client = client
        pair = f"{place.credentials.get('login', '')}:{place.credentials.get('password', '')}"
        self.headers = {
            "Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}",
            "Accept": "application/json",
        }

    def rows(self, entity: str, *, order: str = "Date,Ref_Key", **query: str) -> Iterator[Any]:
        """All rows of a set, page by page until one is empty: the server says nothing of an end."""
        for page in range(MOST_PAGES):
            body = self.get(entity, top=TOP, skip=page * TOP, orderby=order, **query)
            rows = rows_of(body.get("value"))
            yield from rows
            if not rows:
                return
        raise Failed(Trouble.TOO_LARGE)

    def one(self, entity: str, ref: str, **query: str) -> Mapping[str, Any] | None:
        """One object, None when it is not there."""
        try:
            body = self.get(f"{entity}(guid'{ref}')", **query)
        except Failed as failed:
            if failed.status == 404:
                return None
            raise
        return body

    def get(self, path: str, **query: Any) -> Mapping[str, Any]:
        asked = {"format": "json"} | query
        text = "&".join(f"${name}={quote(str(one), safe=SAFE)}" for name, one in asked.items())
        full = f"/{quote(path, safe=SAFE)}?{text}"
        body = self.client.get(full, headers=self.headers).json
        if not isinstance(body, dict):
            raise Failed(Trouble.UNREADABLE)
        return body
