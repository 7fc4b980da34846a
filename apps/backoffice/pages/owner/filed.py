"""Files of lists: at once, or later with a message; with a fresh second factor either way."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from apps.accounts import freshness
from apps.backoffice import exports, spreadsheets
from apps.businesses.models import Business
from apps.core.errors import Refused


def file_of(
    request: HttpRequest, business: Business, *, kind: str, query: str, rows: int, at: Any
) -> HttpResponse:
    """The file itself, or past the limit an answer that a message will tell of it."""
    if away := freshness.stale(request, "pages.export"):
        return away
    if rows <= exports.AT_ONCE:
        exports.note_export(business=business, kind=kind, by=request.user)
        found = exports.rows_of(business, kind=kind, query=query, at=at)
        return spreadsheets.answer(found, f"{business.slug}-{kind}.csv")
    try:
        exports.ask_export(business=business, query=query, rows=rows, by=request.user, kind=kind)
    except Refused as refused:
        messages.error(request, str(refused))
    else:
        messages.success(
            request, _("The file is being made. A message tells you when it is ready.")
        )
    return redirect(f"{request.path}?{query}")
