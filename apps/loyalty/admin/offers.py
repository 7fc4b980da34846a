"""Offers: the constructor's records to be read, and the second person's decision."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import CharField, OuterRef, QuerySet, Subquery, Sum, Value
from django.db.models.functions import Cast, Concat
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter, RelatedDropdownFilter
from unfold.decorators import display
from unfold.widgets import UnfoldAdminSelectWidget

from apps.accounts.enums import TierCode
from apps.accounts.models import User
from apps.core.admin_base import (
    DecidedAdmin,
    ReadonlyAdmin,
    ReadonlyInline,
    ReasonedForm,
    badge,
    column,
    days,
    kopecks,
    link,
    links,
    moment,
    money,
    roubles,
)
from apps.core.money import format_number, to_kopecks
from apps.loyalty import services
from apps.loyalty.admin.ledger import CARD, operation_link
from apps.loyalty.enums import OfferKind, OfferState
from apps.loyalty.models import (
    Counter,
    OfferConstructor,
    OfferSpan,
    OfferUse,
    OfferVersion,
)
from apps.loyalty.offer_rules import nearly_used

TONES = {
    OfferState.DRAFT: "quiet",
    OfferState.REVIEW: "warn",
    OfferState.SCHEDULED: "quiet",
    OfferState.ACTIVE: "good",
    OfferState.PAUSED: "warn",
    OfferState.ENDED: "quiet",
}
APPROVE, RETURN, PAUSE, END = "approve", "return", "pause", "end"
WEEKDAYS = [_("Mon"), _("Tue"), _("Wed"), _("Thu"), _("Fri"), _("Sat"), _("Sun")]


def value_shown(version: OfferVersion) -> str:
    """`× 2`, `+ 5 %`, `+ 300`."""
    number = f"{version.value.normalize():f}".replace(".", ",")
    if version.kind == OfferKind.MULTIPLIER:
        return f"×\u00a0{number}"
    return f"+\u00a0{number}\u00a0%" if version.kind == OfferKind.PERCENT else f"+\u00a0{number}"


def conditions_shown(version: OfferVersion) -> str:
    """Everything that a purchase must meet, in words, with middle dots."""
    tiers = dict(TierCode.choices)
    said = [
        ", ".join(str(tiers.get(code, code)) for code in version.tiers),
        version.segment,
        ", ".join(version.categories),
        ", ".join(str(WEEKDAYS[day - 1]) for day in sorted(version.weekdays)),
        "" if version.hour_from is None else f"{version.hour_from}:00–{version.hour_to}:00",
        str(_("first purchase")) if version.first_purchase else "",
        ""
        if version.birthday_days is None
        else str(_("birthday ± %(days)s d.") % {"days": version.birthday_days}),
        ""
        if version.away_days is None
        else str(_("not been for %(days)s d.") % {"days": version.away_days}),
        str(_("from %(sum)s") % {"sum": roubles(version.min_amount)}) if version.min_amount else "",
        str(_("every %(n)s-th purchase") % {"n": version.every_nth}) if version.every_nth else "",
    ]
    return " · ".join(one for one in said if one) or str(_("every purchase"))


def limits_shown(version: OfferVersion) -> str:
    said = [
        (_("budget"), version.budget),
        (_("a day"), version.cap_day),
        (_("a member"), version.cap_member),
    ]
    told = [f"{words} {roubles(limit)}" for words, limit in said if limit is not None]
    return " · ".join(told) or str(_("no limits"))


class VersionColumns:
    written = moment("created_at", _("Written"))
    since = moment("starts_at", _("From"))
    until = moment("ends_at", _("Until"))
    author = column("edited_by", _("Edited by"), show=link)

    @display(description=_("What it gives"))
    def gift(self, version: OfferVersion) -> str:
        return value_shown(version)

    @display(description=_("Conditions"))
    def conditions(self, version: OfferVersion) -> str:
        return conditions_shown(version)

    @display(description=_("Limits"))
    def limits(self, version: OfferVersion) -> str:
        return limits_shown(version)

    @display(description=_("Who pays"))
    def payers(self, version: OfferVersion) -> str:
        told = [f"{one.business} {one.share_bp / 100:g}\u00a0%" for one in version.funders.all()]
        return ", ".join(told)


class VersionInline(VersionColumns, ReadonlyInline):
    model = OfferVersion
    fk_name = "offer"
    ordering = ("-number",)
    fields = ["number", "gift", "conditions", "limits", "payers", "since", "until", "author"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[OfferVersion]:
        rows = super().get_queryset(request).select_related("edited_by")
        return rows.prefetch_related("funders__business")


class SpanInline(ReadonlyInline):
    model = OfferSpan
    fields = ["of_version", "began", "ended"]

    of_version = column("version__number", _("Version"), show=str)
    began = moment("since", _("Since"))
    ended = moment("until", _("Until"))

    def get_queryset(self, request: HttpRequest) -> QuerySet[OfferSpan]:
        return super().get_queryset(request).select_related("version")


class DecisionForm(ReasonedForm):
    decision = forms.ChoiceField(
        label=_("Decision"),
        choices=[
            ("", "—"),
            (APPROVE, _("Approve")),
            (RETURN, _("Return to the draft")),
            (PAUSE, _("Pause")),
            (END, _("End for good")),
        ],
        help_text=_("Approval is by somebody who did not write this version."),
        widget=UnfoldAdminSelectWidget,
    )


@admin.register(OfferConstructor)
class OfferAdmin(DecidedAdmin):
    """Owners write offers, admins decide. Nothing of an offer is changed here by hand."""

    form = DecisionForm
    list_display = [
        "named",
        "place",
        "gift",
        "state_shown",
        "priority",
        "since",
        "until",
        "budget_used",
    ]
    list_display_links = ["named"]
    list_filter = [
        ("state", ChoicesDropdownFilter),
        ("business", RelatedDropdownFilter),
        days("created_at", _("Created")),
    ]
    list_select_related = ["business", "current"]
    ordering = ["-created_at", "-id"]
    inlines = [VersionInline, SpanInline]
    readonly_fields = [
        "named",
        "place",
        "state_shown",
        "gift",
        "conditions",
        "limits",
        "group",
        "priority",
        "since",
        "until",
        "given",
        "budget_used",
        "author",
        "records",
    ]
    fieldsets = [
        (None, {"fields": ["named", "place", "state_shown", "given", "budget_used"]}),
        (
            _("What it says"),
            {"fields": ["gift", "conditions", "limits", "priority", "group", "since", "until"]},
        ),
        (_("Records"), {"fields": ["author", "records"]}),
        (_("Decision"), {"fields": ["decision", "reason"]}),
    ]

    named = column("current__name", _("Name"))
    place = column("business", _("Business"), show=link)
    group = column("current__exclusive_group", _("Exclusive group"))
    since = moment("current__starts_at", _("From"))
    until = moment("current__ends_at", _("Until"))
    author = column("current__edited_by", _("Edited by"), show=link)
    gift = column("current", _("What it gives"), show=value_shown)
    conditions = column("current", _("Conditions"), show=conditions_shown)
    limits = column("current", _("Limits"), show=limits_shown)
    given = column("given_sum", _("Given"), show=kopecks, formatting="price")

    def get_queryset(self, request: HttpRequest) -> QuerySet[OfferConstructor]:
        budget = Counter.objects.filter(
            scope=Concat(Value("offer:"), Cast(OuterRef("pk"), CharField())), period=""
        )
        return (
            super()
            .get_queryset(request)
            .annotate(given_sum=Sum("uses__granted"), used=Subquery(budget.values("used")[:1]))
        )

    @display(description=_("Given of the budget"))
    def budget_used(self, offer: OfferConstructor) -> str:
        """`1 200 of 1 500` with a warning from 80 % on; without a budget what was given."""
        budget = offer.version.budget
        if budget is None:
            return kopecks(offer.given_sum or 0)
        most, used = to_kopecks(budget), offer.used or 0
        words = _("%(used)s of %(budget)s") % {
            "used": kopecks(used),
            "budget": format_number(budget, always_kopecks=False),
        }
        if used >= most:
            return badge(words, "bad")
        return badge(words, "warn") if nearly_used(used, most=most) else words

    @display(description=_("State"))
    def state_shown(self, offer: OfferConstructor) -> str:
        return badge(offer.get_state_display(), TONES[OfferState(offer.state)])

    @display(description=_("Lists"))
    def records(self, offer: OfferConstructor) -> str:
        return links(
            [
                ("loyalty_offeruse", _("What it gave"), {"offer__id__exact": offer.pk}),
                ("core_auditentry", _("Audit log"), {"object_id": offer.pk}),
            ]
        )

    def update(
        self, row: OfferConstructor, *, changes: dict[str, Any], by: User, reason: str
    ) -> None:
        at = timezone.now()
        decision = changes["decision"]
        if decision == APPROVE:
            services.approve_offer(offer_id=row.pk, by=by, at=at, reason=reason)
        elif decision == RETURN:
            services.return_offer(offer_id=row.pk, by=by, reason=reason, at=at)
        else:
            move = services.pause_offer if decision == PAUSE else services.end_offer
            move(offer_id=row.pk, by=by, at=at, reason=reason)


@admin.register(OfferUse)
class OfferUseAdmin(ReadonlyAdmin):
    list_display = ["happened", "of_offer", "of_version", "person", "wanted_sum", "granted_sum"]
    list_display_links = ["happened"]
    list_filter = [("offer__business", RelatedDropdownFilter), days("at", _("Time"))]
    list_select_related = ["offer__current", "version", "wallet__member"]
    search_fields = ["wallet__member__card_number__exact"]
    search_help_text = CARD
    ordering = ["-id"]
    fields = [
        "happened",
        "of_offer",
        "of_version",
        "person",
        "operation",
        "wanted_sum",
        "granted_sum",
    ]

    happened = moment("at", _("Time"))
    of_offer = column("offer", _("Offer"), show=link)
    of_version = column("version__number", _("Version"), show=str)
    person = column("wallet__member", _("Member"), show=link)
    operation = column("journal", _("Operation"), show=operation_link)
    wanted_sum = money("wanted", _("Without limits"))
    granted_sum = money("granted", _("Given"))
