"""The Win-Win matrix of one business: what its guests and its partners' guests bring each other."""

from django.utils import timezone
from django.utils.translation import gettext as _

from apps.analytics import services
from apps.backoffice.pages.owner.asked import Asked
from apps.backoffice.pages.owner.charts import (
    LEAST,
    LEVELS,
    Cell,
    Column,
    Heat,
    Made,
    Sheet,
    Table,
    hidden,
)
from apps.backoffice.pages.owner.reports import flows
from apps.backoffice.templatetags.figures import shown
from apps.businesses.models import Business
from apps.crosspromo.enums import Words
from apps.crosspromo.services import win_win_matrix
from apps.crosspromo.services.index import PairFigures
from apps.crosspromo.winwin import Counters


def winwin(business: Business, asked: Asked, *, by: object) -> Made:
    found = win_win_matrix(by=by, at=timezone.now())  # type: ignore[arg-type]  # who is signed in
    pairs = [_seen_from(business, one) for one in found if business.pk in (one.a.pk, one.b.pk)]
    if not pairs:
        return Made(
            empty=_(
                "No clients are exchanged yet: the matrix appears with the first chain of partners."
            ),
            live=True,
        )
    notes = []
    if business.is_clinic:
        notes.append(_("Figures of clinics are shown in groups of ten guests and more only."))
    moves = services.report("chains", business=business, since=None, until=None).widgets["chains"]
    extra = [block for block in (flows.drawn(business, moves), flows.top(moves)) if block]
    return Made([_matrix(pairs), _details(pairs), *extra], live=True, notes=notes)


class Seen:
    """A pair from this business's side."""

    def __init__(self, partner: Business, pair: PairFigures, out: Counters, back: Counters) -> None:
        self.partner, self.index, self.out, self.back = partner, pair.index, out, back


def _seen_from(business: Business, pair: PairFigures) -> Seen:
    if pair.a.pk == business.pk:
        return Seen(pair.b, pair, pair.ab, pair.ba)
    return Seen(pair.a, pair, pair.ba, pair.ab)


def _share(one: Counters) -> float | None:
    return 100 * one.came / one.exposed if one.exposed >= LEAST else None


def _way(partner: str, one: Counters, words: str) -> Cell:
    share = _share(one)
    if share is None:
        return Cell("", f"{partner}, {words}: " + _("no data"), None)
    text = shown(round(share), "percent")
    label = _("%(partner)s, %(way)s: %(came)s of %(all)s guests bought, %(share)s") % {
        "partner": partner,
        "way": words,
        "came": hidden(one.came),
        "all": hidden(one.exposed),
        "share": text,
    }
    return Cell(text, label, max(1, min(LEVELS, round(share / 5))) if share else 0)


def _matrix(pairs: list[Seen]) -> Heat:
    ours, theirs = _("from us to them"), _("from them to us")
    index = []
    for one in pairs:
        thin = one.index.words == Words.FEW
        value = round(one.index.value)
        words = str(Words(one.index.words).label)
        label = f"{one.partner.name}, Win-Win: " + (words if thin else f"{value}, {words}")
        level = None if thin else max(1, round(LEVELS * value / 100)) if value else 0
        index.append(Cell("" if thin else str(value), label, level))
    return Heat(
        key="winwin",
        title=_("Win-Win with partners"),
        corner=_("Partner"),
        columns=[_("Win-Win, 0–100"), _("bought after us"), _("came from them")],
        rows=[
            (
                one.partner.name,
                [
                    cell,
                    _way(one.partner.name, one.out, ours),
                    _way(one.partner.name, one.back, theirs),
                ],
            )
            for one, cell in zip(pairs, index, strict=True)
        ],
        note=_("Hatched: too little data to say a number."),
        help=_(
            "Win-Win is above zero only when both sides gain against guests who were not offered the chain; 100 is the best twentieth of the network. The shares are guests who bought at the other side while the coupon was good, 90 days."
        ),
    )


def _details(pairs: list[Seen]) -> Sheet:
    rows = []
    for one in pairs:
        for words, way in ((_("from us to them"), one.out), (_("from them to us"), one.back)):
            share, held = _share(way), 100 * way.held_came / way.held if way.held >= LEAST else None
            rows.append(
                [
                    one.partner.name,
                    words,
                    hidden(way.exposed),
                    hidden(way.came),
                    None if share is None else round(share, 1),
                    None if held is None else round(held, 1),
                    str(Words(one.index.words).label),
                ]
            )
    return Sheet(
        key="ways",
        title=_("Both directions"),
        table=Table(
            [
                Column(_("Partner")),
                Column(_("Direction")),
                Column(_("Were offered"), "number"),
                Column(_("Bought"), "number"),
                Column(_("Share"), "percent"),
                Column(_("Without the offer"), "percent"),
                Column(_("What it allows to say")),
            ],
            rows,
        ),
    )
