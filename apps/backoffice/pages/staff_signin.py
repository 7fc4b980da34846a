"""Other ways in for staff, and for members who moderate or host an event: a code by SMS, and a PIN on a computer that is trusted; and the
recovery codes of those who have a second factor.

Owners and admins come by password and code app only (signin.py).
"""

from typing import Any
from uuid import UUID

from django.contrib import auth
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from apps.accounts import rules
from apps.accounts import services as accounts
from apps.accounts.enums import Purpose
from apps.accounts.models import TrustedDevice, User
from apps.backoffice.pages.access import (
    BY_PIN,
    STAFF,
    for_jobs,
    is_ready,
    may_sell,
    mine,
    place_without_job,
)
from apps.backoffice.pages.forms import PhoneForm, PinForm, PinSigninForm, SmsCodeForm
from apps.backoffice.pages.home import own_address
from apps.backoffice.pages.signin import second_step
from apps.backoffice.pages.trust import device_of, remember_device
from apps.businesses.models import Business
from apps.businesses.queries import staff_at
from apps.core.context import caller
from apps.core.errors import Refused

BACKEND = "apps.accounts.auth.LoginBackend"
SENT = "sms_code"  # session key: the code that was sent


def _asker(request: HttpRequest) -> accounts.Asker:
    return accounts.Asker(address=caller().address)


# --- a code by SMS -------------------------------------------------------------------------------
@never_cache
def sms(request: HttpRequest) -> HttpResponse:
    """Whoever types whatever phone gets the same next page; only staff get a message."""
    if is_ready(request):
        return redirect("backoffice:home")
    form = PhoneForm(request.POST or None)
    problem = ""
    if request.method == "POST" and form.is_valid():
        try:
            sent = accounts.send_code(
                phone=form.cleaned_data["phone"],
                at=timezone.now(),
                purpose=Purpose.STAFF_SIGN_IN,
                asker=_asker(request),
            )
        except Refused as refusal:
            problem = str(refusal)
        else:
            request.session[SENT] = str(sent.code_id)
            return redirect("backoffice:sms_code")
    context = {"form": form, "problem": problem}
    return render(request, "backoffice/sms.html", context, status=422 if form.is_bound else 200)


@never_cache
def sms_code(request: HttpRequest) -> HttpResponse:
    code_id = request.session.get(SENT)
    if not code_id:
        return redirect("backoffice:sms")
    form = SmsCodeForm(request.POST or None)
    problem = ""
    if request.method == "POST" and form.is_valid():
        user, problem = _check(request, UUID(code_id), form.cleaned_data["code"])
        if user:
            del request.session[SENT]
            return second_step(
                request, user, reverse(f"backoffice:{'till' if user.job else 'home'}")
            )
    context = {"form": form, "problem": problem}
    return render(
        request, "backoffice/sms_code.html", context, status=422 if form.is_bound else 200
    )


def _check(request: HttpRequest, code_id: UUID, code: str) -> tuple[User | None, str]:
    try:
        phone = accounts.check_code(
            code_id=code_id,
            code=code,
            purpose=Purpose.STAFF_SIGN_IN,
            at=timezone.now(),
            asker=_asker(request),
        )
    except Refused as refusal:
        return None, str(refusal)
    user = User.objects.with_phone(phone)
    if user is None or not user.is_active or user.job not in (STAFF, ""):  # changed since then
        return None, _("Sign in with your password.")
    if not user.job and not place_without_job(user, at=timezone.now()):
        return None, _("You host no event in the next two weeks. Your membership is in the app.")
    user.backend = BACKEND
    return user, ""


# --- a PIN on a trusted computer -----------------------------------------------------------------
@never_cache
@sensitive_post_parameters("pin")
def pin(request: HttpRequest) -> HttpResponse:
    """Names of those who work here, and a PIN."""
    if is_ready(request):
        return redirect("backoffice:till")
    device = device_of(request)
    business = Business.objects.filter(pk=device.business_id).first() if device else None
    if device is None or business is None:
        return redirect("backoffice:signin")
    people = [one for one in staff_at(business) if one.job == STAFF and may_sell(one, business)]
    form = PinSigninForm(request.POST or None)
    problem = ""
    if request.method == "POST" and form.is_valid():
        who = next((one for one in people if str(one.pk) == form.cleaned_data["who"]), None)
        problem = _enter_by_pin(request, device, who, form.cleaned_data["pin"])
        if not problem:
            return redirect("backoffice:till")
    context = {"form": form, "problem": problem, "people": people, "business": business}
    return render(request, "backoffice/pin.html", context, status=422 if form.is_bound else 200)


def _enter_by_pin(request: HttpRequest, device: TrustedDevice, who: User | None, typed: str) -> str:
    """Sign in; an empty string, or what went wrong."""
    if who is None:
        return _("Choose your name.")
    try:
        accounts.sign_in_with_pin(device=device, user=who, pin=typed, at=timezone.now())
    except Refused as refusal:
        return str(refusal)
    auth.login(request, who, backend=BACKEND)
    request.session[BY_PIN] = str(device.pk)
    return ""


@for_jobs("pages.till")
@sensitive_post_parameters("pin")
@require_http_methods(["GET", "POST"])
def device(request: HttpRequest) -> HttpResponse:
    """After a full sign-in: trust this computer, set one's own PIN, or trust it no longer."""
    if BY_PIN in request.session:
        raise PermissionDenied
    known = device_of(request)
    form, problem, done = PinForm(), "", ""
    if request.method == "POST":
        act = request.POST.get("act")
        if act == "trust":
            return _trust(request)
        if act == "forget" and known:
            accounts.forget_device(device=known, by=request.user, at=timezone.now())
            known = None
        if act == "pin":
            form = PinForm(request.POST)
            problem, done = _set_pin(request, form)
    context = {
        "form": form,
        "problem": problem,
        "done": done,
        "known": known,
        "businesses": [one for one in mine(request) if may_sell(request.user, one)],
        "may_have_pin": request.user.job == STAFF,
    }
    return render(request, "backoffice/device.html", context, status=422 if problem else 200)


def _set_pin(request: HttpRequest, form: PinForm) -> tuple[str, str]:
    if not form.is_valid():
        return str(form.errors["pin"][0]), ""
    try:
        accounts.set_pin(user=request.user, pin=form.cleaned_data["pin"], at=timezone.now())
    except Refused as refusal:
        return str(refusal), ""
    return "", _("The PIN is set.")


def _trust(request: HttpRequest) -> HttpResponse:
    wanted = request.POST.get("business", "")
    business = next((one for one in mine(request) if str(one.pk) == wanted), None)
    if business is None or not may_sell(request.user, business):
        raise PermissionDenied
    given = accounts.trust_device(
        business_id=business.pk,
        name=rules.browser_name(request.headers.get("User-Agent", "")),
        by=request.user,
        at=timezone.now(),
    )
    response = redirect("backoffice:device")
    remember_device(request, response, given)
    return response


# --- recovery codes ------------------------------------------------------------------------------
@never_cache
@require_http_methods(["GET", "POST"])
@for_jobs("pages.recovery")
def recovery(request: HttpRequest) -> HttpResponse:
    """Ten codes for the day the phone is lost: made and shown by a POST, once."""
    if not request.user.is_verified():
        return redirect("backoffice:signin")
    next_url = own_address(request, request.POST.get("next") or request.GET.get("next", ""))
    context: dict[str, Any] = {"next": next_url}
    if request.method == "POST":
        context["codes"] = accounts.new_recovery_codes(user=request.user)
    return render(request, "backoffice/recovery.html", context)
