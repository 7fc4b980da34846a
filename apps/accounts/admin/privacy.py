"""What people decided about their data, for whoever answers to them and to the law: read only.

Erasures name what was destroyed, never a value; addresses and proofs stay out of the lists.
"""

from typing import Any

from django.contrib import admin
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display

from apps.accounts.enums import RequestState
from apps.accounts.models import Consent, ConsentText, Erasure, PrivacyRequest
from apps.core.admin_base import (
    ReadonlyAdmin,
    badge,
    code,
    column,
    days,
    english,
    link,
    link_by_id,
    moment,
)
from apps.core.ids import short

STATES = {RequestState.OPEN: "warn", RequestState.DONE: "good", RequestState.TAKEN_BACK: "quiet"}


@admin.register(ConsentText)
class ConsentTextAdmin(ReadonlyAdmin):
    """Written once: a new wording is a new version, made by a migration."""

    list_display = ["purpose_shown", "number", "published"]
    ordering = ["purpose", "-version"]
    fields = ["purpose_shown", "number", "published", "in_russian", "in_english", "digest"]

    purpose_shown = column("get_purpose_display", _("Purpose"), show=lambda words: words())
    number = column("version", _("Version"), show=str)
    published = moment("published_at", _("Published"))
    in_russian = column("text_ru", _("In Russian"))
    in_english = column("text_en", _("In English"), show=english)
    digest = column("sha256", _("Digest of the text"), show=code)


PROOFS = {"session": _("signed in"), "code": _("by a code")}


def proof_shown(proof: str) -> str:
    """`вошла …A1B2C3` of `session:<id>`: how it is known to be her."""
    kind, _colon, pk = proof.partition(":")
    if kind not in PROOFS:
        return code(proof)
    return format_html("{} {}", PROOFS[kind], code(short(pk)))


@admin.register(Consent)
class ConsentAdmin(ReadonlyAdmin):
    list_display = ["when", "person", "purpose_shown", "answer", "text_version"]
    list_display_links = ["when"]
    list_filter = [("purpose", ChoicesDropdownFilter), days("at", _("Time"))]
    list_select_related = ["member"]
    search_fields = ["member__card_number__exact"]
    search_help_text = _("Whole card number")
    ordering = ["-id"]
    fields = ["when", "person", "purpose_shown", "answer", "text_version", "digest", "how", "where"]

    when = moment("at", _("Time"))
    person = column("member", _("Person"), show=link)
    purpose_shown = column("get_purpose_display", _("Purpose"), show=lambda words: words())
    text_version = column("version", _("Version of the text"), show=str)
    digest = column("text_sha256", _("Digest of the text"), show=code)
    how = column("proof", _("Proof"), show=proof_shown)
    where = column("address", _("Network address"))

    @display(description=_("Answer"))
    def answer(self, consent: Consent) -> str:
        return badge(_("given"), "good") if consent.given else badge(_("withdrawn"), "warn")


@admin.register(PrivacyRequest)
class PrivacyRequestAdmin(ReadonlyAdmin):
    """The queue with due days; a nightly job serves what is due (152-FZ art. 21)."""

    list_display = ["received", "person", "kind_shown", "state_shown", "due", "closed"]
    list_display_links = ["received"]
    list_filter = [("state", ChoicesDropdownFilter), days("due_at", _("Due"))]
    list_select_related = ["member"]
    ordering = ["-received_at", "-id"]
    fields = ["received", "person", "kind_shown", "state_shown", "due", "closed"]
    fields += ["closer", "said"]

    received = moment("received_at", _("Received"))
    person = column("member", _("Person"), show=link)
    kind_shown = column("get_kind_display", _("Kind"), show=lambda words: words())
    due = moment("due_at", _("Due"))
    closed = moment("closed_at", _("Closed"))
    closer = column("closed_by", _("Closed by"), show=link)
    said = column("answer", _("Answer"))

    @display(description=_("State"))
    def state_shown(self, request: PrivacyRequest) -> str:
        late = request.state == RequestState.OPEN and request.due_at < timezone.now()
        if late:
            return badge(_("overdue"), "bad")
        state = RequestState(request.state)
        return badge(state.label, STATES[state])


CAUSES = {
    "asked": _("she asked for it"),
    "withdrawn": _("she withdrew her consent"),
    "replayed": _("again, after a restore"),
}


@admin.register(Erasure)
class ErasureAdmin(ReadonlyAdmin):
    list_display = ["when", "who", "why", "ordered_by"]
    list_display_links = ["when"]
    list_filter = [days("at", _("Time"))]
    search_fields = ["person_id__exact"]
    search_help_text = _("Whole id of a person")
    ordering = ["-id"]
    fields = ["when", "who", "why", "ordered_by", "destroyed", "act"]

    when = moment("at", _("Time"))
    who = column("person_id", _("Person"), show=short)
    why = column("because", _("Cause"), show=lambda why: CAUSES.get(why) or code(why))
    act = column("digest", _("Digest of the act"), show=code)
    destroyed = column("fields", _("Destroyed"), show=lambda names: code(", ".join(names)))

    @display(description=_("Ordered by"))
    def ordered_by(self, erasure: Erasure) -> Any:
        return link_by_id("user", erasure.by_id) if erasure.by_id else _("the system")
