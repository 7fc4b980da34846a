"""Limits of codes, and roles that wait for a second superadmin."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django_htmx.http import HttpResponseClientRedirect
from unfold.decorators import action, display
from unfold.forms import BaseDialogForm
from unfold.widgets import UnfoldAdminTextInputWidget

from apps.accounts import freshness, rights, services
from apps.accounts.enums import JobRequestState
from apps.accounts.models import CodeLimits, JobRequest, User
from apps.core.admin_base import (
    ReadonlyAdmin,
    ReasonedAdmin,
    badge,
    column,
    link,
    moment,
)
from apps.core.errors import Refused


# --- one-time codes ------------------------------------------------------------------------------
@admin.register(CodeLimits)
class CodeLimitsAdmin(ReasonedAdmin):
    """One row: what codes by SMS may cost. Admins read it, the superadmin changes it."""

    list_display = ["__str__", "cap_hour_rub", "cap_day_rub", "failures_hour"]
    fields = [
        "sms_price_kopecks",
        "cap_hour_rub",
        "cap_day_rub",
        "failures_hour",
        "countries",
        "reason",
    ]

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        # Whoever only reads is asked for no reason.
        return self.fields if self.has_change_permission(request) else self.fields[:-1]

    def update(self, row: CodeLimits, *, changes: dict[str, Any], by: User, reason: str) -> None:
        services.change_code_limits(changes=changes, by=by, reason=reason)

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if self.has_change_permission(request):
            away = freshness.stale(request, "code_limits.change", back=request.path)
            if away:
                return away
        return super().changeform_view(request, *args, **kwargs)


# --- roles that wait -----------------------------------------------------------------------------
TONES = {
    JobRequestState.OPEN: "warn",
    JobRequestState.CONFIRMED: "good",
    JobRequestState.DECLINED: "bad",
    JobRequestState.LAPSED: "quiet",
}


class AgreeDialog(BaseDialogForm):
    """Nothing to fill in: the reason was written by the one who asked."""


class DeclineDialog(BaseDialogForm):
    reason = forms.CharField(
        label=_("Reason"),
        help_text=_("Stays in the audit log."),
        max_length=500,
        widget=UnfoldAdminTextInputWidget,
    )


@admin.register(JobRequest)
class JobRequestAdmin(ReadonlyAdmin):
    """Admin and superadmin are given by two: one asks on the person's page, another agrees here."""

    list_display = ["asked", "who", "job_shown", "why", "asker", "state_shown"]
    list_display_links = ["asked"]
    list_filter = ["state"]
    list_select_related = ["person", "asked_by"]
    ordering = ["-id"]
    actions_detail = ["agree", "decline"]
    fields = [
        "who",
        "job_shown",
        "why",
        "asker",
        "asked",
        "state_shown",
        "decider",
        "decided",
    ]

    asked = moment("asked_at", _("Asked"))
    who = column("person", _("Person"), show=link)
    job_shown = column("get_job_display", _("Job"), show=lambda words: words())
    why = column("reason", _("Reason"))
    asker = column("asked_by", _("Asked by"), show=link)
    decider = column("decided_by", _("Decided by"), show=link)
    decided = moment("decided_at", _("Decided"))

    @display(description=_("State"))
    def state_shown(self, request: JobRequest) -> str:
        over = request.state == JobRequestState.OPEN and request.is_over(at=timezone.now())
        state = JobRequestState.LAPSED if over else JobRequestState(request.state)
        return badge(state.label, TONES[state])

    def has_decide_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return rights.may("users.role", job=request.user.job)

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> list[Any]:
        """Only what she may decide; the one who asked may still take it back."""
        row = JobRequest.objects.filter(pk=object_id, state=JobRequestState.OPEN).first()
        if row is None or row.is_over(at=timezone.now()) or request.user.pk == row.person_id:
            return []
        found = super().get_actions_detail(request, object_id)
        own = request.user.pk == row.asked_by_id
        return [one for one in found if not own or one.action_name.endswith("_decline")]

    @action(
        description=_("Agree"),
        permissions=["decide"],
        dialog={
            "title": _("Agree that she gets this role"),
            "description": _("She gets it at once. You answer for it with the one who asked."),
            "form_class": AgreeDialog,
            "form_submit_text": _("Agree"),
        },
    )
    def agree(self, request: HttpRequest, form: AgreeDialog, object_id: str) -> HttpResponse:
        def give(row: JobRequest) -> None:
            services.confirm_job(request_id=row.pk, by=request.user, at=timezone.now())

        return self._decide(request, object_id, give)

    @action(
        description=_("Decline"),
        permissions=["decide"],
        dialog={
            "title": _("Decline this request"),
            "description": _("Nothing changes for the person."),
            "form_class": DeclineDialog,
            "form_submit_text": _("Decline"),
        },
    )
    def decline(self, request: HttpRequest, form: DeclineDialog, object_id: str) -> HttpResponse:
        def refuse(row: JobRequest) -> None:
            reason = form.cleaned_data["reason"]
            services.decline_job(
                request_id=row.pk, by=request.user, reason=reason, at=timezone.now()
            )

        return self._decide(request, object_id, refuse)

    def _decide(
        self, request: HttpRequest, object_id: str, decision: Callable[[JobRequest], None]
    ) -> HttpResponse:
        row = self.get_object(request, object_id)
        url = reverse("admin:accounts_jobrequest_changelist")
        if row is not None:
            url = reverse("admin:accounts_jobrequest_change", args=[row.pk])
            away = freshness.stale(request, "users.role", back=url)
            if away:
                return away
            try:
                decision(row)
            except Refused as refused:
                messages.error(request, str(refused))
        return HttpResponseClientRedirect(url) if request.htmx else redirect(url)
