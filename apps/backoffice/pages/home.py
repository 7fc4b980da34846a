"""The first address, the help page and the choice of language."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.templatetags.static import static
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import check_for_language
from django.views.decorators.http import require_GET, require_POST

from apps.backoffice.pages.access import (
    ADMINS,
    OWNER,
    STAFF,
    is_ready,
    mine,
    place_without_job,
)

YEAR = 365 * 24 * 3600
THEME, THEMES = "theme", ("light", "dark")  # the cookie and what it may hold


@require_GET
def home(request: HttpRequest) -> HttpResponse:
    """Each job to its own place."""
    if not is_ready(request):
        return redirect("backoffice:signin")
    if request.user.job in ADMINS:
        return redirect("backoffice:control")
    if request.user.job == OWNER and (businesses := mine(request)):
        return redirect("backoffice:owner", businesses[0].slug)
    if not request.user.job:
        return redirect(place_without_job(request.user, at=timezone.now()) or "backoffice:door")
    return redirect("backoffice:till")


@require_GET
def favicon(request: HttpRequest) -> HttpResponse:
    """Browsers ask for it on pages that name no icon of their own."""
    return redirect(static("img/favicon.svg"), permanent=True)


@require_GET
def help_page(request: HttpRequest) -> HttpResponse:
    if not is_ready(request):
        return render(request, "backoffice/help.html")
    return render(request, "backoffice/help.html", {"at_till": request.user.job in (STAFF, OWNER)})


@require_POST
def choose_language(request: HttpRequest) -> HttpResponse:
    """Remember the language in a cookie. Anything unknown changes nothing."""
    response = HttpResponseRedirect(own_address(request, request.POST.get("next", "")))
    language = request.POST.get("language", "")
    if language in dict(settings.LANGUAGES) and check_for_language(language):
        response.set_cookie(
            settings.LANGUAGE_COOKIE_NAME,
            language,
            max_age=YEAR,
            secure=request.is_secure(),
            samesite="Lax",
        )
    return response


@require_POST
def choose_theme(request: HttpRequest) -> HttpResponse:
    """Remember light or dark in a cookie; neither is whatever the system says."""
    response = HttpResponseRedirect(own_address(request, request.POST.get("next", "")))
    theme = request.POST.get("theme", "")
    if theme in THEMES:
        response.set_cookie(THEME, theme, max_age=YEAR, secure=request.is_secure(), samesite="Lax")
    else:
        response.delete_cookie(THEME, samesite="Lax")
    return response


def own_address(request: HttpRequest, address: str) -> str:
    """The address if it is ours, else the start page: nobody is sent to a foreign host."""
    ours = url_has_allowed_host_and_scheme(
        address, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return address if ours else "/"
