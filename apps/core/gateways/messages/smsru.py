"""SMS.ru: two levels of status, HTTP 200 with a refusal inside, callbacks with a keyed digest."""

import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any, ClassVar
from urllib.parse import parse_qsl

import httpx2 as httpx
import structlog
from django.conf import settings

from apps.core.gateways.messages.base import Forged, News, Outcome, Parcel, Verdict
from apps.core.gateways.messages.http import broken, client

log = structlog.get_logger(__name__)

ENTRY = re.compile(r"data\[(\d{1,3})\]")
CLASSES: dict[Outcome, tuple[int, ...]] = {
    Outcome.ACCEPTED: (100, 101, 102, 103, 110),
    Outcome.NO_ADDRESS: (202, 207, 209, 214),
    Outcome.STOP: (200, 201, 204, 206, 221, 300, 301, 302),
    Outcome.LATER: (220, 500),
    Outcome.REFUSED: (203, 205, 208, 210, 211, 212, 213, 230, 231, 232, 233),
}
# What is wrong with one number, or its own limit of a minute or a day: others are served.
OF_NUMBER = frozenset(map(str, (*CLASSES[Outcome.NO_ADDRESS], 230, 231, 232, 233)))
OUTCOMES = {code: outcome for outcome, codes in CLASSES.items() for code in codes}
# What a status says that comes later; codes in progress say nothing new.
STATES = {103: "delivered", 110: "opened", 105: "failed", 108: "failed", 150: "failed"}
STATES |= {104: "failed", 106: "failed", 107: "failed"}


def parts(text: str) -> int:
    """What is billed: 70 letters in Cyrillic (67 each when split), 160 and 153 in Latin."""
    one, part = (160, 153) if text.isascii() else (70, 67)
    return 1 if len(text) <= one else -(-len(text) // part)


def digest(api_id: str, entries: Iterable[str]) -> str:
    """The `hash` of a callback: SHA-256 of the key and all entries in order."""
    return hashlib.sha256((api_id + "".join(entries)).encode()).hexdigest()


class SmsRu:
    name: ClassVar[str] = "smsru"
    batch: ClassVar[int] = 100
    per_second: ClassVar[int] = 500
    repeatable: ClassVar[bool] = False

    # --- sending -----------------------------------------------------------------------------
    def send(self, parcels: Sequence[Parcel]) -> list[Verdict]:
        """Texts differ, so each number may stand once in a request."""
        verdicts: dict[str, Verdict] = {}
        left = list(parcels)
        while left:
            round_ = {one.addresses[0].lstrip("+"): one for one in reversed(left)}
            verdicts |= self._send_round(round_)
            left = [one for one in left if one.attempt not in verdicts]
        return [verdicts[one.attempt] for one in parcels]

    def _send_round(self, round_: dict[str, Parcel]) -> dict[str, Verdict]:
        form = {f"to[{phone}]": one.text for phone, one in round_.items()}
        ttl = min(max(one.life for one in round_.values()) // 60, 1440)
        more = {"ttl": str(max(ttl, 1))}
        if settings.SMSRU_FROM:
            more["from"] = settings.SMSRU_FROM
        try:
            answer = self._call("sms/send", form | more)
        except httpx.HTTPError as failure:
            return dict.fromkeys((one.attempt for one in round_.values()), broken(failure))
        if answer.get("status") != "OK":
            verdict = self._judged(answer)
            return dict.fromkeys((one.attempt for one in round_.values()), verdict)
        rows = _rows(answer)
        return {one.attempt: self._of_row(rows.get(phone), one) for phone, one in round_.items()}

    def _of_row(self, row: Any, parcel: Parcel) -> Verdict:
        if not isinstance(row, dict):  # the number was passed over in silence
            return Verdict(Outcome.UNKNOWN, code="missing")
        verdict = self._judged(row)
        return Verdict(
            verdict.outcome,
            code=verdict.code,
            reference=str(row.get("sms_id") or ""),
            parts=parts(parcel.text),
        )

    @staticmethod
    def _judged(row: dict[str, Any]) -> Verdict:
        code = _number(row.get("status_code"))
        if row.get("status") == "OK" and code not in OUTCOMES:
            return Verdict(Outcome.ACCEPTED, code=str(code))
        return Verdict(OUTCOMES.get(code, Outcome.REFUSED), code=str(code))

    def _call(self, path: str, form: Mapping[str, str]) -> dict[str, Any]:
        """A JSON object. Raises httpx.HTTPError; no JSON and HTTP 5xx count as a broken line."""
        body = {"api_id": settings.SMSRU_API_ID, "json": "1", **form}
        answer = client().post(f"{settings.SMSRU_URL}/{path}", data=body)
        if answer.status_code >= 500:
            return {"status": "ERROR", "status_code": 500}
        try:
            parsed = answer.json()
        except ValueError as strange:
            raise httpx.RemoteProtocolError("no JSON") from strange
        if not isinstance(parsed, dict):
            raise httpx.RemoteProtocolError("no object")
        return parsed

    # --- news --------------------------------------------------------------------------------
    def heard(self, *, body: bytes, headers: Mapping[str, str]) -> list[News]:
        form = dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))
        found = sorted((int(m[1]), form[name]) for name in form if (m := ENTRY.fullmatch(name)))
        entries = [text for _number, text in found][:100]
        wanted = digest(settings.SMSRU_API_ID, entries)
        if not settings.SMSRU_API_ID or not hmac.compare_digest(wanted, form.get("hash", "")):
            raise Forged
        return [news for text in entries if (news := _news(text))]

    def ask(self, references: Sequence[str]) -> list[News]:
        try:
            answer = self._call("sms/status", {"sms_id": ",".join(references[:100])})
        except httpx.HTTPError:
            return []
        told = []
        for reference, row in _rows(answer).items():
            code = _number(row.get("status_code")) if isinstance(row, dict) else 0
            if code in STATES:
                key = f"asked:{reference}:{code}"
                told.append(News(key, STATES[code], reference, code=str(code), cost=_cost(row)))
        return told

    def balance(self) -> Decimal | None:
        try:
            answer = self._call("my/balance", {})
        except httpx.HTTPError:
            return None
        if answer.get("status") != "OK":
            log.error("messages.stopped", provider=self.name, code=answer.get("status_code"))
            return None
        return _decimal(answer.get("balance"))


def _news(entry: str) -> News | None:
    """None for heartbeats, checks of calls and codes in progress."""
    lines = entry.split("\n")
    if lines[0] != "sms_status" or len(lines) < 3 or _number(lines[2]) not in STATES:
        return None
    key = hashlib.sha256("\n".join(lines[:3]).encode()).hexdigest()
    return News(key, STATES[_number(lines[2])], reference=lines[1][:200], code=lines[2][:8])


def _rows(answer: dict[str, Any]) -> dict[str, Any]:
    """What it says of each number or message; nothing when it says it in another way."""
    rows = answer.get("sms")
    return rows if isinstance(rows, dict) else {}


def _number(value: Any) -> int:
    try:
        return int(value)
    except (TypeError, ValueError):
        return 0


def _decimal(value: Any) -> Decimal | None:
    try:
        return Decimal(str(value)).quantize(Decimal("0.01"))
    except InvalidOperation:
        return None


def _cost(row: dict[str, Any]) -> Decimal | None:
    return _decimal(row["cost"]) if row.get("cost") is not None else None
