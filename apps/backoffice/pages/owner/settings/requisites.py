"""Requisites: those in force, and a change that an administrator confirms against the papers."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from apps.accounts import freshness
from apps.backoffice.pages.access import for_jobs
from apps.backoffice.pages.owner.frame import business_of, frame
from apps.backoffice.pages.owner.settings.parts import parts
from apps.backoffice.pages.owner.typed import keeps_typed, typed
from apps.businesses import requisites as services
from apps.businesses.models import Business
from apps.core.errors import Refused

WIDE = ("legal_name", "legal_address", "bank")


class RequisitesForm(forms.Form):
    def __init__(self, *args: Any, **given: Any) -> None:
        super().__init__(*args, **given)
        for name, label in services.FIELDS.items():
            field = forms.CharField(label=label, max_length=300, required=False)
            if name not in WIDE:
                field.widget.attrs.update(inputmode="numeric", autocomplete="off", maxlength=30)
            self.fields[name] = field

    def clean(self) -> dict[str, str]:
        said = super().clean() or {}
        found = {
            name: " ".join(text.split()) if name in WIDE else "".join(text.split()).upper()
            for name, text in said.items()
        }
        for name, words in services.faults(found).items():
            self.add_error(name, str(words))
        return found


@keeps_typed
@for_jobs("pages.settings")
@require_http_methods(["GET", "POST"])
def requisites(request: HttpRequest, slug: str) -> HttpResponse:
    business = business_of(request, slug)
    if request.method == "POST":
        if away := freshness.stale(request, "businesses.requisites"):
            return away
        asked = request.POST.dict()
    else:
        asked = typed(request)
    row = services.requisites_of(business)
    form = RequisitesForm(asked or None, initial=row.asked or row.said)
    context: dict[str, Any] = frame(request, business) | parts(business, "settings_requisites")
    if request.method == "POST":
        drops = asked.get("act") == "drop"
        if drops or form.is_valid():
            try:
                _ask(request, business, {} if drops else form.cleaned_data)
            except services.RequisitesStale:
                row = services.requisites_of(business)
                context["stale"] = True
            except Refused as refused:
                context["refused"] = str(refused)
            else:
                return redirect("backoffice:settings_requisites", slug=slug)
    context |= {"row": row, "form": form, "said": shown(row.said), "asked": shown(row.asked)}
    status = 422 if request.method == "POST" else 200
    return render(request, "backoffice/owner/settings/requisites.html", context, status=status)


def _ask(request: HttpRequest, business: Business, said: dict[str, str]) -> None:
    seen = request.POST.get("seen", "")
    services.ask_requisites(
        business=business,
        said=said,
        seen=int(seen) if seen.isdecimal() else -1,
        by=request.user,
        at=timezone.now(),
    )
    messages.success(
        request,
        _("Sent. They are in force once the administrator has compared the papers.")
        if said
        else _("The change is taken back."),
    )


def shown(said: dict[str, str]) -> list[tuple[Any, str]]:
    """(label, value) of what is there; nothing when nothing was said."""
    return [(label, said.get(name, "")) for name, label in services.FIELDS.items()] if said else []
