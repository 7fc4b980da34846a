"""Sign-in of staff, owners and admins: a password, then a code from an app.

Between the two pages nobody is signed in: the session only remembers whose password was right,
for ten minutes. Guesses are limited by login and by address.
"""

import time
from urllib.parse import urlencode

import segno
from django.contrib import auth
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.safestring import mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST
from django_otp import login as otp_login
from django_otp.models import Device

from apps.accounts import freshness
from apps.accounts import services as accounts
from apps.accounts.models import TOTPDevice, User
from apps.backoffice import services
from apps.backoffice.pages.access import is_ready
from apps.backoffice.pages.forms import CodeForm, SecondFactorForm, SigninForm
from apps.backoffice.pages.home import own_address
from apps.backoffice.pages.trust import device_of
from apps.core import throttle
from apps.core.context import caller
from apps.core.throttle import Bucket

WINDOW = 15 * 60  # seconds in which guesses are counted
BY_LOGIN, BY_ADDRESS, BY_CODE = 5, 10, 5
HALF_WAY = "half_signed_in"  # session key: whose password was right
HALF_WAY_AGE = 10 * 60


@never_cache
@sensitive_post_parameters("password")
def signin(request: HttpRequest) -> HttpResponse:
    """The first page: who are you, and the password."""
    next_url = request.POST.get("next") or request.GET.get("next", "")
    if is_ready(request):
        return redirect(own_address(request, next_url))
    if request.method == "GET" and "full" not in request.GET and device_of(request):
        return redirect("backoffice:pin")
    form = SigninForm(request.POST or None)
    problem = ""
    if request.method == "POST" and form.is_valid():
        user, problem = _check_password(request, **form.cleaned_data)
        if user:
            return second_step(request, user, own_address(request, next_url))
    status = 422 if form.is_bound else 200
    context = {"form": form, "problem": problem, "next": next_url}
    return render(request, "backoffice/signin.html", context, status=status)


def _check_password(request: HttpRequest, *, login: str, password: str) -> tuple[User | None, str]:
    """The person, or a sentence that does not tell which of the two was wrong."""
    by_login = Bucket("signin.login", _login_key(login), BY_LOGIN, WINDOW)
    by_address = Bucket("signin.address", caller().address or "", BY_ADDRESS, WINDOW)
    taken = throttle.take([by_login, by_address])
    if taken.wait:
        return None, _too_many(taken.wait)
    user = auth.authenticate(request, login=login, password=password)
    if user is None:
        return None, _("The phone or e-mail and the password do not match. Check both.")
    throttle.clear(by_login.name, by_login.key)
    throttle.give_back([by_address])  # a right password is no guess
    if not user.job:
        return None, _(
            "This place is for staff of the partners. Your membership is in the mobile app."
        )
    return user, ""


def _login_key(login: str) -> str:
    """One counter for one person, however she writes her phone."""
    if "@" in login:
        return login.strip().lower()
    return "".join(filter(str.isdecimal, login))[-10:] or login.strip().lower()


def _too_many(seconds: int) -> str:
    minutes = -(-seconds // 60)
    return ngettext(
        "Too many attempts. Wait %(minutes)d minute and try again; nothing is lost.",
        "Too many attempts. Wait %(minutes)d minutes and try again; nothing is lost.",
        minutes,
    ) % {"minutes": minutes}


def second_step(request: HttpRequest, user: User, next_url: str) -> HttpResponse:
    """Sign in at once, or ask for the code, or have the code set up."""
    has_device = TOTPDevice.objects.filter(user=user, confirmed=True).exists()
    if not has_device and not user.needs_second_factor:
        auth.login(request, user)
        services.note_sign_in(user=user, with_code=False)
        return redirect(next_url)
    request.session.cycle_key()
    request.session[HALF_WAY] = {
        "user": str(user.pk),
        "backend": user.backend,
        "at": time.time(),
        "next": next_url,
    }
    return redirect("backoffice:code" if has_device else "backoffice:setup")


def _half_way(request: HttpRequest) -> User | None:
    """Whose password was right, unless it was too long ago."""
    kept = request.session.get(HALF_WAY)
    if not kept or time.time() - kept["at"] > HALF_WAY_AGE:
        return None
    user = User.objects.filter(pk=kept["user"]).first()
    if user is None or not user.is_active:
        return None
    user.backend = kept["backend"]
    return user


def _finish(request: HttpRequest, user: User, device: Device) -> HttpResponse:
    next_url = request.session.pop(HALF_WAY)["next"]
    auth.login(request, user)  # a new session key: the half-way one opens nothing
    otp_login(request, device)
    freshness.note_confirmed(request)
    services.note_sign_in(user=user, with_code=True)
    throttle.clear("signin.code", str(user.pk))
    return redirect(next_url)


@never_cache
def code(request: HttpRequest) -> HttpResponse:
    """The second page: six digits from the app."""
    user = _half_way(request)
    if user is None:
        return redirect("backoffice:signin")
    form = SecondFactorForm(request.POST or None)
    problem = ""
    if request.method == "POST" and form.is_valid():
        problem = _code_limit(user)
        device = (
            None if problem else accounts.match_factor(user=user, code=form.cleaned_data["code"])
        )
        if device:
            return _finish(request, user, device)
        problem = problem or _("The code does not fit or was already used. Wait for the next one.")
    status = 422 if form.is_bound else 200
    return render(
        request, "backoffice/code.html", {"form": form, "problem": problem}, status=status
    )


def _code_limit(user: User) -> str:
    wait = throttle.hit("signin.code", str(user.pk), BY_CODE, WINDOW)
    return _too_many(wait) if wait else ""


@never_cache
def setup(request: HttpRequest) -> HttpResponse:
    """Owners and admins without a second factor set one up before anything opens."""
    user = _half_way(request)
    if user is None:
        return redirect("backoffice:signin")
    if TOTPDevice.objects.filter(user=user, confirmed=True).exists():
        return redirect("backoffice:code")
    form = CodeForm(request.POST or None)
    problem = ""
    if request.method == "POST" and form.is_valid():
        problem = _code_limit(user)
        device = (
            None if problem else services.confirm_device(user=user, code=form.cleaned_data["code"])
        )
        if device:
            onward = _finish(request, user, device)
            query = urlencode({"next": onward["Location"]})
            return redirect(f"{reverse('backoffice:recovery')}?{query}")
        problem = problem or _("The code does not fit. Check the clock of the phone and try again.")
    device = services.prepare_device(user=user)
    context = {"form": form, "problem": problem, "qr": _qr(device), "secret": _secret(device)}
    status = 422 if form.is_bound else 200
    return render(request, "backoffice/setup.html", context, status=status)


def _qr(device: TOTPDevice) -> str:
    """The address for the app as an SVG; its text is ours, so it is safe to show."""
    picture = segno.make(device.config_url, error="m", micro=False)
    svg = picture.svg_inline(scale=5, border=2, omitsize=True, dark="#241c24", light="#ffffff")
    return mark_safe(svg)  # noqa: S308 - drawn by us from digits and letters of the secret


def _secret(device: TOTPDevice) -> str:
    """The secret in groups of four, for typing by hand."""
    start = device.config_url.split("secret=", 1)[1].split("&", 1)[0]
    return " ".join(start[i : i + 4] for i in range(0, len(start), 4))


@require_POST
def signout(request: HttpRequest) -> HttpResponse:
    auth.logout(request)
    return redirect(reverse("backoffice:signin"))
