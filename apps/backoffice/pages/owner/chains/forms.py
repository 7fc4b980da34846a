"""What the builder asks: about the chain, and about each of its steps.

The list of steps is the whole of the chain: from whom a step leads follows from its shape and its
place in the list, so it is asked only once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django import forms
from django.http import QueryDict
from django.utils.datastructures import MultiValueDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.backoffice.pages.owner.fields import MUST, DayField, SumField, WholeField, raw_of
from apps.businesses.models import Business
from apps.coupons.enums import Benefit
from apps.crosspromo import rules
from apps.crosspromo.enums import Fork, Topology
from apps.crosspromo.services import ChainDraft, StepDraft

MOST_STEPS = 6
# Terms that the builder does not ask for: a change of a chain leaves them as they are.
KEPT = ("bearer", "cooldown_days", "depth_limit", "return_days")
SHAPES = [
    (Topology.PAIR, gettext_lazy("to one partner")),
    (Topology.PATH, gettext_lazy("one after another")),
    (Topology.MUTUAL, gettext_lazy("there and back")),
    (Topology.FAN, gettext_lazy("to several at once")),
]
WANTS = {
    Topology.PAIR: gettext_lazy("This shape has exactly one step."),
    Topology.PATH: gettext_lazy("One after another: two steps or more, no partner twice."),
    Topology.MUTUAL: gettext_lazy("There and back: exactly two steps between two partners."),
    Topology.FAN: gettext_lazy("To several at once: two steps or more, each to another partner."),
}


class ChainForm(forms.Form):
    name = forms.CharField(
        label=gettext_lazy("Name"),
        max_length=120,
        error_messages=MUST,
        help_text=gettext_lazy("For you and the partners; guests do not see it."),
    )
    topology = forms.ChoiceField(
        label=gettext_lazy("Shape"), choices=SHAPES, widget=forms.RadioSelect, error_messages=MUST
    )
    starts = DayField(label=gettext_lazy("First day"))
    ends = DayField(label=gettext_lazy("Last day"))
    budget = SumField(
        label=gettext_lazy("Budget for all coupons, ₽"),
        required=False,
        help_text=gettext_lazy("With it every percent needs its largest discount."),
    )
    holdout_percent = WholeField(
        label=gettext_lazy("Guests without a coupon, %"),
        min_value=0,
        max_value=50,
        help_text=gettext_lazy("By them it is seen what the chain brings. 10 is usual."),
    )
    fork = forms.ChoiceField(
        label=gettext_lazy("Of several coupons"), choices=Fork.choices, required=False
    )


class StepForm(forms.Form):
    sender = forms.ChoiceField(label=gettext_lazy("Guests of"), error_messages=MUST)
    to = forms.ChoiceField(label=gettext_lazy("Get a coupon for"), error_messages=MUST)
    min_amount = SumField(
        label=gettext_lazy("After a purchase from, ₽"), required=False, zero_allowed=True
    )
    every_nth = WholeField(
        label=gettext_lazy("Every n-th purchase"), required=False, min_value=2, max_value=100
    )
    category = forms.CharField(
        label=gettext_lazy("With a line of the category"), max_length=60, required=False
    )
    first_visit = forms.BooleanField(
        label=gettext_lazy("Only after the first purchase"), required=False
    )
    delay_hours = WholeField(
        label=gettext_lazy("Good after, hours"),
        required=False,
        min_value=0,
        max_value=rules.MOST_DELAY_DAYS * 24,
    )
    benefit = forms.ChoiceField(
        label=gettext_lazy("What it gives"), choices=Benefit.choices, error_messages=MUST
    )
    value = SumField(label=gettext_lazy("How much, %, ₽ or bonuses"), required=False)
    gift = forms.CharField(label=gettext_lazy("Which gift"), max_length=120, required=False)
    max_discount = SumField(label=gettext_lazy("Largest discount, ₽"), required=False)
    min_bill = SumField(label=gettext_lazy("Bill from, ₽"), required=False, zero_allowed=True)
    valid_days = WholeField(label=gettext_lazy("Days it is good"), min_value=1, max_value=90)
    sender_share = WholeField(
        label=gettext_lazy("The sender pays of the discount, %"),
        required=False,
        min_value=0,
        max_value=100,
        help_text=gettext_lazy("The rest is paid by whoever receives the guest."),
    )
    fee = SumField(
        label=gettext_lazy("For a guest who came, to the sender, ₽"),
        required=False,
        zero_allowed=True,
    )

    def __init__(self, *args: Any, places: Sequence[Business], **given: Any) -> None:
        super().__init__(*args, **given)
        names = [("", "—"), *((str(place.pk), place.name) for place in places)]
        self.fields["sender"].choices = names
        self.fields["to"].choices = names

    def clean(self) -> dict[str, Any]:
        said = super().clean() or {}
        benefit = said.get("benefit")
        if benefit == Benefit.GIFT and not said.get("gift"):
            self.add_error("gift", _("Name the gift."))
        if benefit and benefit != Benefit.GIFT and not said.get("value"):
            self.add_error("value", _("How much does the coupon give?"))
        if benefit == Benefit.PERCENT and (said.get("value") or 0) > 100:
            self.add_error("value", _("At most 100 %."))
        return said


NEW_STEP = {"benefit": "percent", "value": "10", "valid_days": "30", "sender_share": "0"}


def new_chain(business: Business, *, at: datetime, to: str = "") -> dict[str, Any]:
    """A draft of a chain from this business."""
    today = at.astimezone(ZoneInfo(business.zone)).date()
    return {
        "name": "",
        "topology": Topology.PAIR.value,
        "starts": today.isoformat(),
        "ends": (today + timedelta(days=90)).isoformat(),
        "budget": "",
        "holdout_percent": "10",
        "fork": Fork.ALL.value,
        "steps": [NEW_STEP | {"sender": str(business.pk), "to": to}],
    }


def posted(request_post: QueryDict, *, count: int) -> dict[str, Any]:
    """What was typed, as the draft keeps it."""
    steps = []
    for number in range(min(count, MOST_STEPS)):
        names = [(name, f"s{number}-{name}") for name in StepForm.base_fields]
        steps.append({name: request_post.get(key, "")[:200] for name, key in names})
    return raw_of(ChainForm, request_post) | {"steps": steps}


def arranged(data: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Steps with senders as the shape wants them: only the first one is free to choose."""
    steps = [dict(step) for step in data.get("steps") or []]
    shape = data.get("topology")
    for number, step in enumerate(steps[1:], start=1):
        before, first = steps[number - 1], steps[0]
        if shape == Topology.FAN:
            step["sender"] = first.get("sender", "")
        elif shape in (Topology.PATH, Topology.MUTUAL):
            step["sender"] = before.get("to", "")
        if shape == Topology.MUTUAL and number == 1:
            step["to"] = first.get("sender", "")
    return steps


