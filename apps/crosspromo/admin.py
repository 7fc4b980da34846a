"""Chains: their versions, who has accepted, what became of each step; the network decides about
them by the same services as their partners."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html_join
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter, RelatedDropdownFilter
from unfold.decorators import display
from unfold.widgets import UnfoldAdminSelectWidget

from apps.accounts.models import User
from apps.businesses.models import Business
from apps.core.admin_base import (
    EMPTY,
    DecidedAdmin,
    ReadonlyAdmin,
    ReadonlyInline,
    ReasonedForm,
    badge,
    column,
    days,
    link,
    links,
    moment,
    roubles,
)
from apps.coupons.admin import gives
from apps.crosspromo import queries
from apps.crosspromo.enums import Action, Arm, ChainState, VersionState
from apps.crosspromo.models import Acceptance, Chain, Mint, Run, Step, Version
from apps.crosspromo.queries import funnels_of
from apps.crosspromo.services import act_on_chain

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


def waited_for(chain: Chain) -> list[Business]:
    """Asked once a page, though by the form and beside it."""
    known: dict[str, Any] = vars(chain)
    if "waited" not in known:
        known["waited"] = queries.waited_for(chain)
    return list(known["waited"])


def open_decisions(chain: Chain) -> list[tuple[str, str]]:
    """What may be decided about a chain as it stands: (code, words)."""
    found: list[tuple[str, Any]] = []
    waited = waited_for(chain)
    if waited:
        words = _("Accept for «%(partner)s»")
        found += [(f"{Action.ACCEPT}:{one.pk}", words % {"partner": one}) for one in waited]
        found.append((Action.ACCEPT, _("Publish: accept for all who have not answered")))
        found.append((Action.DECLINE, _("Decline the proposed terms")))
    if chain.state == ChainState.LIVE:
        found.append((Action.PAUSE, _("Pause: no coupons are given")))
    if chain.state == ChainState.PAUSED:
        found.append((Action.RESUME, _("Resume")))
    if chain.state in (ChainState.LIVE, ChainState.PAUSED) and chain.stop_at is None:
        found.append((Action.LEAVE, _("A partner leaves: the last coupon in seven days")))
    if chain.state in (ChainState.PROPOSED, ChainState.LIVE, ChainState.PAUSED):
        found.append((Action.END, _("End at once")))
    return [(str(code), str(words)) for code, words in found]


class ChainForm(ReasonedForm):
    decision = forms.ChoiceField(
        label=_("Decision"),
        help_text=_("Coupons that were given stay good, whatever is decided."),
        widget=UnfoldAdminSelectWidget,
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        decision = self.fields.get("decision")
        if isinstance(decision, forms.ChoiceField):
            decision.choices = [("", "—"), *open_decisions(self.instance)]


@admin.register(Chain)
class ChainAdmin(DecidedAdmin):
    form = ChainForm
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
        (_("Decision"), {"fields": ["waits", "decision", "reason"]}),
    ]
    readonly_fields = [
        "name",
        "state_shown",
        "topology",
        "proposer",
        "stops",
        "made",
        "funnel",
        "records",
        "waits",
    ]

    proposer = column("owner", _("Proposed by"), show=link)
    stops = moment("stop_at", _("Stops"))
    made = moment("created_at", _("Made"), ordering="created_at")

    @display(description=_("State"))
    def state_shown(self, chain: Chain) -> str:
        return badge(chain.get_state_display(), TONES[ChainState(chain.state)])

    @display(description=_("Awaits the yes of"))
    def waits(self, chain: Chain) -> str:
        return ", ".join(str(one) for one in waited_for(chain)) or EMPTY

    def update(self, row: Chain, *, changes: dict[str, Any], by: User, reason: str) -> None:
        action, _colon, partner = changes["decision"].partition(":")
        act_on_chain(
            chain=row,
            action=action,
            by=by,
            revision=row.revision,
            at=timezone.now(),
            reason=reason,
            place=Business.objects.get(pk=partner) if partner else None,
        )

    @display(description=_("What became of it"))
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
    """A line a step: from → to, the counts and the discount given, in words."""
    found = funnels_of(version)
    steps = version.steps.select_related("from_business", "to_business").order_by("number")
    words = _(
        "%(step)s: set off %(exposed)s, held out %(control)s, coupons %(issued)s, seen %(seen)s, "
        "used %(redeemed)s, discounts %(sum)s"
    )
    lines = [
        words % (vars(found[step.pk]) | {"step": step, "sum": roubles(found[step.pk].discount)})
        for step in steps
    ]
    return format_html_join("", "<div>{}</div>", [(line,) for line in lines])


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

    @display(description=_("What became of it"))
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
