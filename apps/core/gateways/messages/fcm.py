"""Firebase Cloud Messaging, HTTP v1. A push says that there is a message, never what it says:
`data` holds an opaque id and the kind, the app asks us for the words."""

import json
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

import httpx2 as httpx
import jwt
import structlog
from django.conf import settings

from apps.core.gateways.messages.base import Forged, News, Outcome, Parcel, Verdict
from apps.core.gateways.messages.http import broken, client, wait_of

log = structlog.get_logger(__name__)

SCOPE = "https://www.googleapis.com/auth/firebase.messaging"
GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
SIDE_BY_SIDE = 16  # requests at once; there is no batch over HTTP v1
EARLY = 300  # seconds before its end at which an access token is renewed
BAD_REQUEST = "type.googleapis.com/google.rpc.BadRequest"


class NotConfigured(Exception):
    """No service account, or Google did not take it."""


class AccessToken:
    """The bearer token of a service account, renewed before it ends; threads share it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._token, self._good_until = "", 0.0

    def get(self, *, anew: bool = False) -> str:
        """Raises NotConfigured, httpx.HTTPError."""
        with self._lock:
            if anew or time.time() > self._good_until - EARLY:
                self._token, life = self._ask()
                self._good_until = time.time() + life
            return self._token

    @staticmethod
    def _ask() -> tuple[str, int]:
        account = service_account()
        form = {"grant_type": GRANT, "assertion": _claim(account)}
        answer = client().post(settings.FCM_TOKEN_URL or account["token_uri"], data=form)
        if answer.status_code >= 500:
            raise httpx.ConnectError("the token server is ill")  # nothing was handed over
        if answer.status_code != httpx.codes.OK:
            raise NotConfigured(str(answer.status_code))
        try:
            body = answer.json()
            return body["access_token"], int(body["expires_in"])
        except (ValueError, KeyError, TypeError) as strange:
            raise httpx.ConnectError("the token server gave no token") from strange


def _claim(account: dict[str, Any]) -> str:
    """Who we are, signed with the account's key. Raises NotConfigured."""
    try:
        now = int(time.time())
        claims = {"iss": account["client_email"], "sub": account["client_email"], "scope": SCOPE}
        claims |= {"aud": account["token_uri"], "iat": now, "exp": now + 3600}
        headers = {"kid": account.get("private_key_id", "")}
        return jwt.encode(claims, account["private_key"], algorithm="RS256", headers=headers)
    except (KeyError, ValueError, jwt.PyJWTError) as broken_key:
        raise NotConfigured("wrong service account") from broken_key