@dataclass
class Read:
    """The forms of a draft, judged, and the chain that they make when nothing is wrong."""

    form: ChainForm
    steps: list[StepForm]
    shape_fault: str = ""
    draft: ChainDraft | None = None
    refused: str = ""
    faults: list[str] = field(default_factory=list)

    @property
    def is_whole(self) -> bool:
        return self.draft is not None


def read(data: Mapping[str, Any], *, places: Sequence[Business], zone: str) -> Read:
    form = ChainForm(MultiValueDict({name: [data.get(name, "")] for name in ChainForm.base_fields}))
    steps = [
        StepForm(
            MultiValueDict({f"s{n}-{name}": [value] for name, value in step.items()}),
            prefix=f"s{n}",
            places=places,
        )
        for n, step in enumerate(arranged(data))
    ]
    found = Read(form, steps)
    good = [one.is_valid() for one in (form, *steps)]
    ways = [(one.cleaned_data.get("sender"), one.cleaned_data.get("to")) for one in steps]
    shape = form.cleaned_data.get("topology")
    if shape and all(start and end for start, end in ways) and rules.shape_fault(shape, ways):
        found.shape_fault = str(WANTS[Topology(shape)])
    elif all(good) and steps:
        said = {name: data[name] for name in KEPT if name in data} | form.cleaned_data
        found.draft = _draft(said, [one.cleaned_data for one in steps], zone)
    return found


def unjudged(
    data: Mapping[str, Any], *, places: Sequence[Business]
) -> tuple[ChainForm, list[StepForm]]:
    """The same forms with what was typed, before anybody asked whether it fits."""
    steps = [
        StepForm(prefix=f"s{n}", initial=step, places=places)
        for n, step in enumerate(arranged(data))
    ]
    return ChainForm(initial=dict(data)), steps


def _draft(said: Mapping[str, Any], steps: list[dict[str, Any]], zone: str) -> ChainDraft:
    local = ZoneInfo(zone)
    return ChainDraft(
        name=said["name"],
        topology=said["topology"],
        steps=tuple(_step(step) for step in steps),
        starts_at=datetime.combine(said["starts"], time(), tzinfo=local),
        ends_at=datetime.combine(said["ends"] + timedelta(days=1), time(), tzinfo=local),
        budget=said["budget"],
        holdout_percent=said["holdout_percent"],
        **{name: said[name] for name in KEPT if name in said},
        fork=said["fork"] or Fork.ALL,
    )


def _step(said: Mapping[str, Any]) -> StepDraft:
    sender, receiver = UUID(said["sender"]), UUID(said["to"])
    share = said["sender_share"] or 0
    shares = [(sender, share), (receiver, 100 - share)]
    is_gift = said["benefit"] == Benefit.GIFT
    return StepDraft(
        from_id=sender,
        to_id=receiver,
        benefit=said["benefit"],
        value=Decimal(0) if is_gift else said["value"],
        gift=said["gift"] if is_gift else "",
        max_discount=said["max_discount"] if said["benefit"] == Benefit.PERCENT else None,
        min_bill=said["min_bill"] or Decimal(0),
        min_amount=said["min_amount"] or Decimal(0),
        category=said["category"],
        every_nth=said["every_nth"],
        first_visit=said["first_visit"],
        delay_hours=said["delay_hours"] or 0,
        valid_days=said["valid_days"],
        funders=tuple((one, part) for one, part in shares if part),
        fee=said["fee"] or Decimal(0),
    )
