"""The reports of a business, each a builder of charts with tables."""

from collections.abc import Callable
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from apps.backoffice.pages.owner.charts import Made
from apps.backoffice.pages.owner.reports import books, guests, leaving, partners, trade


@dataclass(frozen=True)
class Report:
    """`days`: it is of a period; `shows`: other forms of it, by name; `steps`: by day, week, month."""

    name: str
    title: str | Promise
    lead: str | Promise
    build: Callable[..., Made]
    days: bool = True
    steps: bool = False
    shows: tuple[tuple[str, str | Promise], ...] = ()
    asks_who: bool = False


REPORTS = (
    Report(
        "revenue",
        _("Revenue"),
        _("What guests paid, and against the days before."),
        trade.revenue,
        steps=True,
    ),
    Report("repeat", _("Repeat purchases"), _("How many come again, and when."), guests.repeat),
    Report(
        "rfm",
        _("Segments"),
        _("Who is close, who is drifting away."),
        books.rfm,
        days=False,
    ),
    Report(
        "leaving",
        _("Leaving"),
        _("Who may leave, why, and what that would cost."),
        leaving.leaving,
        days=False,
    ),
    Report(
        "cohorts",
        _("Cohorts"),
        _("Whether those who came once keep coming."),
        guests.cohorts,
        days=False,
        shows=(("", _("Shares")), ("count", _("Guests"))),
    ),
    Report(
        "hours",
        _("Hours"),
        _("When you are full and when there is room."),
        guests.hours,
        shows=(("", _("Receipts")), ("revenue", _("Revenue"))),
    ),
    Report("coupons", _("Coupons"), _("What became of the coupons."), trade.coupons),
    Report(
        "winwin",
        _("Win-Win"),
        _("What you and your partners bring each other."),
        partners.winwin,
        days=False,
        asks_who=True,
    ),
    Report(
        "liability",
        _("Bonuses"),
        _("What guests may still spend at your cost."),
        books.liability,
        days=False,
    ),
    Report(
        "tiers",
        _("Tiers"),
        _("Which tiers your guests have, and where they move."),
        books.tiers,
        days=False,
    ),
)
