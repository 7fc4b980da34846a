"""Two pages of the admin of people: her role at the network, and her tier by hand."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, cast

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html_join
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from unfold.decorators import display
from unfold.widgets import (
    UnfoldAdminSelectWidget,
    UnfoldAdminSingleDateWidget,
    UnfoldAdminTextInputWidget,
)

from apps.accounts import freshness, rights, services
from apps.accounts.enums import Job, TierCode
from apps.accounts.models import User
from apps.core.admin_base import EMPTY
from apps.core.days import midnight, of_our_years
from apps.core.errors import Forbidden, Invalid, Refused


class WhyForm(forms.Form):
    reason = forms.CharField(
        label=_("Reason"),
        help_text=_("At least 10 characters. Stays in the audit log with your name."),
        max_length=500,
        widget=UnfoldAdminTextInputWidget,
    )


class RoleForm(WhyForm):
    """Staff and owners are made at a business, by its owner: not here."""

    role = forms.ChoiceField(
        label=_("Role at the network"),
        choices=[("member", _("none")), (Job.ADMIN, Job.ADMIN.label)]
        + [(Job.SUPERADMIN, Job.SUPERADMIN.label)],
        help_text=_("For an admin or a superadmin another superadmin confirms."),
        widget=UnfoldAdminSelectWidget,
    )
    field_order = ["role", "reason"]


class TierForm(WhyForm):
    tier = forms.ChoiceField(
        label=_("Tier"), choices=TierCode.choices, widget=UnfoldAdminSelectWidget
    )
    until = forms.DateField(
        label=_("Until, this day included"),
        required=False,
        validators=[of_our_years],
        help_text=_("Until then purchases do not move the tier. An invitation needs no day."),
        widget=UnfoldAdminSingleDateWidget,
    )
    field_order = ["tier", "until", "reason"]


class StandingPages:
    """Mixed into the admin of people: the field `decisions` and its pages."""

    admin_site: Any

    @display(description=_("Decisions"))
    def decisions(self, user: User) -> str:
        pages = [("accounts_user_tier", _("Set the tier by hand"))]
        pages += [("accounts_user_role", _("Change the role"))]
        return format_html_join(
            " ",
            '<a class="sk-list" href="{}">{}</a>',
            [(reverse(f"admin:{name}", args=[user.pk]), words) for name, words in pages],
        )

    @display(description=_("Tier set by hand until"))
    def tier_until(self, user: User) -> Any:
        if user.tier_locked_until is None:
            return EMPTY
        return f"{timezone.localtime(user.tier_locked_until - timedelta(seconds=1)):%d.%m.%Y}"

    def get_urls(self) -> list[URLPattern]:
        guard = self.admin_site.admin_view
        own = [
            path("<uuid:pk>/role/", guard(never_cache(self.role)), name="accounts_user_role"),
            path("<uuid:pk>/tier/", guard(never_cache(self.tier)), name="accounts_user_tier"),
        ]
        return own + super().get_urls()  # type: ignore[misc]

    def role(self, request: HttpRequest, pk: Any) -> HttpResponse:
        def give(person: User, given: dict[str, Any]) -> str:
            job = Job.NONE if given["role"] == "member" else Job(given["role"])
            waits = services.set_job(
                user=person, job=job, by=cast(User, request.user), reason=given["reason"]
            )
            done, asked = _("The role was changed."), _("Another superadmin must confirm it now.")
            return str(asked if waits else done)

        start = {"role": Job.ADMIN}
        return self._page(request, pk, "users.role", RoleForm, start, _("Change the role"), give)

    def tier(self, request: HttpRequest, pk: Any) -> HttpResponse:
        def put(person: User, given: dict[str, Any]) -> str:
            services.set_tier_by_hand(
                user=person,
                code=given["tier"],
                until=_end_of(given["until"]),
                by=cast(User, request.user),
                reason=given["reason"],
                at=timezone.now(),
            )
            return str(_("The tier was set."))

        title = _("Set the tier by hand")
        return self._page(request, pk, "users.tier", TierForm, {}, title, put)

    def _page(
        self,
        request: HttpRequest,
        pk: Any,
        action: str,
        form_class: type[forms.Form],
        start: dict[str, Any],
        title: Any,
        act: Callable[[User, dict[str, Any]], str],
    ) -> HttpResponse:
        """GET asks, POST acts; both want the right, and a fresh second factor where it says so."""
        person = get_object_or_404(User.objects.select_related("tier"), pk=pk)
        if not rights.may(action, job=cast(User, request.user).job):
            raise PermissionDenied
        away = freshness.stale(request, action)
        if away:
            return away
        start = {"tier": person.tier.code} | start
        form = form_class(request.POST if request.method == "POST" else None, initial=start)
        if form.is_bound and form.is_valid():
            done = _attempt(form, person, act)
            if done:
                messages.success(request, done)
                return redirect("admin:accounts_user_change", person.pk)
        context = {
            **self.admin_site.each_context(request),
            "title": title,
            "person": person,
            "form": form,
            "submit": title,
            "opts": User._meta,
        }
        status = 422 if form.is_bound else 200
        return TemplateResponse(request, "admin/accounts/user/decide.html", context, status=status)


def _attempt(form: forms.Form, person: User, act: Callable[[User, dict[str, Any]], str]) -> str:
    """What was done, in words; empty when it was refused, and the form says why."""
    try:
        return act(person, form.cleaned_data)
    except Forbidden:
        form.add_error(None, _("You may not do this to this person."))
    except Invalid as wrong:
        form.add_error(wrong.field if wrong.field in form.fields else None, str(wrong))
    except Refused as refusal:
        form.add_error(None, str(refusal))
    return ""


def _end_of(day: Any) -> datetime | None:
    if day is None:
        return None
    return midnight(day + timedelta(days=1))
