"""The till: find the member, enter the sum, see the result.

Every step is a plain form that answers with a redirect; htmx swaps the same steps in place.
Enter goes forward, Esc goes back (static/js/till.js).
"""

from dataclasses import dataclass
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from apps.accounts.models import User
from apps.accounts.queries import find_member
from apps.backoffice.pages.access import for_jobs, may_sell, mine
from apps.backoffice.pages.forms import AmountForm, FindForm
from apps.backoffice.pages.tokens import Operation
from apps.businesses.models import Business
from apps.core import throttle
from apps.core.errors import NotFound, Refused
from apps.loyalty.queries import balance_of
from apps.transactions import services
from apps.transactions.queries import latest_sales, sales_at

CHOSEN = "till_business"  # session key
MISSES, MISSES_WINDOW = 30, 15 * 60  # unknown phones a person may try: the till is no directory
LATEST = 5

at_till = for_jobs("pages.till")


# --- where she stands ---------------------------------------------------------------------------
def _open_businesses(request: HttpRequest) -> list[Business]:
    return [business for business in mine(request) if may_sell(request.user, business)]


def _chosen(request: HttpRequest) -> Business | None:
    businesses = _open_businesses(request)
    wanted = request.session.get(CHOSEN)
    return next(
        (business for business in businesses if str(business.pk) == wanted),
        businesses[0] if businesses else None,
    )


@at_till
@require_POST
def choose(request: HttpRequest) -> HttpResponse:
    """Remember at which of her businesses she stands."""
    wanted = request.POST.get("business", "")
    if any(str(business.pk) == wanted for business in _open_businesses(request)):
        request.session[CHOSEN] = wanted
    return redirect("backoffice:till")


def _show(
    request: HttpRequest, name: str, context: dict[str, Any], *, status: int = 200
) -> HttpResponse:
    """A whole page, or only the step when htmx swaps it."""
    part = request.htmx and not request.htmx.history_restore_request
    frame = "fragment" if part else "page"
    context |= {
        "frame": f"backoffice/till/{frame}.html",
        "businesses": _open_businesses(request),
        "choose_url": reverse("backoffice:till_business"),
    }
    response = render(request, f"backoffice/till/{name}.html", context, status=status)
    patch_vary_headers(response, ["HX-Request"])
    if status == 422:
        response["HX-Push-Url"] = "false"  # a refused form is no new place to go back to
    return response


# --- step one: who ------------------------------------------------------------------------------
@at_till
@require_GET
def start(request: HttpRequest) -> HttpResponse:
    return _start(request, FindForm())


def _start(request: HttpRequest, form: FindForm, *, problem: str = "") -> HttpResponse:
    business = _chosen(request)
    if business is None:
        return _show(request, "nowhere", {"business": None}, status=403)
    local = timezone.now().astimezone(ZoneInfo(business.zone))
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
    sales = latest_sales(business, by=request.user, since=midnight, limit=LATEST)
    context = {"business": business, "form": form, "problem": problem, "sales": sales}
    return _show(request, "start", context, status=422 if problem or form.errors else 200)


@at_till
@require_http_methods(["GET", "POST"])
def find(request: HttpRequest) -> HttpResponse:
    """A phone or a card becomes an operation. The text stays in the body, never in an address."""
    business = _chosen(request)
    if request.method == "GET" or business is None:
        return redirect("backoffice:till")
    form = FindForm(request.POST)
    if not form.is_valid():
        return _start(request, form)
    member = find_member(form.cleaned_data["who"])
    if member is None:
        return _start(request, form, problem=_miss(request.user))
    if not member.is_active:
        return _start(request, form, problem=_("Her card is paused: bonuses cannot be given."))
    operation = Operation.begin(business_id=business.pk, member_id=member.pk)
    return redirect("backoffice:operation", operation.token(by=request.user))


