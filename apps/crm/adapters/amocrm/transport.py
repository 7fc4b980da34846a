"""amoCRM v4 on the wire: bearer tokens with a single-use refresh, pages by link, 204 for nothing.

A token is renewed six hours before its end. So a refresh that broke off half-way costs no sales:
the old access token serves while one more attempt, or a person, mends the pair.
"""

import time
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

from apps.crm.adapters.base import Place, Rotation
from apps.crm.enums import Trouble
from apps.crm.net import Answer, Client, Failed, Limit, Policy, by_status
from apps.crm.net.reading import rows_of

LIMIT = 250
MOST_PAGES = 2000
EARLY = 6 * 3600
DAY = 24 * 3600


def judge(answer: Answer) -> Trouble | None:
    return None if answer.status == 204 else by_status(answer)


def judge_token(answer: Answer) -> Trouble | None:
    """Whatever refuses a refresh is a dead token, not a moment's trouble."""
    return Trouble.AUTH if answer.status in (400, 401, 403) else by_status(answer)


POLICY = Policy(
    hosts=("*.amocrm.ru", "*.amocrm.com", "*.kommo.com"),
    limits=(Limit(5, 1),),
    judge=judge,
)


class Transport:
    def __init__(self, client: Client, place: Place) -> None:
        self.client, self.place = client, place

    # --- reading ---
    def pages(self, path: str, name: str, query: Mapping[str, Any]) -> Iterator[Any]:
        """Rows of a list until a page has no successor; 204 is an empty list."""
        for page in range(1, MOST_PAGES):
            body = self.get(path, {**query, "page": page, "limit": LIMIT})
            if body is None:
                return
            try:
                rows = rows_of(body["_embedded"][name])
            except (KeyError, TypeError) as wrong:
                raise Failed(Trouble.UNREADABLE) from wrong
            yield from rows
            links = body.get("_links")
            if not (isinstance(links, dict) and links.get("next")):
                return
        raise Failed(Trouble.TOO_LARGE)

    def get(self, path: str, query: Mapping[str, Any] | None = None) -> Any:
        """The body, None for 204."""
        text = "&".join(f"{quote(name)}={quote(str(one))}" for name, one in (query or {}).items())
        full = f"/api/v4/{path}" + (f"?{text}" if text else "")
        token = self.access_token()
        try:
            answer = self._ask(full, token)
        except Failed as failed:
            if failed.trouble != Trouble.AUTH or self._long_lived():
                raise
            answer = self._ask(full, self.renew(refused=token))
        return answer.json if answer.status != 204 and answer.body else None

    def _ask(self, path: str, token: str) -> Answer:
        return self.client.get(path, headers={"Authorization": f"Bearer {token}"})

    # --- tokens ---
    def _long_lived(self) -> str:
        return self.place.credentials.get("access_token", "")

    def access_token(self) -> str:
        if self._long_lived():
            return self._long_lived()
        kept = self.place.tokens.read()
        if kept.get("access_token") and kept.get("expires_at", 0) - time.time() > EARLY:
            return str(kept["access_token"])
        return self.renew(refused="")

    def renew(self, *, refused: str) -> str:
        """A living access token. `refused` was answered 401. Only one worker refreshes; another
        that waited for it finds the new pair. Raises Failed(AUTH) when nothing lives."""
        with self.place.tokens.rotation() as rotation:
            kept = rotation.tokens
            living = str(kept.get("access_token", ""))
            left = float(kept.get("expires_at", 0)) - time.time()
            if living and living != refused and left > EARLY:
                return living
            try:
                return self._rotate(rotation)
            except Failed:
                if living and living != refused and left > 0:
                    return living
                raise

    def _rotate(self, rotation: Rotation) -> str:
        grant = self._grant(rotation.tokens)
        if rotation.interrupted and rotation.is_lost:
            raise Failed(Trouble.AUTH)  # tried once more already: now a person has to
        rotation.begin()
        try:
            answer = self.client.post(
                "/oauth2/access_token", json=grant, once=True, judge=judge_token
            )
            pair = answer.json
            tokens = {
                "access_token": str(pair["access_token"]),
                "refresh_token": str(pair["refresh_token"]),
                "expires_at": time.time() + int(pair.get("expires_in") or DAY),
            }
        except (KeyError, TypeError, ValueError) as broken:
            raise Failed(Trouble.UNREADABLE) from broken
        except Failed as failed:
            # Refused: the pair is dead. Silence: it may have been used, the mark stays and says so.
            if failed.trouble == Trouble.AUTH:
                rotation.lost()
            raise
        rotation.finish(tokens)
        return tokens["access_token"]  # type: ignore[return-value]

    def _grant(self, kept: Mapping[str, Any]) -> dict[str, str]:
        given = self.place.credentials
        grant = {
            "client_id": given.get("client_id", ""),
            "client_secret": given.get("client_secret", ""),
            "redirect_uri": given.get("redirect_uri", ""),
        }
        refresh = str(kept.get("refresh_token") or given.get("refresh_token") or "")
        if refresh:
            return grant | {"grant_type": "refresh_token", "refresh_token": refresh}
        if given.get("code"):
            return grant | {"grant_type": "authorization_code", "code": given["code"]}
        raise Failed(Trouble.AUTH)
