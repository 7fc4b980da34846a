"""Codes as a person meets them: asked for, read from the phone, typed."""

import re
from typing import Any

import orjson
from django.conf import settings
from django.utils import timezone

from apps.accounts import services
from apps.accounts.services import Asker


def messages() -> list[dict[str, Any]]:
    """Every SMS of this test, oldest first."""
    try:
        with open(settings.DEV_SMS_FILE, "rb") as file:
            return [orjson.loads(line) for line in file]
    except FileNotFoundError:
        return []


def last_code(phone: str) -> str:
    text = next(m["text"] for m in reversed(messages()) if m["phone"] == phone)
    found = re.search(r"\b[0-9]{6}\b", text)
    assert found
    return found.group()


def wrong(code: str) -> str:
    return f"{(int(code) + 1) % 10**6:06d}"


def ask(phone: str, *, address: str = "203.0.113.1", device: str = "", **more: Any) -> Any:
    return services.send_code(
        phone=phone, at=timezone.now(), asker=Asker(address=address, device=device), **more
    )


def sign_in(phone: str, *, address: str = "203.0.113.1", device: str = "") -> Any:
    sent = ask(phone, address=address, device=device)
    return services.sign_in(
        code_id=sent.code_id,
        code=last_code(phone),
        at=timezone.now(),
        asker=Asker(address=address, device=device),
    )
