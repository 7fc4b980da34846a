"""Coupon campaigns of a business: the list, a new one, its codes being made, what it brought."""

import csv
from collections.abc import Iterator
from datetime import datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext
from django.views.decorators.http import require_GET, require_http_methods

from apps.backoffice.pages.access import for_jobs
from apps.backoffice.pages.owner.fields import MUST, DayField, SumField, WholeField
from apps.backoffice.pages.owner.frame import business_of, frame
from apps.businesses.models import Business
from apps.core.bells import ring_after_commit
from apps.core.errors import Invalid, Refused
from apps.coupons import queries, rules, services
from apps.coupons.enums import Audience, Benefit, CampaignState
from apps.coupons.models import Campaign, Coupon
from apps.crosspromo.words import benefit_words
from apps.loyalty.offer_words import last_day_moment

ROWS = 25
AUDIENCES = [Audience.ANYONE, Audience.PROMO, Audience.GUESTS, Audience.LEAVING]
# The services' names of fields in the contract's spelling → ours.
TYPED_IN = {"validTo": "ends", "promoCode": "promo_code", "benefit": "value"}
# With more codes than this the page does not wait for them.
AT_ONCE = 2000


class CampaignForm(forms.Form):
    name = forms.CharField(
        label=gettext_lazy("Name"),
        max_length=120,
        error_messages=MUST,
        help_text=gettext_lazy("The guest reads it on her coupon."),
    )
    benefit = forms.ChoiceField(
        label=gettext_lazy("What it gives"),
        choices=Benefit.choices,
        widget=forms.RadioSelect,
        error_messages=MUST,
    )
    value = SumField(label=gettext_lazy("How much, %, ₽ or bonuses"), required=False)
    gift = forms.CharField(label=gettext_lazy("Which gift"), max_length=120, required=False)
    max_discount = SumField(
        label=gettext_lazy("Largest discount, ₽"),
        required=False,
        help_text=gettext_lazy("For a percent."),
    )
    min_amount = SumField(label=gettext_lazy("Bill from, ₽"), required=False, zero_allowed=True)
    audience = forms.ChoiceField(
        label=gettext_lazy("For whom"),
        choices=[(one.value, one.label) for one in AUDIENCES],
        widget=forms.RadioSelect,
        error_messages=MUST,
    )
    promo_code = forms.CharField(
        label=gettext_lazy("Promo code"),
        max_length=20,
        required=False,
        help_text=gettext_lazy("For «promo code» only: 4 to 20 Latin letters and digits."),
    )
    quantity = WholeField(
        label=gettext_lazy("How many"),
        min_value=1,
        max_value=100_000,
        help_text=gettext_lazy("Codes to print or send, or coupons at most."),
    )
    per_member = WholeField(label=gettext_lazy("Per guest"), min_value=1, max_value=1000, initial=1)
    holdout_percent = WholeField(
        label=gettext_lazy("Own guests without a coupon, %"),
        min_value=0,
        max_value=50,
        required=False,
        help_text=gettext_lazy("For own guests only: by them it is seen what the campaign brings."),
    )
    budget = SumField(label=gettext_lazy("Budget, ₽"), required=False)
    starts = DayField(label=gettext_lazy("First day"))
    ends = DayField(label=gettext_lazy("Last day"))

    def clean(self) -> dict[str, Any]:
        said = super().clean() or {}
        if said.get("benefit") == Benefit.GIFT and not said.get("gift"):
            self.add_error("gift", _("Name the gift."))
        if said.get("benefit") not in (None, Benefit.GIFT) and not said.get("value"):
            self.add_error("value", _("How much does the coupon give?"))
        if said.get("holdout_percent") and said.get("audience") != Audience.GUESTS:
            self.add_error(
                "holdout_percent", _("Only a campaign for own guests holds some of them out.")
            )
        return said


# --- the list ------------------------------------------------------------------------------------
@for_jobs("coupons.campaigns")
@require_GET
def campaigns(request: HttpRequest, slug: str) -> HttpResponse:
    business = business_of(request, slug)
    context = frame(request, business)
    rows = queries.campaigns_of(Business.objects.filter(pk=business.pk))
    page = Paginator(rows.order_by("-created_at", "-id"), ROWS).get_page(request.GET.get("page"))
    used = queries.used_of([one.pk for one in page.object_list])
    context |= {
        "page": page,
        "rows": [
            {
                "campaign": one,
                "gives": _gives(one),
                "used": used.get(one.pk, 0),
                "state": _state(one, context["now"]),
                "last_day": last_day_moment(one.valid_to),
            }
            for one in page.object_list
        ],
    }
    return render(request, "backoffice/owner/coupons/list.html", context)


def _gives(one: Campaign) -> str:
    return benefit_words(one.benefit, one.value, gift=one.gift, max_discount=one.max_discount)


def _state(one: Campaign, at: datetime) -> tuple[str, str]:
    """A word and its tone."""
    if one.state == CampaignState.CANCELLED:
        return pgettext("campaign", "cancelled"), "bad"
    if one.valid_to <= at:
        return pgettext("campaign", "over"), ""
    if one.audience == Audience.ANYONE and one.issued < one.quantity:
        return _("codes are being made"), "warn"
    return (_("begins later"), "warn") if one.valid_from > at else (_("running"), "good")


