"""Balances moved by hand, with a second person above a limit; gifts and warnings, to be read."""

from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django_htmx.http import HttpResponseClientRedirect
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import action, display

from apps.accounts import freshness, rights
from apps.core.admin_base import ReadonlyAdmin, badge, column, days, link, moment, money
from apps.core.errors import Refused
from apps.core.ids import end_of
from apps.loyalty import services
from apps.loyalty.admin.ledger import CARD, operation_link
from apps.loyalty.models import Adjustment, AdjustmentState, Gift, Notice

TONES = {
    AdjustmentState.WAITING: "warn",
    AdjustmentState.DONE: "good",
    AdjustmentState.DECLINED: "quiet",
}


@admin.register(Adjustment)
class AdjustmentAdmin(ReadonlyAdmin):
    """Asked for at a wallet; here another admin decides."""

    list_display = ["number", "person", "bonuses", "state_shown", "who_asked", "asked", "reason"]
    list_filter = [("state", ChoicesDropdownFilter), days("asked_at", _("Asked"))]
    list_select_related = ["wallet__member", "asked_by", "decided_by", "journal"]
    search_fields = ["wallet__member__card_number__exact"]
    search_help_text = CARD
    ordering = ["-asked_at", "-id"]
    actions_detail = ["confirm", "decline"]
    fields = [
        "number",
        "person",
        "bonuses",
        "state_shown",
        "reason",
        "who_asked",
        "asked",
        "who_decided",
        "decided",
        "operation",
    ]

    number = column("number", _("Number"))
    person = column("wallet__member", _("Member"), show=link)
    bonuses = money("amount", _("Bonuses"))
    who_asked = column("asked_by", _("Asked by"), show=link)
    asked = moment("asked_at", _("Asked"))
    who_decided = column("decided_by", _("Decided by"), show=link)
    decided = moment("decided_at", _("Decided"))
    operation = column("journal", _("Operation"), show=operation_link)

    @display(description=_("State"))
    def state_shown(self, row: Adjustment) -> str:
        return badge(row.get_state_display(), TONES[AdjustmentState(row.state)])

    def has_decide_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return rights.may(services.ADJUST, job=request.user.job)

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> list[Any]:
        """Nothing to decide where it was decided, or for whoever asked."""
        waiting = Adjustment.objects.filter(pk=object_id, state=AdjustmentState.WAITING)
        open_to_her = waiting.exclude(asked_by=request.user.pk).exclude(wallet=request.user.pk)
        return super().get_actions_detail(request, object_id) if open_to_her.exists() else []

    @action(
        description=_("Carry out"),
        permissions=["decide"],
        dialog={
            "title": _("Carry out this adjustment"),
            "description": _("The bonuses move at once. It stays in the books with both names."),
            "form_submit_text": _("Carry out"),
        },
    )
    def confirm(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        return self._decide(request, object_id, is_confirmed=True)

    @action(
        description=_("Decline"),
        permissions=["decide"],
        dialog={
            "title": _("Decline this adjustment"),
            "description": _("Nothing moves."),
            "form_submit_text": _("Decline"),
        },
    )
    def decline(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        return self._decide(request, object_id, is_confirmed=False)

    def _decide(self, request: HttpRequest, object_id: str, *, is_confirmed: bool) -> HttpResponse:
        def decide() -> None:
            services.decide_adjustment(
                adjustment_id=object_id,
                is_confirmed=is_confirmed,
                by=request.user,
                at=timezone.now(),
            )

        url = reverse("admin:loyalty_adjustment_change", args=[object_id])
        away = freshness.stale(request, services.ADJUST, back=url)
        return away or decided(request, decide, url)


def decided(request: HttpRequest, decision: Callable[[], None], url: str) -> HttpResponse:
    """Carry a decision out, say a refusal in words, go back to the record."""
    try:
        decision()
    except Refused as refused:
        messages.error(request, str(refused))
    return HttpResponseClientRedirect(url) if request.htmx else redirect(url)


@admin.register(Gift)
class GiftAdmin(ReadonlyAdmin):
    """Without the words that came with it: they are for the receiver."""

    list_display = ["number", "giver", "getter", "bonuses", "when"]
    list_filter = [days("at", _("When"))]
    list_select_related = ["sender", "receiver", "sent", "received"]
    search_fields = ["sender__card_number__exact", "receiver__card_number__exact"]
    search_help_text = CARD
    ordering = ["-at", "-id"]
    fields = ["number", "giver", "getter", "bonuses", "when", "taken", "given"]

    number = column("pk", _("Number"), show=lambda pk: f"№{end_of(pk)}")
    giver = column("sender", _("From whom"), show=link)
    getter = column("receiver", _("To whom"), show=link)
    bonuses = money("amount", _("Bonuses"))
    when = moment("at", _("When"))
    taken = column("sent", _("Taken by"), show=operation_link)
    given = column("received", _("Given by"), show=operation_link)


@admin.register(Notice)
class NoticeAdmin(ReadonlyAdmin):
    list_display = ["person", "kind", "due", "days", "told"]
    list_display_links = ["kind"]
    list_filter = [("kind", ChoicesDropdownFilter), days("at", _("Warned"))]
    list_select_related = ["member"]
    search_fields = ["member__card_number__exact"]
    search_help_text = CARD
    ordering = ["-id"]
    fields = ["person", "kind", "due", "days", "told"]

    person = column("member", _("Member"), show=link)
    due = moment("due_at", _("What happens then"))
    told = moment("at", _("Warned"))
