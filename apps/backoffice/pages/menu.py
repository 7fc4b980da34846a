"""The sections of a place, in the order in which they stand. A new page is a row here."""

from dataclasses import dataclass

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True)
class Item:
    """A section. `lights`: other views at which it is the current one; `thumb`: it stands in the
    bar at the bottom of a phone, which has room for four; `words`: what else finds it."""

    view: str
    name: str | Promise
    icon: str
    group: str | Promise = ""
    lights: tuple[str, ...] = ()
    thumb: bool = False
    words: str | Promise = ""


@dataclass(frozen=True)
class Link:
    item: Item
    url: str
    current: bool


SELLING, GROWING, RUNNING = _("Sales"), _("Growth"), _("Business")

# Sections of the owner's place; a section that has no page yet has no row.
OWNER = (
    Item("owner", _("Home page"), "house", thumb=True, words=_("figures alerts today")),
    Item("crm", _("CRM"), "plug", RUNNING, words=_("integration synchronisation connection")),
)


def links(items: tuple[Item, ...], *, view: str, args: tuple[str, ...] = ()) -> list[Link]:
    """The sections with their addresses."""
    return [
        Link(item, reverse(f"backoffice:{item.view}", args=args), view in (item.view, *item.lights))
        for item in items
    ]
