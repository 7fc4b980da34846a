"""What every page of the owner's place begins with: which business, and may she look."""

from typing import Any

from django.http import Http404, HttpRequest
from django.utils import timezone

from apps.backoffice.pages.access import OWNER, may_manage, mine
from apps.businesses.models import Business


def business_of(request: HttpRequest, slug: str) -> Business:
    """The business of the address. Raises Http404 for one that is not hers: she may not know
    that it exists."""
    business = next((one for one in mine(request) if one.slug == slug), None)
    if business is None or not may_manage(request.user, business):
        raise Http404
    return business


def frame(request: HttpRequest, business: Business) -> dict[str, Any]:
    """The context of the frame: the business, those she may switch to, the moment."""
    is_owner = request.user.job == OWNER
    managed = [one for one in mine(request) if may_manage(request.user, one)] if is_owner else []
    return {
        "business": business,
        "businesses": managed or [business],
        "now": timezone.now(),
        "may_sell": is_owner,
    }
