"""Sentences about events that several pages say."""

from django.utils.translation import gettext as _
from django.utils.translation import ngettext


def why_not(code: str, *, position: int, phase: str) -> str:
    """Why somebody in the line was not promoted, and what has to happen. `code` is that of
    `queries.why_waiting`, `phase` that of `rules.phase_of`."""
    if phase in ("closed", "live", "over"):
        return _("Registration is closed: nobody is promoted any more.")
    if code == "pair_needs_two":
        return _("Waits for two seats together: singles behind her may be asked first.")
    if code == "after_all_others":
        return _("Three penalty points or more: asked last, in the 24 hours before the start.")
    if code == "next":
        return _("She is next: the first free seat is offered to her.")
    ahead = position - 1
    words = ngettext("%(n)d person waits ahead of her.", "%(n)d people wait ahead of her.", ahead)
    return words % {"n": ahead}
