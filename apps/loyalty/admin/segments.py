"""Lists of members that offers may address: filled by card numbers, taken out with a reason."""

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import AllValuesCheckboxFilter
from unfold.decorators import action
from unfold.forms import BaseDialogForm
from unfold.widgets import UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from apps.accounts import rights
from apps.core.admin_base import ReadonlyAdmin, code, column, days, link, moment, with_reason
from apps.loyalty import services
from apps.loyalty.admin.ledger import CARD
from apps.loyalty.admin.moving import decided
from apps.loyalty.models import SegmentEntry


class FillDialog(BaseDialogForm):
    code = forms.CharField(
        label=_("Segment"),
        help_text=_("As an offer names it: small Latin letters, digits, - and _."),
        max_length=40,
        widget=UnfoldAdminTextInputWidget,
    )
    cards = forms.CharField(
        label=_("Card numbers"),
        help_text=_("One in a line or with commas, at most 5 000."),
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 6}),
    )
    reason = forms.CharField(
        label=_("Reason"),
        help_text=_("At least 10 characters. Stays in the audit log with your name."),
        min_length=rights.REASON_LEAST,
        max_length=500,
        widget=UnfoldAdminTextInputWidget,
    )


@admin.register(SegmentEntry)
class SegmentEntryAdmin(ReadonlyAdmin):
    list_display = ["person", "segment", "added"]
    list_display_links = ["segment"]
    list_filter = [("code", AllValuesCheckboxFilter), days("added_at", _("Added"))]
    list_select_related = ["member"]
    search_fields = ["member__card_number__exact"]
    search_help_text = CARD
    ordering = ["-id"]
    fields = ["person", "segment", "added"]
    actions = ["take_out"]
    actions_list = ["fill"]

    person = column("member", _("Member"), show=link)
    segment = column("code", _("Segment"), show=code, ordering="code")
    added = moment("added_at", _("Added"))

    def has_fill_permission(self, request: HttpRequest, object_id: object = None) -> bool:
        return rights.may(services.SEGMENTS, job=request.user.job)

    @action(
        description=_("Fill a segment"),
        permissions=["fill"],
        dialog={
            "title": _("Fill a segment"),
            "description": _("Who is in the list already stays in it."),
            "form_class": FillDialog,
            "form_submit_text": _("Add"),
        },
    )
    def fill(self, request: HttpRequest, form: FillDialog) -> HttpResponse:
        def act() -> None:
            given = form.cleaned_data
            filled = services.fill_segment(
                code=given["code"],
                cards=given["cards"],
                reason=given["reason"],
                by=request.user,
                at=timezone.now(),
            )
            words = _("Added: %(added)s. There already: %(known)s. Unknown cards: %(unknown)s.")
            messages.success(request, words % vars(filled))

        return decided(request, act, reverse("admin:loyalty_segmententry_changelist"))

    @admin.action(description=_("Take out of the segment"), permissions=["fill"])
    @with_reason
    def take_out(self, request: HttpRequest, chosen: QuerySet[SegmentEntry], reason: str) -> None:
        ids = list(chosen.values_list("pk", flat=True))
        gone = services.leave_segments(entries=ids, by=request.user, reason=reason)
        messages.success(request, _("Taken out: %(count)s.") % {"count": gone})