def _miss(user: User) -> str:
    wait = throttle.hit("till.miss", str(user.pk), MISSES, MISSES_WINDOW)
    if not wait:
        return _(
            "There is no such member. Check the number or ask her to show the card in the app."
        )
    minutes = -(-wait // 60)
    return ngettext(
        "Too many unknown numbers in a row. The search opens in %(minutes)d minute.",
        "Too many unknown numbers in a row. The search opens in %(minutes)d minutes.",
        minutes,
    ) % {"minutes": minutes}


# --- step two: how much -------------------------------------------------------------------------
@dataclass(frozen=True)
class Step:
    """What the second step knows: read from the signed address, checked against today's rights."""

    operation: Operation
    token: str
    business: Business
    member: User

    @property
    def key(self) -> str:
        return str(self.operation.key)


def _step(request: HttpRequest, token: str) -> Step:
    """Raises Refused when the address is stale or the business is not hers any more."""
    operation = Operation.read(token, by=request.user)
    business = next(
        (one for one in _open_businesses(request) if one.pk == operation.business_id), None
    )
    member = User.objects.filter(pk=operation.member_id).select_related("tier").first()
    if business is None or member is None:
        raise Http404
    return Step(operation=operation, token=token, business=business, member=member)


@at_till
@require_http_methods(["GET", "POST"])
def operation(request: HttpRequest, token: str) -> HttpResponse:
    """Show the member and ask for the sum; POST records the sale."""
    try:
        step = _step(request, token)
    except Refused as refusal:
        return _start(request, FindForm(), problem=str(refusal))
    if request.method == "GET":
        # After a reload or the back button the operation may be over: then show how it ended.
        done = sales_at(step.business).filter(key=step.key).first()
        return (
            redirect("backoffice:sale", done.pk)
            if done
            else _operation(request, step, AmountForm())
        )
    form = AmountForm(request.POST)
    if not form.is_valid():
        return _operation(request, step, form)
    try:
        sale = services.record_purchase(
            business=step.business,
            member=step.member,
            amount=form.cleaned_data["amount"],
            occurred_at=timezone.now(),
            by=request.user,
            key=step.key,
            source="till",
        )
    except Refused as refusal:
        return _operation(request, step, form, problem=str(refusal))
    return redirect("backoffice:sale", sale.pk)


def _operation(
    request: HttpRequest,
    step: Step,
    form: AmountForm,
    *,
    problem: str = "",
    preview: object = None,
) -> HttpResponse:
    context = {
        "business": step.business,
        "member": step.member,
        "balance": balance_of(step.member.pk, at=timezone.now()),
        "step": step,
        "form": form,
        "problem": problem,
        "preview": preview,
    }
    return _show(request, "operation", context, status=422 if problem or form.errors else 200)


@at_till
@require_POST
def quote(request: HttpRequest, token: str) -> HttpResponse:
    """What the sum would cost and earn. Nothing is written."""
    try:
        step = _step(request, token)
    except Refused as refusal:
        return _start(request, FindForm(), problem=str(refusal))
    form, preview, problem = AmountForm(request.POST), None, ""
    unfinished = request.POST.get("amount", "").strip().rstrip(",.") == ""
    if not unfinished and form.is_valid():
        try:
            preview = services.quote_purchase(
                business=step.business,
                member=step.member,
                amount=form.cleaned_data["amount"],
                at=timezone.now(),
                by=request.user,
            )
        except Refused as refusal:
            problem = str(refusal)
    if not request.htmx:
        return _operation(request, step, form, problem=problem, preview=preview)
    context = {"form": None if unfinished else form, "problem": problem, "preview": preview}
    return render(request, "backoffice/till/_preview.html", context)


# --- step three: done ---------------------------------------------------------------------------
@at_till
@require_GET
def sale(request: HttpRequest, sale_id: UUID) -> HttpResponse:
    """The result, and the same page for looking back at it."""
    try:
        one = services.find_sale(sale_id=sale_id, user=request.user)
    except NotFound as unknown:
        raise Http404 from unknown
    context = {
        "business": one.business,
        "sale": one,
        "balance": balance_of(one.member_id, at=timezone.now()),
    }
    return _show(request, "sale", context)
