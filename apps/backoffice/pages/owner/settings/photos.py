"""Photos of a business: uploaded, put in order, removed; seen by guests in this order."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from apps.backoffice.pages.access import for_jobs
from apps.backoffice.pages.owner.frame import business_of, frame
from apps.backoffice.pages.owner.settings.parts import parts
from apps.backoffice.pages.owner.settings.profile import changed_by_others
from apps.businesses import photos as services
from apps.businesses.models import Business, Photo
from apps.core.errors import Refused


@for_jobs("pages.settings")
@require_http_methods(["GET", "POST"])
def photos(request: HttpRequest, slug: str) -> HttpResponse:
    business = business_of(request, slug)
    context = frame(request, business) | parts(business, "settings_photos")
    if request.method == "POST":
        try:
            _act(request, business)
        except services.Stale:
            business.refresh_from_db(fields=["photos"])
            context |= changed_by_others(business)
        except Refused as refused:
            context["refused"] = str(refused)
        else:
            return redirect("backoffice:settings_photos", slug=slug)
    ours = {
        services.address_of(one.pk): one
        for one in Photo.objects.filter(business=business).defer("body")
    }
    context |= {
        "shown": [(address, ours.get(address)) for address in business.photos],
        "most": services.MOST,
        "seen": "\n".join(business.photos),
    }
    status = 422 if request.method == "POST" else 200
    return render(request, "backoffice/owner/settings/photos.html", context, status=status)


def _act(request: HttpRequest, business: Business) -> None:
    seen = request.POST.get("seen", "").splitlines()
    if request.POST.get("act") == "add":
        file = request.FILES.get("photo")
        if file is None or (file.size or 0) > services.LARGEST_FILE:
            raise services.PhotoInvalid
        services.add_photo(
            business=business,
            file=file.read(),
            seen=seen,
            by=request.user,
            at=timezone.now(),
        )
        messages.success(request, _("The photo is added."))
        return
    act, _mark, address = request.POST.get("act", "").partition(" ")
    services.put_in_order(
        business=business, photos=_moved(seen, act, address), seen=seen, by=request.user
    )
    messages.success(request, _("Removed.") if act == "remove" else _("The order is changed."))


def _moved(seen: list[str], act: str, address: str) -> list[str]:
    """The list after one step; as it was when there is nothing to do."""
    if address not in seen:
        return seen
    place, rest = seen.index(address), [one for one in seen if one != address]
    if act == "remove":
        return rest
    new = max(0, place - 1) if act == "up" else place + 1
    return [*rest[:new], address, *rest[new:]]
