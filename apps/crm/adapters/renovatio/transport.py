"""МИС Renovatio on the wire: a form with the key, 200 with a refusal inside."""

from collections.abc import Mapping, Sequence
from typing import Any

from apps.crm.adapters.base import Place
from apps.crm.enums import Trouble
from apps.crm.net import Answer, Client, Policy, by_status
from apps.crm.net.reading import rows_of


def judge(answer: Answer) -> Trouble | None:
    """`error` 0 is a success; a code may be a number or text; a missing right comes per method."""
    trouble = by_status(answer)
    if trouble:
        return trouble
    body = answer.json
    if not isinstance(body, dict) or "error" not in body:
        return Trouble.UNREADABLE
    if str(body["error"]) == "0":
        return None
    said = body.get("data")
    code = str(said.get("code", "")) if isinstance(said, dict) else ""
    return {"401": Trouble.AUTH, "403": Trouble.RIGHTS, "429": Trouble.THROTTLED}.get(
        code, Trouble.REFUSED
    )


POLICY = Policy(
    hosts=("app.rnova.org",),
    limits=(),
    judge=judge,
    ports=frozenset({443, 3010}),  # a clinic's own host serves the API at 3010
    read_seconds=60.0,
    deadline=90.0,
)


class Transport:
    """One request at a time."""

    def __init__(self, client: Client, place: Place) -> None:
        self.client = client
        self.key = place.credentials.get("api_key", "")

    def rows(self, method: str, **given: Any) -> Sequence[Mapping[str, Any]]:
        """Rows of an answer: a list, one object, or nothing written as null, [] or {}."""
        form = {"api_key": self.key} | {name: str(one) for name, one in given.items()}
        data = self.client.post(f"/api/public/{method}", form=form).json.get("data")
        if not data:
            return []
        return rows_of([data] if isinstance(data, dict) else data)
