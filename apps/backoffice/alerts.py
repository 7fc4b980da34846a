"""What wants the owner's word today, each with a page where it is given.

An alert goes by itself when its cause is gone: nothing is stored and nothing is ticked off. Every
source is one or two statements, whatever the number of rows behind it.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import IntEnum
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Count, F, Min, Q, Sum
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from apps.analytics.churn.queries import risks
from apps.analytics.enums import Band
from apps.backoffice.guest_reviews import low_ones
from apps.businesses.models import Business
from apps.core.money import format_rub
from apps.coupons.enums import CampaignState
from apps.coupons.models import Campaign, Funder
from apps.crm.enums import RecordState
from apps.crm.enums import State as CrmState
from apps.crm.models import ExternalRecord
from apps.crm.queries import connections_of
from apps.crosspromo.enums import VersionState
from apps.crosspromo.models import Step, Version
from apps.loyalty import offer_queries
from apps.loyalty.enums import OfferState
from apps.loyalty.models import StatementLine
from apps.loyalty.offer_rules import BUDGET_ALERT_PERCENT
from apps.loyalty.settlement_queries import terms_of

SOON = timedelta(days=3)  # before an offer ends
SILENT = timedelta(hours=6)  # a connection that works has brought nothing for so long
FEW = 5  # guests at risk that are worth a line


class Urgency(IntEnum):
    """In the order in which alerts stand."""

    NOW = 1
    SOON = 2
    KNOW = 3

    @property
    def tone(self) -> str:
        return {1: "bad", 2: "warn", 3: ""}[self]

    @property
    def words(self) -> str:
        return str(WORDS[self])


WORDS = {
    Urgency.NOW: gettext_lazy("urgent"),
    Urgency.SOON: gettext_lazy("soon"),
    Urgency.KNOW: gettext_lazy("to know"),
}


@dataclass(frozen=True)
class Alert:
    """One thing to decide: what happened, what follows, where to act (`do` is the button)."""

    urgency: Urgency
    icon: str
    title: str
    text: str
    url: str
    do: str


def alerts_of(business: Business, *, at: datetime) -> list[Alert]:
    """The most urgent first."""
    found = [alert for source in SOURCES for alert in source(business, at)]
    return sorted(found, key=lambda one: one.urgency)


def _page(name: str, business: Business, *more: Any) -> str:
    return reverse(f"backoffice:{name}", args=[business.slug, *more])


def _moment(at: datetime, business: Business) -> str:
    return date_format(at.astimezone(ZoneInfo(business.zone)), "j E, G:i")


# --- connections -----------------------------------------------------------------------------
def _connections(business: Business, at: datetime) -> Iterator[Alert]:
    url = _page("crm", business)
    for row in connections_of(business):
        system = row.get_system_display()
        if row.state == CrmState.STOPPED:
            since = row.troubled_at or row.last_success_at
            yield Alert(
                Urgency.NOW,
                "unplug",
                _("%(system)s is stopped: %(why)s") % {
                    "system": system,
                    "why": row.get_trouble_display() or _("it waits for you"),
                },
                _("Since %(moment)s its sales do not come by themselves; nothing is lost.")
                % {"moment": _moment(since, business)} if since
                else _("Its sales do not come by themselves; nothing is lost."),
                url,
                _("Mend"),
            )  # fmt: skip
        elif row.state == CrmState.ACTIVE and row.last_success_at and _is_silent(row, at):
            yield Alert(
                Urgency.SOON,
                "unplug",
                _("%(system)s has been silent since %(moment)s")
                % {"system": system, "moment": _moment(row.last_success_at, business)},
                _("We keep asking. If the system works at your place, look at its key."),
                url,
                _("Look"),
            )


def _is_silent(row: Any, at: datetime) -> bool:
    return bool(at - row.last_success_at > max(SILENT, timedelta(minutes=6 * row.poll_minutes)))


def _put_aside(business: Business, at: datetime) -> Iterator[Alert]:
    aside = ExternalRecord.objects.filter(
        integration__business=business, state=RecordState.QUARANTINE
    ).count()
    if aside:
        yield Alert(
            Urgency.SOON,
            "inbox",
            ngettext("%(n)d record is put aside", "%(n)d records are put aside", aside)
            % {"n": aside},
            _("Guests get no bonuses for these purchases until you say what to do with them."),
            f"{_page('crm', business)}#aside",
            _("Sort out"),
        )


# --- settlement ------------------------------------------------------------------------------
def _settlement(business: Business, at: datetime) -> Iterator[Alert]:
    mine = Q(debtor=business, debtor_confirmed_at__isnull=True) | Q(
        creditor=business, creditor_confirmed_at__isnull=True
    )
    lines = StatementLine.objects.filter(mine, disputed_at__isnull=True)
    told = lines.exclude(debtor=F("creditor")).aggregate(
        count=Count("pk"), oldest=Min("statement__month")
    )
    if told["count"]:
        yield Alert(
            Urgency.SOON,
            "scale",
            ngettext(
                "%(n)d line of settlement waits for your answer",
                "%(n)d lines of settlement wait for your answer",
                told["count"],
            )
            % {"n": told["count"]},
            _("Confirm them or dispute them; the oldest are of %(month)s.")
            % {"month": date_format(told["oldest"], "F Y").lower()},
            _page("settlement_month", business, f"{told['oldest']:%Y-%m}"),
            _("Answer"),
        )


def _limit(business: Business, at: datetime) -> Iterator[Alert]:
    terms = terms_of(business)
    if terms.stop or terms.is_over:
        yield Alert(
            Urgency.NOW,
            "coins",
            _("Bonuses are not issued: the limit of settlement is used up")
            if terms.stop
            else _("The limit of settlement is used up"),
            _("Settle with the partners or write to the administrator about the limit."),
            _page("settlement", business),
            _("Open settlement"),
        )


# --- offers, coupons, chains -------------------------------------------------------------------
def _offers(business: Business, at: datetime) -> Iterator[Alert]:
    rows = [
        row
        for row in offer_queries.offers_of(business).filter(state=OfferState.ACTIVE)
        if row.current
    ]
    used = offer_queries.budget_used([row.pk for row in rows if row.current.budget])
    for row in rows:
        name, url = row.current.name, _page("offer", business, row.pk)
        percent = _percent(used.get(row.pk, Decimal(0)), row.current.budget)
        if percent >= BUDGET_ALERT_PERCENT:
            yield Alert(
                Urgency.NOW if percent >= 100 else Urgency.SOON,
                "megaphone",
                _("«%(name)s»: %(percent)d %% of the budget is used")
                % {"name": name, "percent": percent},
                _("It has stopped by itself.")
                if percent >= 100
                else _("At 100 % it stops by itself. Add to it or let it end."),
                url,
                _("Decide"),
            )
        elif at < row.current.ends_at <= at + SOON:
            yield Alert(
                Urgency.KNOW,
                "hourglass",
                _("«%(name)s» ends %(moment)s")
                % {"name": name, "moment": _moment(row.current.ends_at, business)},
                _("Guests see it until then. Prolong it if it works."),
                url,
                _("Look"),
            )


def _campaigns(business: Business, at: datetime) -> Iterator[Alert]:
    rows = Campaign.objects.filter(
        business=business, state=CampaignState.ACTIVE, valid_to__gt=at, budget__isnull=False
    ).exclude(audience="chain")
    for row in rows.select_related("budget"):
        budget: Any = row.budget
        percent = _percent(budget.charged + budget.reserved, budget.cap)
        if percent >= BUDGET_ALERT_PERCENT:
            yield Alert(
                Urgency.SOON,
                "ticket-percent",
                _("«%(name)s»: %(percent)d %% of the budget is used")
                % {"name": row.title, "percent": percent},
                _("When it is used up no more coupons of it are accepted."),
                _page("campaign", business, row.pk),
                _("Look"),
            )


def _percent(used: Decimal, budget: Decimal | None) -> int:
    return min(100, int(used * 100 / budget)) if budget else 0


def _chains(business: Business, at: datetime) -> Iterator[Alert]:
    steps = Step.objects.filter(
        Q(from_business=business)
        | Q(to_business=business)
        | Q(campaign__in=Funder.objects.filter(business=business).values("campaign"))
    )
    waiting = Version.objects.filter(
        state=VersionState.PROPOSED, pk__in=steps.values("version")
    ).exclude(acceptances__business=business)
    chains = list(waiting.order_by("chain").values_list("chain", flat=True).distinct())
    if chains:
        yield Alert(
            Urgency.SOON,
            "workflow",
            ngettext(
                "%(n)d chain with partners waits for your word",
                "%(n)d chains with partners wait for your word",
                len(chains),
            )
            % {"n": len(chains)},
            _("It begins once all its partners have agreed."),
            _page("chain_page", business, chains[0])
            if len(chains) == 1
            else _page("chains", business),
            _("Read and answer"),
        )


# --- guests ----------------------------------------------------------------------------------
def _reviews(business: Business, at: datetime) -> Iterator[Alert]:
    low = low_ones(business, at=at)
    if low:
        yield Alert(
            Urgency.SOON,
            "message-square",
            ngettext(
                "%(n)d low rating in two weeks", "%(n)d low ratings in two weeks", low
            ) % {"n": low},
            _("Read what the guests were missing while it can still be put right."),
            f"{_page('reviews', business)}?stars=low",
            _("Read the reviews"),
        )  # fmt: skip


def _leaving(business: Business, at: datetime) -> Iterator[Alert]:
    told = (
        risks(business)
        .filter(band=Band.HIGH)
        .order_by()
        .aggregate(count=Count("pk"), money=Sum("monthly", default=Decimal(0)))
    )
    if told["count"] >= FEW:
        yield Alert(
            Urgency.KNOW,
            "users",
            ngettext(
                "%(n)d guest is about to leave", "%(n)d guests are about to leave", told["count"]
            )
            % {"n": told["count"]},
            _("They paid about %(money)s a month.")
            % {"money": format_rub(round(told["money"], -2), always_kopecks=False)},
            _page("owner_leaving", business),
            _("See why"),
        )


Source = Callable[[Business, datetime], Iterable[Alert]]
SOURCES: tuple[Source, ...] = (
    _connections,
    _limit,
    _put_aside,
    _settlement,
    _offers,
    _campaigns,
    _chains,
    _reviews,
    _leaving,
)
