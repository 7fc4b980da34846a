"""Registrations, votes, scans, penalties and moderation cases, to be read."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from unfold.contrib.filters.admin import BooleanRadioFilter, ChoicesDropdownFilter

from apps.accounts.enums import TierCode
from apps.core.admin_base import EMPTY, ReadonlyAdmin, column, days, link, moment
from apps.events.admin import guests
from apps.events.admin.inlines import (
    CaseColumns,
    PenaltyColumns,
    PenaltyInline,
    RegistrationColumns,
    ScanColumns,
    ScanOfGuestInline,
    StepInline,
)
from apps.events.models import Case, EventRegistration, Penalty, Scan, VoteRecord
from apps.events.models.voting import vote_words

CARD = _("Whole card number")


def tier_name(code: str) -> str:
    return str(dict(TierCode.choices).get(code, code))


def deposit_words(hold_id: object) -> str:
    return str(_("still set aside")) if hold_id else EMPTY


@admin.register(EventRegistration)
class EventRegistrationAdmin(RegistrationColumns, ReadonlyAdmin):
    list_display = ["since", "of_event", "person", "state_shown", "seats_shown", "spent", "back"]
    list_filter = [("state", ChoicesDropdownFilter), days("joined_at", _("Since"))]
    list_select_related = ["event", "member"]
    search_fields = ["member__card_number__exact"]
    search_help_text = CARD
    ordering = ["-joined_at", "-id"]
    inlines = [StepInline, ScanOfGuestInline, PenaltyInline]
    fieldsets = [
        (None, {"fields": ["of_event", "person", "state_shown", "seats_shown", "guests"]}),
        (_("Bonuses"), {"fields": ["spent", "back", "deposit_shown"]}),
        (_("Question to every guest"), {"fields": ["answer", "answered", "answered_by"]}),
        (_("Moments"), {"fields": ["since", "seated", "offered_until", "ended"]}),
        (_("Decisions"), {"fields": ["reason", "decisions"]}),
    ]

    of_event = column("event", _("Event"), show=link)
    seated = moment("seated_at", _("Confirmed"))
    offered_until = moment("offer_until", _("Offer until"))
    ended = moment("ended_at", _("Ended"))
    answered = moment("answered_at", _("Answered"))
    deposit_shown = column("hold_id", _("Deposit"), show=deposit_words)

    def get_queryset(self, request: HttpRequest) -> QuerySet[EventRegistration]:
        return super().get_queryset(request).prefetch_related("seats")

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(never_cache(self.decide))
        own = [path("<uuid:pk>/do/<slug:act>/", view, name="events_eventregistration_decide")]
        return own + super().get_urls()

    def decide(self, request: HttpRequest, pk: Any, act: str) -> HttpResponse:
        row = get_object_or_404(EventRegistration.objects.select_related("event", "member"), pk=pk)
        return guests.decide(self, request, row, act)


@admin.register(VoteRecord)
class VoteRecordAdmin(ReadonlyAdmin):
    """Weights as they were cast. Voters are named to admins alone, for a look at rings."""

    list_display = ["cast", "of_event", "person", "vote", "weight", "tier_shown", "counts"]
    list_filter = [days("cast_at", _("Cast"))]
    list_select_related = ["event", "voter"]
    search_fields = ["voter__card_number__exact"]
    search_help_text = CARD
    ordering = ["-cast_at", "-id"]
    fields = ["cast", "of_event", "person", "vote", "weight", "tier_shown", "counts"]

    cast = moment("cast_at", _("Cast"))
    of_event = column("event", _("Event"), show=link)
    person = column("voter", _("Voter"), show=link)
    vote = column("value", _("Vote"), show=vote_words)
    tier_shown = column("tier", _("Tier"), show=tier_name)
    counts = column("is_current", _("Counts"), show=bool, boolean=True)


@admin.register(Scan)
class ScanAdmin(ScanColumns, ReadonlyAdmin):
    list_display = ["on_device", "of_event", "guest", "result_shown", "device", "hand", "conflict"]
    list_filter = [
        ("result", ChoicesDropdownFilter),
        ("would_refuse", BooleanRadioFilter),
        ("is_double", BooleanRadioFilter),
        days("server_at", _("Server time")),
    ]
    list_select_related = ["event", "registration__member", "by"]
    search_fields = ["registration__member__card_number__exact"]
    search_help_text = CARD
    ordering = ["-server_at", "-id"]
    fields = ["of_event", "guest", "result_shown", "conflict", "on_device", "on_server"]
    fields += ["device", "clock_offset", "hand", "manual", "was_offline", "is_double", "reason"]

    of_event = column("event", _("Event"), show=link)


@admin.register(Penalty)
class PenaltyAdmin(PenaltyColumns, ReadonlyAdmin):
    list_display = ["given", "person", "of_event", "points", "cause", "lapses", "back"]
    list_filter = [days("given_at", _("Given"))]
    list_select_related = ["member", "registration__event"]
    search_fields = ["member__card_number__exact"]
    search_help_text = CARD
    ordering = ["-given_at", "-id"]
    fields = ["person", "of_event", "points", "cause", "given", "lapses", "back"]

    person = column("member", _("Member"), show=link)
    of_event = column("registration__event", _("Event"), show=link)


@admin.register(Case)
class CaseAdmin(CaseColumns, ReadonlyAdmin):
    """The queue and what was decided. Deciding is for the app and the control pages."""

    list_display = ["opened", "of_event", "decision_shown", "reason", "claimed", "who_decided"]
    list_display += ["decided"]
    list_filter = [("decision", ChoicesDropdownFilter), days("opened_at", _("Opened"))]
    list_select_related = ["event", "claimed_by", "decided_by"]
    ordering = ["-opened_at", "-id"]
    fields = ["of_event", "opened", "claimed", "decision_shown", "reason", "comment"]
    fields += ["who_decided", "decided"]

    of_event = column("event", _("Event"), show=link)
