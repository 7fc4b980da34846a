"""YCLIENTS on the wire: the envelope, two tokens in one header, pages without a total."""

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlencode

from apps.crm.adapters.base import Place
from apps.crm.enums import Trouble
from apps.crm.net import Answer, Client, Failed, Limit, Policy, by_status
from apps.crm.net.reading import rows_of

PAGE = 50  # what the description shows; larger pages may silently become smaller ones
MOST_PAGES = 2000
ACCEPT = "application/vnd.yclients.v2+json"
WORDS = (
    ("лимит", Trouble.THROTTLED),
    ("авторизац", Trouble.AUTH),
    ("лиценз", Trouble.UNPAID),
    ("прав", Trouble.RIGHTS),
    ("доступ", Trouble.RIGHTS),
)


def judge(answer: Answer) -> Trouble | None:
    """HTTP 200 with `success: false` is a failure, the rate limit included."""
    if answer.status == 204:
        return None
    trouble = by_status(answer)
    if trouble:
        return trouble
    body = answer.json
    if isinstance(body, dict) and body.get("success") is True:
        return None
    meta = body.get("meta") if isinstance(body, dict) else None
    said = str(meta.get("message", "")).lower() if isinstance(meta, dict) else ""
    return next((found for word, found in WORDS if word in said), Trouble.REFUSED)


POLICY = Policy(
    hosts=("api.yclients.ru", "api.yclients.com"),
    limits=(Limit(5, 1), Limit(200, 60)),
    judge=judge,
)


class Transport:
    """Requests of one branch. The user token is kept and asked for anew only after a 401."""

    def __init__(self, client: Client, place: Place) -> None:
        self.client, self.place = client, place
        self.company = str(place.options.get("company_id", ""))

    def get(self, path: str, **query: Any) -> Any:
        full = f"/api/v1/{path}" + (f"?{urlencode(query)}" if query else "")
        return self._signed("GET", full, None)

    def post(self, path: str, body: Mapping[str, Any], *, once: bool = False) -> Any:
        return self._signed("POST", f"/api/v1/{path}", body, once=once)

    def pages(self, path: str, **query: Any) -> Iterator[Mapping[str, Any]]:
        """Rows until a page is really empty, or as many came as the total says: a short page is
        not the last one."""
        seen = 0
        for page in range(1, MOST_PAGES):
            body = self.get(path, page=page, count=PAGE, **query)
            rows, meta = rows_of(body.get("data")), body.get("meta")
            if not rows:
                return
            yield from rows
            seen += len(rows)
            total = meta.get("total_count") if isinstance(meta, dict) else None
            if isinstance(total, int) and seen >= total:
                return
        raise Failed(Trouble.TOO_LARGE)

    def sign_in(self) -> str:
        """A fresh user token. Raises Failed(AUTH) also when the user has a second factor on."""
        given = self.place.credentials
        if given.get("user_token"):
            return given["user_token"]
        answer = self.client.post(
            "/api/v1/auth",
            headers=self._headers(""),
            json={"login": given.get("login", ""), "password": given.get("password", "")},
        )
        data = answer.json.get("data")
        token = data.get("user_token") if isinstance(data, dict) else None
        if not token:
            raise Failed(Trouble.AUTH, status=answer.status)
        self.place.tokens.write({"user_token": token})
        return str(token)

    def _signed(self, method: str, path: str, body: Any, *, once: bool = False) -> Any:
        kept = self.place.tokens.read().get("user_token")
        token = kept or self.sign_in()
        try:
            return self._ask(method, path, body, token, once)
        except Failed as failed:
            if failed.trouble != Trouble.AUTH or not kept:
                raise
        return self._ask(method, path, body, self.sign_in(), once)

    def _ask(self, method: str, path: str, body: Any, token: str, once: bool) -> Any:
        answer = self.client.ask(method, path, headers=self._headers(token), json=body, once=once)
        return answer.json if answer.body else {}

    def _headers(self, token: str) -> dict[str, str]:
        bearer = f"Bearer {self.place.credentials.get('partner_token', '')}"
        user = f", User {token}" if token else ""
        return {"Accept": ACCEPT, "Authorization": bearer + user}
