"""Chains, to be read: their versions, who has accepted, what became of each step."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html_join
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter, RelatedDropdownFilter
from unfold.decorators import display

from apps.core.admin_base import (
    EMPTY,
    ReadonlyAdmin,
    ReadonlyInline,
    badge,
    column,
    days,
    link,
    links,
    moment,
    roubles,
)
from apps.coupons.admin import gives
from apps.crosspromo.enums import Arm, ChainState, VersionState
from apps.crosspromo.models import Acceptance, Chain, Mint, Run, Step, Version
from apps.crosspromo.queries import funnels_of

TONES = {
    ChainState.PROPOSED: "warn",
    ChainState.LIVE: "good",
    ChainState.PAUSED: "warn",
    ChainState.DECLINED: "bad",
    ChainState.ENDED: "quiet",
}
VERSION_TONES = {
    VersionState.PROPOSED: "warn",
    VersionState.LIVE: "good",
    VersionState.RETIRED: "quiet",
    VersionState.DECLINED: "bad",
}


class VersionColumns:
    of_chain = column("chain", _("Chain"), show=link)
    starts = moment("starts_at", _("From"))
    ends = moment("ends_at", _("Until"))
    live_since = moment("published_at", _("Live since"))
    held = column("holdout_percent", _("Held out, %"))

    @display(description=_("Version"))
    def title(self, version: Version) -> str:
        return link(version, f"№{version.number}")

    @display(description=_("State"))
    def state_shown(self, version: Version) -> str:
        return badge(version.get_state_display(), VERSION_TONES[VersionState(version.state)])


class VersionInline(VersionColumns, ReadonlyInline):
    model = Version
    fields = ["title", "state_shown", "held", "starts", "ends", "live_since"]


@admin.register(Chain)
class ChainAdmin(ReadonlyAdmin):
    list_display = ["name", "topology", "proposer", "state_shown", "stops", "made"]
    list_filter = [
        ("state", ChoicesDropdownFilter),
        ("topology", ChoicesDropdownFilter),
        ("owner", RelatedDropdownFilter),
    ]
    list_select_related = ["owner"]
    search_fields = ["name"]
    search_help_text = _("Name")
    ordering = ["-created_at"]
    inlines = [VersionInline]
    fieldsets = [
        (None, {"fields": ["name", "state_shown", "topology", "proposer", "stops", "made"]}),
        (_("The live version"), {"fields": ["funnel", "records"]}),
    ]

    proposer = column("owner", _("Proposed by"), show=link)
    stops = moment("stop_at", _("Stops"))
    made = moment("created_at", _("Made"), ordering="created_at")

    @display(description=_("State"))
    def state_shown(self, chain: Chain) -> str:
        return badge(chain.get_state_display(), TONES[ChainState(chain.state)])

    @display(description=_("Triggered → issued → seen → redeemed"))
    def funnel(self, chain: Chain) -> str:
        version = chain.versions.filter(state=VersionState.LIVE).first()
        return funnel_of(version) if version else EMPTY

    @display(description=_("Lists"))
    def records(self, chain: Chain) -> str:
        return links(
            [
                ("crosspromo_run", _("Runs of chains"), {"version__chain__id__exact": chain.pk}),
                ("core_auditentry", _("Audit log"), {"object_id": chain.pk}),
            ]
        )


def funnel_of(version: Version) -> str:
    """A line a step: from → to, and the four counts with the discount given."""
    found = funnels_of(version)
    steps = version.steps.select_related("from_business", "to_business").order_by("number")
    rows = [(step, found[step.pk]) for step in steps]
    return format_html_join(
        "",
        "<div>{}: {} → {} → {} → {} · {}</div>",
        [
            (str(step), one.exposed, one.issued, one.seen, one.redeemed, roubles(one.discount))
            for step, one in rows
        ],
    )


# --- versions ------------------------------------------------------------------------------------
class StepInline(ReadonlyInline):
    model = Step
    ordering = ("number",)
    fields = ["number", "start", "end", "trigger", "given", "coupon"]

    start = column("from_business", _("Sender"), show=link)
    end = column("to_business", _("Receiver"), show=link)
    given = column("campaign", _("Gives"), show=gives)
    coupon = column("campaign", _("Coupons"), show=link)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Step]:
        steps = super().get_queryset(request)
        return steps.select_related("from_business", "to_business", "campaign__sender")

    @display(description=_("Trigger"))
    def trigger(self, step: Step) -> str:
        said = [str(_("from %(sum)s") % {"sum": roubles(step.min_amount)})]
        if step.category:
            said.append(step.category)
        if step.every_nth:
            said.append(str(_("every %(n)s-th") % {"n": step.every_nth}))
        if step.first_visit:
            said.append(str(_("the first")))
        return ", ".join(said)


class AcceptanceInline(ReadonlyInline):
    model = Acceptance
    fields = ["partner", "person", "accepted"]

    partner = column("business", _("Business"), show=link)
    person = column("by", _("Accepted by"), show=link)
    accepted = moment("at", _("Accepted"))

    def get_queryset(self, request: HttpRequest) -> QuerySet[Acceptance]:
        return super().get_queryset(request).select_related("business", "by")


@admin.register(Version)
class VersionAdmin(VersionColumns, ReadonlyAdmin):
    list_display = ["number", "of_chain", "state_shown", "held", "starts", "ends", "live_since"]
    list_filter = [("chain", RelatedDropdownFilter), ("state", ChoicesDropdownFilter)]
    list_select_related = ["chain"]
    ordering = ["-id"]
    inlines = [StepInline, AcceptanceInline]
    fieldsets = [
        (None, {"fields": ["of_chain", "number", "state_shown", "starts", "ends", "live_since"]}),
        (
            _("Rules"),
            {"fields": ["held", "cooling", "depth", "returning", "fork", "bearer", "spent"]},
        ),
        (_("What became of it"), {"fields": ["funnel"]}),
    ]

    cooling = column("cooldown_days", _("Days between runs of a guest"))
    depth = column("depth_limit", _("Runs in a row at most"))
    returning = column("return_days", _("Days for returns before the next step"))

    @display(description=_("Budget: used, reserved, cap"))
    def spent(self, version: Version) -> str:
        budget = version.budget
        if budget is None:
            return EMPTY
        return " · ".join(roubles(sum_) for sum_ in (budget.charged, budget.reserved, budget.cap))

    @display(description=_("Triggered → issued → seen → redeemed"))
    def funnel(self, version: Version) -> str:
        return funnel_of(version)


# --- runs ----------------------------------------------------------------------------------------
class MintInline(ReadonlyInline):
    model = Mint
    fields = ["of_step", "given"]

    of_step = column("step", _("Step"), show=str)
    given = column("coupon", _("Coupon"), show=link)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Mint]:
        rows = super().get_queryset(request)
        return rows.select_related("step__from_business", "step__to_business", "coupon")


@admin.register(Run)
class RunAdmin(ReadonlyAdmin):
    list_display = ["short_moment", "of_version", "guest", "start", "arm_shown", "depth", "undone"]
    list_filter = [
        ("version__chain", RelatedDropdownFilter),
        ("from_business", RelatedDropdownFilter),
        ("arm", ChoicesDropdownFilter),
        days("at", _("Triggered")),
    ]
    list_select_related = ["version__chain", "member", "from_business"]
    search_fields = ["member__card_number__exact"]
    search_help_text = _("Whole card number")
    ordering = ["-id"]
    inlines = [MintInline]
    fields = ["short_moment", "of_version", "guest", "start", "arm_shown", "depth", "undone"]

    short_moment = moment("at", _("Triggered"))
    of_version = column("version", _("Version"), show=link)
    guest = column("member", _("Member"), show=link)
    start = column("from_business", _("Sender"), show=link)
    undone = moment("undone_at", _("Purchase returned"))

    @display(description=_("Arm"))
    def arm_shown(self, run: Run) -> str:
        return badge(run.get_arm_display(), "good" if run.arm == Arm.TREATED else "quiet")
