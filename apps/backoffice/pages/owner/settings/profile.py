"""What an owner says of her place herself, and what only the administrator changes."""

import hashlib
import json
import re
from datetime import datetime
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from apps.accounts import freshness
from apps.accounts.queries import audit_log
from apps.backoffice.pages.access import for_jobs
from apps.backoffice.pages.owner.fields import MUST, WholeField
from apps.backoffice.pages.owner.frame import business_of, frame
from apps.backoffice.pages.owner.settings.parts import parts
from apps.backoffice.pages.owner.typed import keeps_typed, typed
from apps.businesses import services
from apps.businesses.models import Business
from apps.core.errors import Refused
from apps.loyalty import rules
from apps.loyalty.settlement_queries import terms_of

WEEKDAYS = [
    gettext_lazy("Monday"),
    gettext_lazy("Tuesday"),
    gettext_lazy("Wednesday"),
    gettext_lazy("Thursday"),
    gettext_lazy("Friday"),
    gettext_lazy("Saturday"),
    gettext_lazy("Sunday"),
]
CLOCK = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]", re.ASCII)
SHOWN = ("description", "hours", "photos", "max_bonus_share")


class ProfileForm(forms.Form):
    description = forms.CharField(
        label=gettext_lazy("About you"),
        max_length=4000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 5}),
        help_text=gettext_lazy("Guests read it in the catalogue of the app."),
    )

    def __init__(self, *args: Any, hours: list[dict[str, Any]] | None = None, **given: Any) -> None:
        super().__init__(*args, **given)
        known = {one["weekday"]: one for one in hours or []}
        for day, name in enumerate(WEEKDAYS, start=1):
            for end in ("opens", "closes"):
                self.fields[f"{end}{day}"] = forms.CharField(
                    label=f"{name}",
                    required=False,
                    max_length=5,
                    initial=known.get(day, {}).get(end, ""),
                    widget=forms.TextInput(attrs={"type": "time"}),
                )

    def days(self) -> list[Any]:
        """(name, opens, closes) of the week, for the template."""
        return [
            (name, self[f"opens{day}"], self[f"closes{day}"])
            for day, name in enumerate(WEEKDAYS, start=1)
        ]

    def clean(self) -> dict[str, Any]:
        said = super().clean() or {}
        hours = []
        for day in range(1, 8):
            opens, closes = said.get(f"opens{day}", ""), said.get(f"closes{day}", "")
            if bool(opens) != bool(closes):
                self.add_error(f"closes{day}", _("Both hours, or none on a day off."))
            elif opens and not (CLOCK.fullmatch(opens) and CLOCK.fullmatch(closes)):
                self.add_error(f"closes{day}", _("Write the hours as 10:00."))
            elif opens:
                hours.append({"weekday": day, "opens": opens, "closes": closes})
        said["hours"] = hours
        return said


class ShareForm(forms.Form):
    max_bonus_share = WholeField(
        label=gettext_lazy("Payable with bonuses, % of a bill"),
        min_value=0,
        max_value=rules.NETWORK_BONUS_SHARE,
        help_text=gettext_lazy("The network's bound is 50 %."),
    )


class PlaceForm(forms.Form):
    name = forms.CharField(label=gettext_lazy("Name"), max_length=80, error_messages=MUST)
    address = forms.CharField(label=gettext_lazy("Address"), max_length=200, required=False)


@keeps_typed
@for_jobs("pages.settings")
@require_http_methods(["GET", "POST"])
def settings(request: HttpRequest, slug: str) -> HttpResponse:
    business = business_of(request, slug)
    asked = request.POST.dict() if request.method == "POST" else typed(request)
    given = {
        "profile": ProfileForm(initial={"description": business.description}, hours=business.hours),
        "share": ShareForm(initial={"max_bonus_share": business.max_bonus_share}),
        "spot": PlaceForm(),
    }
    act = asked.get("act", "")
    context = frame(request, business) | parts(business, "settings") | {"seen": digest(business)}
    if act in given:
        given[act] = FORMS[act](asked)
    if request.method == "POST" and act in given:
        away = freshness.stale(request, "businesses.rates") if act == "share" else None
        if away:
            return away
        if given[act].is_valid():
            try:
                _save(request, business, act, given[act].cleaned_data)
            except services.Stale:
                context |= _theirs(business)
            except Refused as refused:
                given[act].add_error(None, str(refused))
            else:
                return redirect("backoffice:settings", slug=slug)
    context |= given | {
        "terms": terms_of(business),
        "places": business.locations.order_by("name"),
    }
    status = 422 if request.method == "POST" else 200
    return render(request, "backoffice/owner/settings/profile.html", context, status=status)


FORMS: dict[str, type[forms.Form]] = {
    "profile": ProfileForm,
    "share": ShareForm,
    "spot": PlaceForm,
}


def digest(business: Business) -> str:
    """What she saw: two owners who save at once do not lose each other's words."""
    plain = json.dumps([getattr(business, name) for name in SHOWN], sort_keys=True)
    return hashlib.sha256(plain.encode()).hexdigest()[:32]


def _save(request: HttpRequest, business: Business, act: str, said: dict[str, Any]) -> None:
    if act == "spot":
        services.add_location(
            business=business, name=said["name"], address=said["address"], by=request.user
        )
        messages.success(request, _("The address is added."))
        return
    names = ("description", "hours") if act == "profile" else ("max_bonus_share",)
    seen = request.POST.get("seen", "")
    services.present_business(
        business=business,
        changes={name: said[name] for name in names},
        by=request.user,
        unchanged=lambda row: digest(row) == seen,
    )
    messages.success(request, _("Saved."))


def _theirs(business: Business) -> dict[str, Any]:
    """Who changed it meanwhile, and what it is now: saving again goes over it."""
    row = Business.objects.get(pk=business.pk)
    return changed_by_others(row) | {"now_is": row, "seen": digest(row)}


def changed_by_others(business: Business) -> dict[str, Any]:
    """Who changed a partner last, and when."""
    rows = audit_log().filter(object_type="business", object_id=str(business.pk))
    last = rows.filter(action__startswith="businesses.").order_by("-id").first()
    at: datetime = last.at if last else timezone.now()
    return {"stale": True, "stale_by": last, "stale_at": at}
