"""Revenue and coupons, from facts."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from apps.analytics import services
from apps.backoffice.pages.owner.asked import Asked
from apps.backoffice.pages.owner.charts import (
    Chart,
    Column,
    Made,
    Series,
    Sheet,
    Table,
    Tile,
    Tiles,
)
from apps.backoffice.pages.owner.reports.making import Widgets, ask, lying, made_of, rub
from apps.backoffice.templatetags.figures import shown
from apps.businesses.models import Business
from apps.coupons.models import Campaign


def revenue(business: Business, asked: Asked) -> Made:
    data, found = ask(
        business, asked, "series", "kpis", "buyers", "basket", "members_share", "items"
    )
    length = timedelta(days=(data.until - data.since).days + 1)
    before = services.series(
        business, since=data.since - length, until=data.since - timedelta(days=1), by=asked.step
    )
    kpis = found.get("kpis") or {}

    def blocks() -> list[Any]:
        made: list[Any] = [_tiles(kpis), _revenue(found["series"], before, asked)]
        if buyers := found.get("buyers"):
            made.append(buyers_chart(buyers, asked))
        if share := found.get("members_share"):
            made.append(_members_share(share))
        if basket := found.get("basket"):
            made.append(_basket(basket, found.get("items")))
        return made

    return made_of(data, blocks, (kpis.get("receipts") or {}).get("value"), found.get("series"))


def _tiles(kpis: Widgets) -> Tiles:
    def tile(name: str, words: str, kind: str) -> Tile:
        one = kpis[name]
        value = Decimal(one["value"]) if kind in ("rub", "bonus") else one["value"]
        return Tile(words, value, kind, one["change"], one["change_in_year"], compares=True)

    return Tiles(
        [
            tile("revenue", _("Revenue"), "rub"),
            tile("receipts", _("Receipts"), "number"),
            tile("average_receipt", _("Average receipt"), "rub"),
            tile("buyers", _("Guests"), "number"),
        ]
    )


def _by_bucket(rows: list[dict[str, Any]]) -> dict[date, dict[str, Any]]:
    """A series without its trades: one business has one."""
    found: dict[date, dict[str, Any]] = {}
    for row in rows:
        one = found.setdefault(
            date.fromisoformat(row["bucket"]), {"revenue": Decimal(0), "receipts": 0, "buyers": 0}
        )
        one["revenue"] += Decimal(row["revenue"])
        one["receipts"] += row["receipts"]
        one["buyers"] += row["buyers"]
    return found


def _before(then: dict[date, dict[str, Any]], asked: Asked) -> list[Decimal | None]:
    """Revenue of the period before, step under step; None where it had no such step."""
    shift, zero = timedelta(days=asked.length), {"revenue": Decimal("0.00")}
    earlier = replace(asked, since=asked.since - shift, until=asked.until - shift)
    found = [then.get(bucket, zero)["revenue"] for bucket in earlier.buckets]
    steps = len(asked.buckets)
    return found[:steps] + [None] * (steps - len(found))


def _revenue_table(rows: list[dict[str, Any]], old: list[Decimal | None], asked: Asked) -> Table:
    receipts = sum(row["receipts"] for row in rows)
    total = sum((row["revenue"] for row in rows), Decimal(0))
    body = [
        [bucket, row["revenue"], row["receipts"], row["buyers"], _average(row), past]
        for bucket, row, past in zip(asked.buckets, rows, old, strict=True)
    ]
    past = sum((one for one in old if one is not None), Decimal(0))
    average = _average({"revenue": total, "receipts": receipts})
    return Table(
        [
            Column(_("Beginning"), "month" if asked.step == "month" else "day"),
            Column(_("Revenue"), "rub"),
            Column(_("Receipts"), "number"),
            Column(_("Guests"), "number"),
            Column(_("Average receipt"), "rub"),
            Column(_("The period before"), "rub"),
        ],
        body[::-1],
        [_("In all"), total, receipts, None, average, past],
    )


def _revenue(series: list[dict[str, Any]], before: list[dict[str, Any]], asked: Asked) -> Chart:
    now = _by_bucket(series)
    none = {"revenue": Decimal("0.00"), "receipts": 0, "buyers": 0}
    rows = [now.get(bucket, none) for bucket in asked.buckets]
    old = _before(_by_bucket(before), asked)
    total = sum((row["revenue"] for row in rows), Decimal(0))
    best = max(zip(asked.buckets, rows, strict=True), key=lambda one: one[1]["revenue"])
    said = {"total": rub(total), "day": date_format(best[0], "j E")}
    said["most"] = rub(best[1]["revenue"])
    return Chart(
        key="revenue",
        title=_("Revenue, ₽"),
        kind="lines",
        unit="rub",
        step=asked.step,
        partial=asked.is_partial,
        labels=[bucket.isoformat() for bucket in asked.buckets],
        series=[
            Series(_("This period"), [row["revenue"] for row in rows]),
            Series(_("The period before"), old, tone=2, quiet=True),
        ],
        sentence=_("Revenue: %(total)s in all, most on %(day)s: %(most)s.") % said,
        table=_revenue_table(rows, old, asked),
        help=_(
            "What guests paid, less what was handed back. Bonuses and discounts are not in it. Days follow the clock of the business."
        ),
    )


def _average(row: dict[str, Any]) -> Decimal | None:
    return round(row["revenue"] / row["receipts"], 2) if row["receipts"] else None


def buyers_chart(rows: list[dict[str, Any]], asked: Asked) -> Chart:
    found = {row["day"]: (row["new"], row["returning"]) for row in rows}
    days = [asked.since + timedelta(days=n) for n in range(asked.length)]
    new = [found.get(day.isoformat(), (0, 0))[0] for day in days]
    old = [found.get(day.isoformat(), (0, 0))[1] for day in days]
    return Chart(
        key="buyers",
        title=_("New and returning guests"),
        kind="bars",
        stacked=True,
        step="day",
        partial=asked.is_partial,
        labels=[day.isoformat() for day in days],
        series=[Series(_("Returning"), old), Series(pgettext("guests", "New"), new, tone=2)],
        sentence=_("New guests: %(new)d, returning: %(old)d.") % {"new": sum(new), "old": sum(old)},
        table=Table(
            [
                Column(_("Day"), "day"),
                Column(pgettext("guests", "New"), "number"),
                Column(_("Returning"), "number"),
            ],
            list(zip(reversed(days), reversed(new), reversed(old), strict=True)),
        ),
        help=_("New is a guest on the day of her first purchase here; afterwards she returns."),
    )


def _members_share(share: dict[str, Any]) -> Chart:
    sums = [Decimal(share["members"]), Decimal(share["others"])]
    names = [_("Members of the network"), _("Other guests")]
    return lying(
        names,
        sums,
        heads=(_("Guests"), _("Revenue")),
        key="members-share",
        title=_("Revenue from members and from other guests, ₽"),
        unit="rub",
        sentence=_("Members bring %(share)s of the revenue.")
        % {"share": shown(share["share"], "percent")},
        table=Table(
            [Column(_("Guests")), Column(_("Revenue"), "rub"), Column(_("Share"), "percent")],
            [
                [names[0], sums[0], share["share"]],
                [names[1], sums[1], round(100 - share["share"], 1)],
            ],
            [_("In all"), sum(sums), None],
        ),
        help=_(
            "Bills before bonuses and discounts, less what was returned. Other guests are known from your own system: its sales without a phone, or with one that is no member's."
        ),
    )


def _basket(basket: dict[str, str], items: dict[str, Any] | None) -> Sheet:
    middle, high = rub(basket["p50"]), rub(basket["p90"])
    note = _("Half of the receipts are not above %(middle)s; one in ten is above %(high)s.") % {
        "middle": middle,
        "high": high,
    }
    if items:
        pieces = shown(Decimal(items["per_receipt"]), "bonus")
        note += " " + _("Pieces on a receipt: %(pieces)s on average.") % {"pieces": pieces}
    return Sheet(
        key="basket",
        title=_("Size of a receipt"),
        note=note,
        table=Table(
            [Column(_("Share of receipts")), Column(_("Not above"), "rub")],
            [
                [_("one in ten"), Decimal(basket["p10"])],
                [_("half"), Decimal(basket["p50"])],
                [_("nine in ten"), Decimal(basket["p90"])],
            ],
        ),
    )


# --- coupons -------------------------------------------------------------------------------------
def coupons(business: Business, asked: Asked) -> Made:
    data, found = ask(business, asked, "coupons")
    rows = sorted(found.get("coupons") or [], key=lambda row: -row["issued"])
    ids = [UUID(row["campaign_id"]) for row in rows if row["campaign_id"]]
    names = {
        str(pk): name for pk, name in Campaign.objects.filter(pk__in=ids).values_list("pk", "name")
    }
    empty = _("No coupons were issued in these days.")
    return made_of(data, lambda: [_funnel(rows, names)], rows, empty=empty)


def _funnel_table(rows: list[dict[str, Any]], called: list[str]) -> Table:
    return Table(
        [
            Column(_("Campaign")),
            Column(_("Issued coupons"), "number"),
            Column(_("Seen coupons"), "number"),
            Column(_("Opened coupons"), "number"),
            Column(_("Redeemed coupons"), "number"),
            Column(_("Share"), "percent"),
            Column(_("Guests"), "number"),
            Column(_("Came again in 30 days"), "number"),
            Column(_("Cost"), "rub"),
            Column(_("Brought besides"), "rub"),
            Column(_("Range of 95 %")),
        ],
        [
            [
                name,
                row["issued"],
                row["shown"],
                row["activated"],
                row["redeemed"],
                round(100 * row["redeemed"] / row["issued"], 1) if row["issued"] else None,
                row["guests"],
                row["returned_in_30_days"],
                Decimal(row["cost"]),
                Decimal(row["incremental"]),
                _range(row),
            ]
            for name, row in zip(called, rows, strict=True)
        ],
    )


def _range(row: dict[str, Any]) -> str:
    """Between what the effect lies; against the days before nothing can be said of chance."""
    if row["method"] != "holdout":
        return _("against the days before")
    return f"{rub(row['low'])} — {rub(row['high'])}"


def _funnel(rows: list[dict[str, Any]], names: dict[str, str]) -> Chart:
    called = [names.get(row["campaign_id"] or "") or _("without a campaign") for row in rows]
    steps = {
        "issued": _("Issued coupons"),
        "shown": _("Seen coupons"),
        "activated": _("Opened coupons"),
        "redeemed": _("Redeemed coupons"),
        "returned_in_30_days": _("Came again in 30 days"),
    }
    said = {step: sum(row[step] for row in rows) for step in steps}
    return Chart(
        key="coupons",
        title=_("From coupon to the next visit"),
        kind="rows",
        labels=list(steps.values()),
        series=[Series(_("Coupons"), list(said.values()))],
        sentence=_(
            "Issued: %(issued)d, seen: %(shown)d, opened: %(activated)d, redeemed: %(redeemed)d."
        )
        % said,
        table=_funnel_table(rows, called),
        help=_(
            "Coupons issued in these days, redeemed whenever. Opened: she looked at the coupon by itself, or used it. Came again: bought on a later day within 30 days of the redemption. Cost: discounts and bonuses. Brought besides: what the campaign has brought so far beyond what guests without it paid, or, without such guests, beyond as many days before."
        ),
    )
