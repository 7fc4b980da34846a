"""The second factor once more, before an act that wants a fresh one; then back to that act."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from apps.accounts import freshness
from apps.accounts import services as accounts
from apps.backoffice.pages.access import for_jobs
from apps.backoffice.pages.forms import SecondFactorForm
from apps.backoffice.pages.home import own_address
from apps.core.errors import Refused


@for_jobs("pages.confirm")
@require_http_methods(["GET", "POST"])
def confirm(request: HttpRequest) -> HttpResponse:
    next_url = own_address(request, request.POST.get("next") or request.GET.get("next", ""))
    form = SecondFactorForm(request.POST if request.method == "POST" else None)
    problem = ""
    if form.is_bound and form.is_valid():
        try:
            accounts.confirm_factor(
                user=request.user, code=form.cleaned_data["code"], at=timezone.now()
            )
        except Refused as refusal:
            problem = str(refusal)
        else:
            freshness.note_confirmed(request)
            return redirect(next_url)
    context = {"form": form, "problem": problem, "next": next_url}
    return render(request, "backoffice/confirm.html", context, status=422 if form.is_bound else 200)
