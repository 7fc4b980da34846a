"""The parts of the settings, as tabs above each of them."""

from dataclasses import dataclass

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from apps.businesses.models import Business

PARTS = (
    ("settings", _("Profile")),
    ("settings_photos", _("Photos")),
    ("settings_requisites", _("Requisites")),
    ("settings_notices", _("Messages to you")),
)


@dataclass(frozen=True)
class Part:
    name: str | Promise
    url: str
    current: bool


def parts(business: Business, current: str) -> dict[str, list[Part]]:
    return {
        "parts": [
            Part(name, reverse(f"backoffice:{view}", args=[business.slug]), view == current)
            for view, name in PARTS
        ]
    }
