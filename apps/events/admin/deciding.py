"""A page before every act that people feel: what it does in words, a reason, one button."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, cast

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminTextInputWidget, UnfoldBooleanWidget

from apps.accounts import rights
from apps.accounts.models import User
from apps.accounts.queries import find_member
from apps.core.admin_base import AmountField
from apps.core.errors import Forbidden, Invalid, Refused
from apps.events import rules

CURATE = "events.curate"
Text = str | Promise


class NoForm(forms.Form):
    """An act that needs no reason."""


class ReasonForm(forms.Form):
    reason = forms.CharField(
        label=_("Reason"),
        help_text=_("At least 10 characters. The people concerned read it."),
        min_length=10,
        max_length=300,
        widget=UnfoldAdminTextInputWidget,
    )


class CancelForm(ReasonForm):
    comfort = AmountField(
        label=_("Bonuses to each who had a seat"),
        required=False,
        help_text=_("Beside what they paid. Empty: none. The host partner pays, 1 000 at most."),
    )

    def clean_comfort(self) -> Decimal:
        given: Decimal = self.cleaned_data["comfort"] or Decimal(0)
        if given > rules.COMFORT_MOST:
            raise forms.ValidationError(_("1 000 bonuses at most."))
        return given


class SeatForm(ReasonForm):
    over_limit = forms.BooleanField(
        label=_("Over the limit"),
        required=False,
        help_text=_("A chair more than the event has seats. Shown as such everywhere."),
        widget=UnfoldBooleanWidget,
    )
    field_order = ["who", "over_limit", "reason"]


class NewGuestForm(SeatForm):
    who = forms.CharField(
        label=_("Whole phone or card number"),
        max_length=40,
        widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "off"}),
    )

    def clean_who(self) -> User:
        member = find_member(self.cleaned_data["who"])
        if member is None:
            raise forms.ValidationError(_("There is no member with this phone or card."))
        return member


@dataclass(frozen=True)
class Dialog:
    """`tell` says the consequences; `act` does it and answers what was done."""

    title: Text
    button: Text
    act: Callable[[Any, dict[str, Any], User, datetime], Text]
    tell: Callable[[Any], list[str]] = lambda row: []
    form: type[forms.Form] = ReasonForm
    is_grave: bool = False


def ask(own: Any, request: HttpRequest, row: Any, dialog: Dialog, *, back: str) -> HttpResponse:
    """GET tells and asks, POST acts and goes `back`. A refusal is said above the form."""
    by = cast(User, request.user)
    if not rights.may(CURATE, job=by.job):
        raise PermissionDenied
    form = dialog.form(request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        done = _attempt(form, row, dialog, by=by)
        if done:
            messages.success(request, done)
            return redirect(back)
    context = {
        **own.admin_site.each_context(request),
        "title": dialog.title,
        "row": row,
        "told": dialog.tell(row),
        "dialog": dialog,
        "form": form,
        "back": back,
        "opts": own.model._meta,
    }
    status = 422 if form.is_bound else 200
    return TemplateResponse(request, "admin/events/event/decide.html", context, status=status)


def _attempt(form: forms.Form, row: Any, dialog: Dialog, *, by: User) -> str:
    """What was done; empty when it was refused, and the form says why."""
    try:
        return str(dialog.act(row, form.cleaned_data, by, timezone.now()))
    except Forbidden:
        form.add_error(None, _("You may not do this here."))
    except Invalid as wrong:
        form.add_error(wrong.field if wrong.field in form.fields else None, str(wrong))
    except Refused as refusal:
        form.add_error(None, str(refusal))
    return ""
