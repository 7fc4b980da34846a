"""The first password of an owner who was invited: by the link from her SMS.

The link is looked at without being used up, since messengers open links before people do; its
secret moves into the session at once, so that it stands in no address, history or Referer.
"""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from apps.accounts import services as accounts
from apps.accounts.models import User
from apps.backoffice.pages.access import is_ready
from apps.backoffice.pages.forms import FirstPasswordForm
from apps.backoffice.pages.signin import second_step
from apps.backoffice.pages.staff_signin import BACKEND
from apps.core import throttle
from apps.core.context import caller

KEPT = "first_password"  # session key: the secret of the link
LONGEST = 64
LOOKS, WINDOW = 60, 3600  # from one address


@never_cache
@sensitive_post_parameters("password")
@require_http_methods(["GET", "POST"])
def first_password(request: HttpRequest) -> HttpResponse:
    if key := request.GET.get("key", ""):
        request.session[KEPT] = key[:LONGEST]
        return redirect("backoffice:first_password")
    if is_ready(request):
        return redirect("backoffice:home")
    user = _invited(request)
    if user is None:
        return render(request, "backoffice/first_password.html", {"dead": True}, status=410)
    form = FirstPasswordForm(request.POST or None)
    problem = ""
    if request.method == "POST" and form.is_valid():
        try:
            person = accounts.set_first_password(
                token=request.session[KEPT],
                password=form.cleaned_data["password"],
                at=timezone.now(),
            )
        except accounts.PasswordWeak as weak:
            form.add_error("password", str(weak))
        except accounts.InvitationDead as dead:
            problem = str(dead)
        else:
            del request.session[KEPT]
            person.backend = BACKEND
            return second_step(request, person, reverse("backoffice:home"))
    context = {"form": form, "problem": problem, "invited": user}
    status = 422 if form.is_bound else 200
    return render(request, "backoffice/first_password.html", context, status=status)


def _invited(request: HttpRequest) -> User | None:
    kept = request.session.get(KEPT, "")
    if not kept or throttle.hit("invitation.look", caller().address or "", LOOKS, WINDOW):
        return None
    return accounts.invited_by_link(kept, at=timezone.now())
