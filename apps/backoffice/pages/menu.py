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
    right: str = ""  # an action of the table of rights, where not the whole place shares one


@dataclass(frozen=True)
class Link:
    item: Item
    url: str
    current: bool


SELLING, GROWING, RUNNING = _("Sales"), _("Growth"), _("Business")

# Sections of the owner's place; a section that has no page yet has no row.
OWNER = (
    Item("owner", _("Home page"), "house", thumb=True, words=_("figures alerts today")),
    Item(
        "owner_sales",
        _("Sales"),
        "receipt",
        lights=("owner_sale",),
        thumb=True,
        words=_("receipts purchases returns file"),
    ),
    Item(
        "owner_revenue",
        _("Analytics"),
        "chart-no-axes-combined",
        lights=tuple(
            f"owner_{name}"
            for name in [
                "repeat",
                "rfm",
                "leaving",
                "cohorts",
                "hours",
                "coupons",
                "winwin",
                "liability",
                "tiers",
            ]
        ),
        thumb=True,
        words=_("revenue cohorts segments leaving hours coupons bonuses tiers charts"),
    ),
    Item(
        "guests",
        _("Your guests"),
        "users",
        lights=("guest",),
        words=_("members clients visits status segment"),
    ),
    Item(
        "reviews",
        _("Reviews"),
        "message-square-heart",
        words=_("ratings stars feedback events answers"),
    ),
    Item(
        "offers",
        _("Offers to guests"),
        "megaphone",
        GROWING,
        lights=("offer", "offer_step", "offer_check"),
        words=_("bonuses multiplier simulation"),
    ),
    Item(
        "chains",
        _("Chains with partners"),
        "workflow",
        GROWING,
        lights=("chain_page", "chain_build"),
        words=_("cross-promo partners win-win"),
    ),
    Item(
        "coupons",
        _("Coupons"),
        "ticket-percent",
        GROWING,
        lights=("campaign", "campaign_new", "campaign_import"),
        words=_("promo code leaflets campaign"),
    ),
    Item(
        "settlement",
        _("Mutual settlement"),
        "scale",
        RUNNING,
        lights=("settlement_month",),
        words=_("statement debt deposit limit"),
    ),
    Item(
        "staff",
        _("Staff"),
        "user-round-cog",
        RUNNING,
        words=_("invite role PIN computers"),
    ),
    Item(
        "settings",
        _("Settings"),
        "settings",
        RUNNING,
        lights=("settings_photos", "settings_requisites", "settings_notices"),
        words=_("profile hours addresses share photos requisites messages"),
    ),
    Item("crm", _("CRM"), "plug", RUNNING, words=_("integration synchronisation connection")),
)

WAITING, PEOPLE, NETWORK, MACHINE = _("What waits"), _("People"), _("Network"), _("System")
ALL, ADMIN = "pages.moderation", "pages.control"

CONTROL = (
    Item("control", _("Queues"), "inbox", thumb=True, right=ALL),
    Item("proposals", _("Proposals"), "list-checks", WAITING, ("proposal",), thumb=True, right=ALL),
    Item("decisions", _("Second word"), "check", WAITING, right=ADMIN),
    Item("fraud", _("Suspicions"), "flag", WAITING, right=ADMIN),
    Item("privacy", _("Personal data"), "lock", WAITING, right=ADMIN),
    Item("members", _("Members"), "users", PEOPLE, ("member",), thumb=True, right=ADMIN),
    Item("roles", _("Roles"), "key-round", PEOPLE, right="pages.roles"),
    Item("control_events", _("Events"), "calendar", NETWORK, ("control_event",), right=ADMIN),
    Item("onboarding", _("Partners"), "store", NETWORK, ("partner",), right=ADMIN),
    Item("integrations", _("Connections"), "plug", NETWORK, right="pages.integrations"),
    Item("reports", _("Reports"), "chart-no-axes-combined", NETWORK, right=ADMIN),
    Item("jobs", _("Jobs"), "gauge", MACHINE, right=ADMIN),
    Item("audit", _("Audit log"), "history", MACHINE, right=ADMIN),
)


def links(items: tuple[Item, ...], *, view: str, args: tuple[str, ...] = ()) -> list[Link]:
    """The sections with their addresses."""
    return [
        Link(item, reverse(f"backoffice:{item.view}", args=args), view in (item.view, *item.lights))
        for item in items
    ]
