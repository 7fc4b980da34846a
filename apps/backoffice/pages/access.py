"""Who may open a page: signed in, with a job for it, and a second factor where the job asks."""

from collections.abc import Callable
from datetime import datetime
from functools import wraps
from urllib.parse import urlencode

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django_htmx.http import HttpResponseClientRedirect

from apps.accounts import freshness, rights
from apps.accounts.models import TrustedDevice, User
from apps.accounts.queries import live_device
from apps.businesses.models import Business
from apps.businesses.queries import businesses_of
from apps.events.watching import doors_of

BY_PIN = "by_pin"  # session key: the device of a PIN; no full sign-in
STAFF = "business_staff"
OWNER = "business_owner"
ADMINS = frozenset({"admin", "superadmin"})

View = Callable[..., HttpResponse]


def lacks_second_factor(request: HttpRequest) -> bool:
    """Money, other people's data and rights: a password alone does not open them."""
    return request.user.needs_second_factor and not request.user.is_verified()


def groups_of(user: User) -> rights.Who:
    """What she belongs to, by her job and by her tier."""
    return rights.held(job=user.job, tier=user.tier.code)


def is_ready(request: HttpRequest) -> bool:
    """Signed in as far as her job asks; without a job as a member who may propose or moderate."""
    user = request.user
    if not user.is_authenticated or lacks_second_factor(request):
        return False
    if not user.job and rights.VIP not in groups_of(user):
        return False
    return BY_PIN not in request.session or pin_device(request) is not None


def to_signin(request: HttpRequest) -> HttpResponse:
    """To the sign-in page and back. A part of a page cannot follow, so the whole page goes."""
    back = request.get_full_path()
    if request.htmx:
        back = request.htmx.current_url_abs_path or reverse("backoffice:home")
    url = f"{reverse('backoffice:signin')}?{urlencode({'next': back})}"
    return HttpResponseClientRedirect(url) if request.htmx else HttpResponseRedirect(url)


def for_jobs(action: str, *, hidden: bool = False) -> Callable[[View], View]:
    """Open a page to the jobs that the table of rights names for this action; to others it is
    refused, or `hidden`: does not exist.

    Pages with people on them are never kept by a browser.
    """
    row = rights.TABLE[action]

    def wrap(view: View) -> View:
        @wraps(view)
        @never_cache
        def guarded(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
            if not is_ready(request):
                return to_signin(request)
            if not row.opens_to(groups_of(request.user)):
                raise Http404 if hidden else PermissionDenied
            return freshness.stale(request, action) or view(request, *args, **kwargs)

        guarded.right = action  # type: ignore[attr-defined]  # the test matrix reads it
        return guarded

    return wrap


def mine(request: HttpRequest) -> list[Business]:
    """The businesses where she works or owns, asked once a request. By a PIN only the one whose
    till this computer is."""
    if not hasattr(request, "_my_businesses"):
        found = businesses_of(request.user)
        if BY_PIN in request.session:
            device = pin_device(request)
            found = found.filter(pk=device.business_id) if device else found.none()
        request._my_businesses = list(found)
    return request._my_businesses


def pin_device(request: HttpRequest) -> TrustedDevice | None:
    """The computer whose PIN signed her in, while it is trusted; asked once a request."""
    if not hasattr(request, "_pin_device"):
        request._pin_device = live_device(request.session[BY_PIN], at=timezone.now())
    return request._pin_device


def place_without_job(user: User, *, at: datetime) -> str:
    """Where a member without a job goes: a moderator to the proposals, whoever hosts an event to
    its door. Empty: the web has nothing for her."""
    if rights.may("pages.moderation", job=user.job, tier=user.tier.code):
        return reverse("backoffice:proposals")
    return reverse("backoffice:door") if doors_of(user, [], at=at).exists() else ""


def may_sell(user: User, business: Business) -> bool:
    return user.has_perm(rights.SELL, business)


def may_manage(user: User, business: Business) -> bool:
    return user.has_perm(rights.MANAGE, business)