# --- a new one -----------------------------------------------------------------------------------
@for_jobs("coupons.campaigns")
@require_http_methods(["GET", "POST"])
def campaign_new(request: HttpRequest, slug: str) -> HttpResponse:
    business = business_of(request, slug)
    today = timezone.now().astimezone(ZoneInfo(business.zone)).date()
    usual = {
        "benefit": Benefit.PERCENT,
        "audience": Audience.ANYONE,
        "quantity": 100,
        "per_member": 1,
        "starts": today,
        "ends": today + timedelta(days=30),
    }
    if request.GET.get("for") == Audience.LEAVING:
        usual |= {"audience": Audience.LEAVING, "benefit": Benefit.FIXED, "quantity": 1000}
    form = CampaignForm(request.POST or None, initial=usual)
    if request.method == "POST" and form.is_valid():
        try:
            made = _create(request, business, form.cleaned_data)
        except Invalid as wrong:
            field = TYPED_IN.get(wrong.field, wrong.field)
            form.add_error(field if field in form.fields else None, str(wrong))
        else:
            return redirect("backoffice:campaign", slug=slug, campaign_id=made.pk)
    context = frame(request, business) | {"form": form}
    status = 422 if form.is_bound else 200
    return render(request, "backoffice/owner/coupons/new.html", context, status=status)


def _create(request: HttpRequest, business: Business, said: dict[str, Any]) -> Campaign:
    """Few codes are made at once, many by a worker while the page shows how far it is."""
    zone, is_gift = ZoneInfo(business.zone), said["benefit"] == Benefit.GIFT
    draft = services.Draft(
        name=said["name"],
        benefit=said["benefit"],
        audience=said["audience"],
        quantity=said["quantity"],
        valid_from=datetime.combine(said["starts"], time(), tzinfo=zone),
        valid_to=datetime.combine(said["ends"] + timedelta(days=1), time(), tzinfo=zone),
        value=Decimal(0) if is_gift else said["value"],
        gift=said["gift"] if is_gift else "",
        max_discount=said["max_discount"] if said["benefit"] == Benefit.PERCENT else None,
        min_amount=said["min_amount"] or Decimal(0),
        promo_code=said["promo_code"].strip(),
        per_member=said["per_member"],
        budget=said["budget"],
        holdout_percent=said["holdout_percent"] or 0,
    )
    fill = said["quantity"] <= AT_ONCE
    made = services.create_campaign(
        business=business, draft=draft, by=request.user, at=timezone.now(), fill=fill
    )
    if made.audience == Audience.ANYONE and not fill:
        # Beat asks within a minute for what a bell missed.
        ring_after_commit("apps.coupons.tasks.make_codes", campaign_id=str(made.pk))
    messages.success(request, _("The campaign is made."))
    return made


# --- one of them ---------------------------------------------------------------------------------
@for_jobs("coupons.campaigns")
@require_http_methods(["GET", "POST"])
def campaign(request: HttpRequest, slug: str, campaign_id: UUID) -> HttpResponse:
    business = business_of(request, slug)
    found = campaign_of(business, campaign_id)
    refused = ""
    if request.method == "POST" and request.POST.get("act") == "cancel":
        try:
            count = services.cancel_campaign(
                campaign=found,
                by=request.user,
                at=timezone.now(),
                reason=request.POST.get("reason", "")[:300],
            )
        except Refused as refusal:
            refused = str(refusal)
        else:
            messages.success(request, _("Cancelled; unused coupons: %(n)d.") % {"n": count})
            return redirect("backoffice:campaign", slug=slug, campaign_id=campaign_id)
    context = frame(request, business)
    context |= _one(found, context["now"]) | {"refused": refused}
    status = 422 if refused else 200
    return render(request, "backoffice/owner/coupons/one.html", context, status=status)


def _one(found: Campaign, at: datetime) -> dict[str, Any]:
    return {
        "campaign": found,
        "gives": _gives(found),
        "state": _state(found, at),
        "stats": queries.stats_of(found, at=at),
        "last_day": last_day_moment(found.valid_to),
        "making": _making(found),
        "has_codes": found.audience == Audience.ANYONE and found.issued,
    }


def _making(found: Campaign) -> bool:
    unfinished = found.audience == Audience.ANYONE and found.issued < found.quantity
    return bool(unfinished and found.state == CampaignState.ACTIVE)


def campaign_of(business: Business, campaign_id: UUID) -> Campaign:
    """One of those she sees. Raises Http404."""
    own = queries.campaigns_of(Business.objects.filter(pk=business.pk))
    found = own.filter(pk=campaign_id).first()
    if found is None:
        raise Http404
    return found


@for_jobs("coupons.campaigns")
@require_GET
def campaign_progress(request: HttpRequest, slug: str, campaign_id: UUID) -> HttpResponse:
    """How many codes there are by now; the page asks every second until all are there."""
    business = business_of(request, slug)
    found = campaign_of(business, campaign_id)
    context = {"business": business, "campaign": found, "making": _making(found)}
    return render(request, "backoffice/owner/coupons/_progress.html", context)


@for_jobs("coupons.campaigns")
@require_GET
def campaign_codes(request: HttpRequest, slug: str, campaign_id: UUID) -> StreamingHttpResponse:
    """The codes as a file for a spreadsheet or a printer, without holding all of them in memory."""
    found = campaign_of(business_of(request, slug), campaign_id)
    answer = StreamingHttpResponse(_rows(found), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="codes-{str(found.pk)[-6:]}.csv"'
    return answer


class _Echo:
    def write(self, text: str) -> str:
        return text


def _rows(found: Campaign) -> Iterator[str]:
    """BOM, semicolons. A member's own coupon is hers alone and never listed."""
    sheet = csv.writer(_Echo(), delimiter=";", lineterminator="\r\n")
    yield "\ufeff"
    yield sheet.writerow([_("code"), _("state")])
    codes = Coupon.objects.filter(campaign=found, member__isnull=True).order_by("pk")
    for coupon in codes.iterator(chunk_size=2000):
        yield sheet.writerow([rules.grouped(coupon.code), coupon.get_state_display()])
