"""What the frame of every page needs: the ribbon, the person's job in words, the sections."""

from dataclasses import dataclass
from functools import cached_property

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from apps.accounts import rights
from apps.backoffice.pages.access import ADMINS, OWNER, STAFF, groups_of, mine
from apps.backoffice.pages.home import THEME, THEMES
from apps.backoffice.pages.menu import CONTROL, Link, links
from apps.backoffice.pages.menu import OWNER as OWNER_MENU
from apps.notifications.enums import Topic
from apps.notifications.kinds import ALL
from apps.notifications.queries import inbox_of

WORK = [kind.code for kind in ALL if kind.topic == Topic.WORK]
RIBBONS = {
    "development": _("Development stand: people and money here are made up"),
    "test": _("Test stand: people and money here are made up"),
}
JOBS = {
    STAFF: _("Till"),
    OWNER: _("Owner"),
    "admin": _("Administrator"),
    "superadmin": _("Chief administrator"),
}


@dataclass(frozen=True)
class Section:
    name: str | Promise
    url: str
    current: bool


class Place:
    """Where the person is. Lazy: a page that shows no frame asks nothing."""

    def __init__(self, request: HttpRequest) -> None:
        self.request = request

    @property
    def ribbon(self) -> str | Promise:
        return RIBBONS.get(settings.ENVIRONMENT, "")

    @property
    def job(self) -> str | Promise:
        """Her job in words; without one her tier is why she is here."""
        return JOBS.get(self.request.user.job) or self.request.user.tier.name

    @property
    def view(self) -> str:
        match = self.request.resolver_match
        return (match.url_name or "") if match and match.app_names == ["backoffice"] else ""

    @property
    def theme(self) -> str:
        """What she chose; empty is as the system says."""
        chosen = self.request.COOKIES.get(THEME, "")
        return chosen if chosen in THEMES else ""

    @cached_property
    def menu(self) -> list[Link]:
        """Sections of the owner's place, at an address of one business."""
        match = self.request.resolver_match
        slug = match.kwargs.get("slug", "") if match else ""
        return links(OWNER_MENU, view=self.view, args=(slug,)) if slug else []

    @cached_property
    def elsewhere(self) -> str:
        """The section that another business would show: this one, if it needs no more than her
        choice of business."""
        match = self.request.resolver_match
        alone = match is not None and set(match.kwargs) == {"slug"}
        here = next((link for link in self.menu if link.current), None)
        return f"backoffice:{here.item.view}" if alone and here else "backoffice:owner"

    @cached_property
    def sections(self) -> list[Section]:
        """Only what this job may open; one section alone needs no menu."""
        job = self.request.user.job
        if job == OWNER:
            places = [(_("Till"), reverse("backoffice:till"), self.view in TILL_VIEWS)]
            places += [
                (_("Business"), reverse("backoffice:owner", args=[one.slug]), self.view == "owner")
                for one in mine(self.request)[:1]
            ]
            return [Section(*place) for place in places]
        if job in ADMINS:
            here = any(one.current for one in self.control)
            return [
                Section(_("Control"), reverse("backoffice:control"), here),
                Section(_("Administration"), reverse("admin:index"), False),
            ]
        return []

    @cached_property
    def unread(self) -> int:
        """Messages about her work that she has not read, of every business."""
        unread = inbox_of(self.request.user.pk).filter(read_at__isnull=True)
        return unread.filter(kind__in=WORK).count()

    @property
    def is_admin(self) -> bool:
        return self.request.user.job in ADMINS

    @cached_property
    def control(self) -> list[Link]:
        """The control pages that she may open."""
        groups = groups_of(self.request.user)
        open_to_her = tuple(one for one in CONTROL if rights.TABLE[one.right].opens_to(groups))
        return links(open_to_her, view=self.view)


TILL_VIEWS = {
    "till",
    "operation",
    "confirm",
    "coupon",
    "sale",
    "return",
    "return_sale",
    "shift",
    "till_settings",
}


def place(request: HttpRequest) -> dict[str, Place]:
    return {"place": Place(request)}


def environment_label(request: HttpRequest) -> list[str | Promise] | None:
    """The admin's own ribbon; nothing in production."""
    label = RIBBONS.get(settings.ENVIRONMENT)
    return [label, "primary"] if label else None
