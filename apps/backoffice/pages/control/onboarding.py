"""Opening partners: a list with progress, one partner's steps, a new one."""

from typing import Any

from django import forms
from django.core.validators import validate_slug
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods

from apps.accounts import rights
from apps.backoffice.onboarding import Opening, activate, openings
from apps.backoffice.pages.access import for_jobs
from apps.backoffice.pages.control.common import acted, reason_of
from apps.businesses import requisites
from apps.businesses.models import Business, Category, State, Step
from apps.businesses.queries import partners
from apps.businesses.services import mark_step, open_business

KINDS = [one for one in Category.choices if one[0] != Category.NETWORK]


class NewPartnerForm(forms.Form):
    name = forms.CharField(label=_("Name"), max_length=80)
    slug = forms.CharField(
        label=_("Name in the address, Latin letters"), max_length=40, validators=[validate_slug]
    )
    category = forms.ChoiceField(label=_("Category"), choices=KINDS)
    city = forms.CharField(label=_("City"), max_length=60)

    def clean_slug(self) -> str:
        slug: str = self.cleaned_data["slug"].lower()
        if Business.objects.filter(slug=slug).exists():
            raise forms.ValidationError(_("Another partner has this address already."))
        return slug


@for_jobs("pages.control")
@require_http_methods(["GET", "POST"])
def onboarding(request: HttpRequest) -> HttpResponse:
    """GET lists, those that are not open yet first; POST begins with a new partner."""
    form = NewPartnerForm(request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        made: list[Business] = []
        by: Any = request.user
        acted(
            request,
            lambda: made.append(open_business(**form.cleaned_data, by=by, is_ready=False)),
            _("The partner is noted. It opens when all its steps are done."),
        )
        return redirect("backoffice:partner", made[0].slug)
    found = openings(list(partners().exclude(state=State.CLOSED).values_list("pk", flat=True)))
    context = {
        "found": sorted(found, key=lambda one: (one.business.state == State.ACTIVE, one.done)),
        "asked": set(requisites.waiting().values_list("business", flat=True)),
        "all": len(Step),
        "form": form,
    }
    status = 422 if form.is_bound else 200
    return render(request, "backoffice/control/onboarding.html", context, status=status)


@for_jobs("pages.control")
@require_http_methods(["GET", "POST"])
def partner(request: HttpRequest, slug: str) -> HttpResponse:
    business = partners().filter(slug=slug).first()
    if business is None:
        raise Http404
    if request.method == "POST":
        _act(request, business)
        return redirect("backoffice:partner", slug)
    [opening] = openings([business.pk])
    context = {
        "opening": opening,
        "partner": business,
        "all": len(Step),
        "is_open": business.state == State.ACTIVE,
        "may_waive": rights.may("businesses.waive", job=request.user.job),
        "how": _how(opening),
        "requisites": _asked(business),
    }
    return render(request, "backoffice/control/partner.html", context)


def _asked(business: Business) -> dict[str, Any] | None:
    """A change of requisites that waits, beside what is in force; None when none does."""
    row = requisites.requisites_of(business)
    if not row.asked:
        return None
    pairs = [
        (label, row.said.get(name, ""), row.asked.get(name, ""))
        for name, label in requisites.FIELDS.items()
    ]
    return {"row": row, "pairs": pairs}


def _how(opening: Opening) -> dict[str, str]:
    """Where a step that is not ticked is done."""
    words = {
        Step.PROFILE: _("City and description stand on the partner's record."),
        Step.LOCATION: _("The owner or an administrator adds it on the partner's record."),
        Step.OWNER: _("Her account is added to the partner's staff as an owner."),
        Step.CRM: _("Done by itself when a connection works; without a CRM, tick it and say so."),
        Step.TEST: _("Done by itself with the first sale; before it, tick what you tried."),
    }
    return {one.step.value: str(words.get(one.step, "")) for one in opening.steps}


def _act(request: HttpRequest, business: Business) -> None:
    act, by, at = request.POST.get("act", ""), request.user, timezone.now()
    if act == "activate":
        acted(
            request,
            lambda: activate(business=business, reason=reason_of(request), by=by, at=at),
            _("Open: its people get in, its till sells."),
        )
        return
    if act in ("requisites", "requisites-no"):
        seen = request.POST.get("seen", "")
        acted(
            request,
            lambda: requisites.answer_requisites(
                business=business,
                accept=act == "requisites",
                seen=int(seen) if seen.isdecimal() else -1,
                by=by,
                reason=reason_of(request),
                at=at,
            ),
            _("The requisites are answered."),
        )
        return
    step = request.POST.get("step", "")
    if act not in ("mark", "waive") or step not in Step.values:
        raise Http404
    acted(
        request,
        lambda: mark_step(
            business=business,
            step=Step(step),
            note=reason_of(request),
            by=by,
            at=at,
            is_waived=act == "waive",
        ),
        _("Noted."),
    )
