"""The form of a connection: its fields, and what two owners at once typed into it."""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from django.utils.formats import date_format
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.accounts.queries import audit_log
from apps.crm.adapters import ADAPTERS
from apps.crm.models import CRMIntegration

# What a change of a connection would be written over; keys are compared by their seals.
SEEN = ("base_url", "options", "credentials_sealed", "secret_sealed", "enrols", "writes_back")
# What an owner types: the names of credentials and settings, in her words.
WORDS = {
    "partner_token": gettext_lazy("Partner token"),
    "login": gettext_lazy("Login"),
    "password": gettext_lazy("Password"),
    "user_token": gettext_lazy("User token, instead of login and password"),
    "api_key": gettext_lazy("API key"),
    "app_id": gettext_lazy("Application id"),
    "client_id": gettext_lazy("Integration id"),
    "client_secret": gettext_lazy("Secret of the integration"),
    "redirect_uri": gettext_lazy("Redirect address"),
    "refresh_token": gettext_lazy("Refresh token"),
    "access_token": gettext_lazy("Long-lived token, instead of the others"),
    "code": gettext_lazy("Authorisation code"),
    "company_id": gettext_lazy("Number of the branch"),
    "organization_id": gettext_lazy("Id of the organization"),
    "configuration": gettext_lazy("Configuration: retail or unf"),
    "account_id": gettext_lazy("Number of the account"),
    "clinic_id": gettext_lazy("Number of the clinic"),
}
# Settings that may stay empty, by system.
EXTRAS = {
    ("iiko", "source"): gettext_lazy("Report: cloud, or server for an older installation"),
    ("renovatio", "source"): gettext_lazy("Sales by: invoices, or payments where those are closed"),
}
PLAIN = frozenset({"login", "client_id", "app_id", "redirect_uri"})


# What is typed as it stands, in any language.
TYPED = re.compile(r"\b(cloud|server|invoices|payments|retail|unf)\b")
TICKS = ("enrols", "writes_back")


@dataclass(frozen=True)
class Field:
    """`now` is what somebody else has put there meanwhile, where it differs from what is typed."""

    name: str
    label: Any
    value: Any
    is_secret: bool = False
    now: Any = None


def form_of(
    row: CRMIntegration | None, system: str, typed: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """What the form shows: the connection as it is, or what was typed beside what it is now.
    Keys are never written back."""
    adapter, options = ADAPTERS[system], row.options if row else {}

    def text(name: str, label: Any, value: str) -> Field:
        if typed is None:
            return Field(name, label, value)
        own = typed.get(name, "").strip()
        return Field(name, label, own, now=value if value != own else None)

    def tick(name: str) -> Field:
        value = bool(row and getattr(row, name))
        own = value if typed is None else name in typed
        return Field(name, "", own, now=value if value != own else None)

    labels = {name: WORDS[name] for name in adapter.settings}
    labels |= {name: EXTRAS[system, name] for name in adapter.extras}
    plain = [
        text(f"option.{n}", _marked(label), str(options.get(n, ""))) for n, label in labels.items()
    ]
    keys = [
        Field(
            f"key.{n}",
            WORDS[n],
            (typed or {}).get(f"key.{n}", "") if n in PLAIN else "",
            n not in PLAIN,
        )
        for n in adapter.fields
    ]
    return {
        "address": text("base_url", "", row.base_url if row else ""),
        "fields": plain + keys,
        "ticks": {name: tick(name) for name in TICKS},
        "seen": digest(row),
        "kept": typed is not None,
    }


def _marked(label: Any) -> str:
    """A label whose words of the machine are marked as such."""
    parts = TYPED.split(str(label))
    marked = [format_html('<code translate="no">{}</code>', one) for one in parts[1::2]]
    parts[1::2] = marked
    return format_html_join("", "{}", [[one] for one in parts])


def digest(row: CRMIntegration | None) -> str:
    """What she saw of a connection: two owners at once do not lose each other's settings."""
    shown: list[Any] = [None] if row is None else [getattr(row, name) for name in SEEN]
    return hashlib.sha256(json.dumps(shown, sort_keys=True).encode()).hexdigest()[:32]


def told(row: CRMIntegration, zone: str) -> str:
    """Who changed a connection last, and when."""
    rows = audit_log().filter(object_type="crmintegration", object_id=str(row.pk))
    last = rows.filter(action="crm.connect").order_by("-id").first()
    if last is None:
        return ""
    at = date_format(last.at.astimezone(ZoneInfo(zone)), "j E, G:i")
    return _(
        "%(who)s changed this connection, %(at)s. What you typed is kept below, without keys; beside it stands what is there now."
    ) % {
        "who": last.actor_name or _("Somebody"),
        "at": at,
    }
