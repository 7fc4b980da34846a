"""An owner's own codes into a campaign: a file is looked at first, then taken in once."""

import csv
import io
from collections.abc import Iterator
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from apps.backoffice import drafts
from apps.backoffice.models import DraftKind
from apps.backoffice.pages.access import for_jobs
from apps.backoffice.pages.owner.coupons import campaign_of
from apps.backoffice.pages.owner.frame import business_of, frame
from apps.businesses.models import Business
from apps.core.errors import NotFound, Refused
from apps.coupons import services
from apps.coupons.models import Campaign
from apps.coupons.services import CodesInvalid, Looked

LARGEST = 512 * 1024
ENCODINGS = ("utf-8-sig", "cp1251")  # as a Russian Excel writes


@for_jobs("coupons.campaigns")
@require_http_methods(["GET", "POST"])
def campaign_import(request: HttpRequest, slug: str, campaign_id: UUID) -> HttpResponse:
    business = business_of(request, slug)
    campaign = campaign_of(business, campaign_id)
    context = frame(request, business) | {"campaign": campaign}
    if request.method == "POST":
        try:
            if request.POST.get("act") == "take":
                _take(request, campaign)
                return redirect("backoffice:campaign", slug=slug, campaign_id=campaign_id)
            looked = services.look_at_codes(_texts(request))
        except Refused as refused:
            context["refused"] = str(refused)
        else:
            context |= {"looked": looked, "draft": _kept(request, business, campaign, looked)}
    status = 422 if "refused" in context else 200
    return render(request, "backoffice/owner/coupons/import.html", context, status=status)


def _texts(request: HttpRequest) -> Iterator[str]:
    """The first column of the file, without its heading and empty lines."""
    file = request.FILES.get("codes")
    if file is None or not 0 < (file.size or 0) <= LARGEST:
        raise CodesInvalid
    body = file.read()
    for encoding in ENCODINGS:
        try:
            text = body.decode(encoding)
        except UnicodeDecodeError:
            continue
        break
    else:
        raise CodesInvalid
    if "\0" in text:
        raise CodesInvalid
    first, _mark, _rest = text.partition("\n")
    delimiter = max(";,\t", key=first.count)
    rows = csv.reader(io.StringIO(text), delimiter=delimiter)
    cells = [row[0].strip() for row in rows if row and row[0].strip()]
    has_heading = bool(cells) and not any(sign.isdigit() for sign in cells[0])
    return iter(cells[1:] if has_heading else cells)


def _kept(request: HttpRequest, business: Business, campaign: Campaign, looked: Looked) -> Any:
    """The good ones, kept until they are taken in."""
    if not looked.good:
        return None
    return drafts.begin(
        business=business,
        kind=DraftKind.CAMPAIGN,
        by=request.user,
        at=timezone.now(),
        data={"codes": list(looked.good)},
        subject=campaign.pk,
    )


def _take(request: HttpRequest, campaign: Campaign) -> None:
    try:
        draft_id = UUID(request.POST.get("draft", ""))
    except ValueError as wrong:
        raise NotFound from wrong
    draft = drafts.find(business=campaign.business, kind=DraftKind.CAMPAIGN, draft_id=draft_id)
    if draft.subject != campaign.pk:
        raise NotFound
    made = services.import_codes(
        campaign_id=campaign.pk, codes=draft.get("codes", []), by=request.user, at=timezone.now()
    )
    drafts.drop(draft=draft)
    messages.success(
        request,
        ngettext("%(n)d code is taken in.", "%(n)d codes are taken in.", made) % {"n": made},
    )
