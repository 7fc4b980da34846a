"""The words of a message: an admin's own, or those of texts/*.toml, with places filled."""

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from apps.notifications import rules
from apps.notifications.models import Notification, Template

FOLDER = Path(__file__).parent / "texts"
LANGUAGES = ("ru", "en")
HIDDEN_PARTNER = {"ru": "партнёр круга", "en": "a partner of the circle"}
NO_TITLE = {"ru": "встреча", "en": "an event"}
MOMENTS, SUMS = ("until",), (
    "amount",
    "bonus",
    "budget",
    "earned",
    "money",
    "net",
    "returned",
    "spent",
    "taken",
    "to_keep",
    "to_pay",
    "used",
)  # fmt: skip


@dataclass(frozen=True)
class Words:
    title: str
    body: str
    sms: str


@cache
def of_files(language: str) -> dict[str, dict[str, str]]:
    """Kind → title, body, sms, as the project ships them."""
    return tomllib.loads((FOLDER / f"{language}.toml").read_text(encoding="utf-8"))


def shipped(kind: str, language: str) -> Words:
    text = of_files(language)[kind]
    return Words(text["title"], text["body"], text.get("sms", ""))


class Library:
    """Words of all kinds, the admin's edits read once: for a page or a batch."""

    def __init__(self) -> None:
        self._own = {
            (row.kind, row.language): row
            for row in Template.objects.exclude(title="", body="", sms="")
        }

    def raw(self, kind: str, language: str) -> Words:
        """An admin's words where there are some, the product's for the rest."""
        own, ours = self._own.get((kind, language)), shipped(kind, language)
        if own is None:
            return ours
        return Words(own.title or ours.title, own.body or ours.body, own.sms or ours.sms)

    def of(self, message: Notification, *, language: str, outside: bool = False) -> Words:
        """Filled words. `outside`: they leave for somebody's server, where nobody may learn that
        she was at a clinic. The business and the broadcast come with the row."""
        language = language if language in LANGUAGES else "ru"
        if message.broadcast:
            return _of_broadcast(message.broadcast, language)
        values = _shown(message, language, outside=outside)
        words = self.raw(message.kind, language)
        return Words(
            rules.fill(words.title, values),
            rules.fill(words.body, values),
            rules.fill(words.sms or words.title, values),
        )


def _of_broadcast(broadcast: Any, language: str) -> Words:
    title = (language == "en" and broadcast.title_en) or broadcast.title_ru
    body = (language == "en" and broadcast.body_en) or broadcast.body_ru
    return Words(title, body, f"{title}. {body}".strip(". "))


def _shown(message: Notification, language: str, *, outside: bool) -> dict[str, str]:
    """Values as a person reads them."""
    shown = {name: _text(name, str(value)) for name, value in message.values.items()}
    business = message.business
    if business:
        hidden = outside and business.is_clinic
        shown["partner"] = HIDDEN_PARTNER[language] if hidden else business.name
    if "event" in shown:
        shown["event"] = shown["event"] or NO_TITLE[language]
    return shown


def _text(name: str, value: str) -> str:
    if name in SUMS:
        return rules.sum_text(value)
    return rules.moment_text(value) if name in ("when", "until") and "T" in value else value