@cache
def _account(path: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(Path(path).read_text(encoding="utf-8"))
    return loaded


def service_account() -> dict[str, Any]:
    """The JSON key file of the project. Raises NotConfigured."""
    try:
        return _account(settings.FCM_SERVICE_ACCOUNT)
    except (OSError, ValueError) as missing:
        raise NotConfigured("no service account") from missing


def payload(parcel: Parcel, token: str) -> dict[str, Any]:
    """What leaves: nothing here can be read as a person's."""
    data = {"id": parcel.id, "kind": parcel.kind}
    priority = "high" if parcel.urgent else "normal"
    # iOS shows a background message only when there is an alert: a key of the app's own phrases.
    aps = {"alert": {"loc-key": f"message.{parcel.kind}"}, "mutable-content": 1}
    return {
        "message": {
            "token": token,
            "data": data,
            "android": {
                "priority": priority,
                "ttl": f"{parcel.life}s",
                "collapse_key": parcel.id,
            },
            "apns": {
                "headers": {
                    "apns-priority": "10" if parcel.urgent else "5",
                    "apns-collapse-id": parcel.id,
                },
                "payload": {"aps": aps},
            },
            "fcm_options": {"analytics_label": parcel.kind},
        }
    }


class Fcm:
    name: ClassVar[str] = "fcm"
    batch: ClassVar[int] = 500
    per_second: ClassVar[int] = 5_000
    repeatable: ClassVar[bool] = True  # the same id collapses on the phone

    def __init__(self) -> None:
        self._access = AccessToken()
        self._pool = ThreadPoolExecutor(max_workers=SIDE_BY_SIDE, thread_name_prefix="fcm")

    def send(self, parcels: Sequence[Parcel]) -> list[Verdict]:
        try:
            self._access.get()
        except NotConfigured as wrong:
            return [Verdict(Outcome.STOP, code=str(wrong)[:40])] * len(parcels)
        except httpx.HTTPError as failure:
            later = Verdict(Outcome.LATER, code=type(failure).__name__)
            return [later] * len(parcels)
        posts = [(one, token) for one in parcels for token in one.addresses]
        answers = self._pool.map(lambda post: self._post(*post), posts)
        by_parcel: dict[str, list[Verdict]] = {one.attempt: [] for one in parcels}
        for (one, _token), verdict in zip(posts, answers, strict=True):
            by_parcel[one.attempt].append(verdict)
        return [_together(one, by_parcel[one.attempt]) for one in parcels]

    def _post(self, parcel: Parcel, token: str, *, again: bool = False) -> Verdict:
        url = f"{settings.FCM_URL}/v1/projects/{service_account()['project_id']}/messages:send"
        try:
            bearer = {"Authorization": f"Bearer {self._access.get(anew=again)}"}
            answer = client().post(url, json=payload(parcel, token), headers=bearer)
        except httpx.HTTPError as failure:
            return broken(failure)
        except NotConfigured as wrong:
            return Verdict(Outcome.STOP, code=str(wrong)[:40])
        if answer.status_code == httpx.codes.OK:
            return Verdict(Outcome.ACCEPTED, reference=_reference(answer))
        verdict = judged(answer)
        if verdict.code == "UNAUTHENTICATED" and not again:
            return self._post(parcel, token, again=True)
        return verdict

    def heard(self, *, body: bytes, headers: Mapping[str, str]) -> list[News]:
        """FCM calls nobody back: the app itself says that a message was opened."""
        raise Forged

    def ask(self, references: Sequence[str]) -> list[News]:
        return []

    def balance(self) -> Decimal | None:
        return None


def _reference(answer: httpx.Response) -> str:
    try:
        return str(answer.json()["name"])[-200:]
    except (ValueError, KeyError, TypeError):  # taken all the same
        return ""


def judged(answer: httpx.Response) -> Verdict:
    """The class of an error by FCM's own word, then by HTTP status."""
    try:
        error = answer.json()["error"]
        details = [one for one in error.get("details", []) if isinstance(one, dict)]
    except (ValueError, KeyError, TypeError, AttributeError):
        error, details = {}, []
    word = next((one["errorCode"] for one in details if "errorCode" in one), "")
    word = word or str(error.get("status", answer.status_code))
    if word == "INVALID_ARGUMENT":
        ours = any(one.get("@type") == BAD_REQUEST for one in details)
        bad_token = not ours and "registration token" in str(error.get("message", ""))
        return Verdict(Outcome.NO_ADDRESS if bad_token else Outcome.REFUSED, code=word)
    if word in ("UNREGISTERED", "SENDER_ID_MISMATCH"):
        return Verdict(Outcome.NO_ADDRESS, code=word)
    if word in ("THIRD_PARTY_AUTH_ERROR", "APNS_AUTH_ERROR"):
        log.error("messages.stopped", provider="fcm", code=word)
        return Verdict(Outcome.REFUSED, code=word)
    if answer.status_code in (401, 403):
        return Verdict(Outcome.STOP, code=word)
    if answer.status_code == 429:
        return Verdict(Outcome.LATER, code=word, retry_after=wait_of(answer) or 60)
    if answer.status_code >= 500:
        return Verdict(Outcome.LATER, code=word, retry_after=wait_of(answer))
    return Verdict(Outcome.REFUSED, code=word[:40])


def _together(parcel: Parcel, verdicts: list[Verdict]) -> Verdict:
    """One verdict of all her phones: the best one, with the tokens that are no more."""
    dead = tuple(
        token
        for token, verdict in zip(parcel.addresses, verdicts, strict=True)
        if verdict.outcome == Outcome.NO_ADDRESS
    )
    best = min(verdicts, key=lambda one: _RANK.index(one.outcome))
    return Verdict(best.outcome, best.code, best.reference, best.retry_after, dead)


_RANK = [
    Outcome.ACCEPTED,
    Outcome.LATER,
    Outcome.UNKNOWN,
    Outcome.STOP,
    Outcome.REFUSED,
    Outcome.NO_ADDRESS,
]
