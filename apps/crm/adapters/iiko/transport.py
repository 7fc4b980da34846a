"""iiko on the wire: iikoCloud (a token for an hour, POST for everything) and iikoServer (a key that
holds a licence until it is given back)."""

import hashlib
import time
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlencode

from apps.crm.adapters.base import Place
from apps.crm.enums import Trouble
from apps.crm.net import Answer, Client, Failed, Judge, Limit, Policy, by_status

LIFE = 45 * 60  # seconds; the hour is theirs, a token in use must not end under our hands


def judge(answer: Answer) -> Trouble | None:
    """A missing right comes as 401 with these words: signing in again will not help."""
    trouble = by_status(answer)
    if trouble == Trouble.AUTH and b"is not allowed" in answer.body:
        return Trouble.RIGHTS
    return trouble


POLICY = Policy(
    hosts=("api-ru.iiko.services", "api-eu.iiko.services", "*.iiko.it"),
    limits=(Limit(2, 1),),
    judge=judge,
    read_seconds=60.0,
    deadline=120.0,
)


class Cloud:
    """Requests of one organization, one after another."""

    def __init__(self, client: Client, place: Place) -> None:
        self.client, self.place = client, place
        self.organization = str(place.options.get("organization_id", ""))

    def post(self, path: str, body: Mapping[str, Any], *, judge: Judge | None = None) -> Any:
        """The answer to a question; a token that ended before its time is renewed once."""
        kept = self.place.tokens.read()
        token = kept.get("token") if kept.get("expires_at", 0) > time.time() else None
        try:
            return self._ask(path, body, str(token or self.sign_in()), judge)
        except Failed as failed:
            if failed.trouble != Trouble.AUTH or not token:
                raise
        return self._ask(path, body, self.sign_in(), judge)

    def sign_in(self) -> str:
        given = self.place.credentials
        if given.get("app_id"):
            asked = {
                "apiKey": given.get("api_key", ""),
                "appId": given["app_id"],
                "clientSecret": given.get("client_secret", ""),
            }
            answer = self.client.post("/api/v2/access_token", json=asked)
        else:
            asked = {"apiLogin": given.get("api_key", "")}
            answer = self.client.post("/api/1/access_token", json=asked)
        token = answer.json.get("token")
        if not token:
            raise Failed(Trouble.AUTH, status=answer.status)
        self.place.tokens.write({"token": token, "expires_at": time.time() + LIFE})
        return str(token)

    def _ask(self, path: str, body: Mapping[str, Any], token: str, judge: Judge | None) -> Any:
        headers = {"Authorization": f"Bearer {token}"}
        return self.client.post(path, headers=headers, json=body, judge=judge).json

    def columns(self) -> set[str]:
        rows = self.post("/api/reporting/v1/olap/columns/get", {"reportType": "SALES"})
        return {str(row.get("name")) for row in rows}

    def olap(self, day: str, next_day: str, rows: Sequence[str], sums: Sequence[str]) -> Any:
        period = _period(day, next_day)
        body = _report(rows, sums) | {"filters": [{"name": "OpenDate.Typed"} | period]}
        return self.post("/api/reporting/v1/olap/get", body)

    def close(self) -> None:
        return


class Server:
    """iikoServer: the key is given back at the end, whatever happened."""

    def __init__(self, client: Client, place: Place) -> None:
        self.client, self.place = client, place
        self.key = ""

    def sign_in(self) -> str:
        given = self.place.credentials
        secret = hashlib.sha1(  # noqa: S324 - what the server wants instead of the password
            given.get("password", "").encode()
        ).hexdigest()
        asked = urlencode({"login": given.get("login", ""), "pass": secret})
        self.key = self.client.get(f"/resto/api/auth?{asked}").text.strip()
        return self.key

    def columns(self) -> set[str]:
        path = f"/resto/api/v2/reports/olap/columns?reportType=SALES&key={self._key()}"
        return set(self.client.get(path).json)

    def olap(self, day: str, next_day: str, rows: Sequence[str], sums: Sequence[str]) -> Any:
        body = _report(rows, sums) | {"filters": {"OpenDate.Typed": _period(day, next_day)}}
        return self.client.post(f"/resto/api/v2/reports/olap?key={self._key()}", json=body).json

    def _key(self) -> str:
        return quote(self.key or self.sign_in())

    def close(self) -> None:
        if self.key:
            key, self.key = quote(self.key), ""
            self.client.get(f"/resto/api/logout?key={key}")


def _report(rows: Sequence[str], sums: Sequence[str]) -> dict[str, Any]:
    return {
        "reportType": "SALES",
        "buildSummary": False,
        "groupByRowFields": list(rows),
        "aggregateFields": list(sums),
    }


def _period(day: str, next_day: str) -> dict[str, Any]:
    return {
        "filterType": "DateRange",
        "periodType": "CUSTOM",
        "from": day,
        "to": next_day,
        "includeLow": True,
        "includeHigh": False,
    }
