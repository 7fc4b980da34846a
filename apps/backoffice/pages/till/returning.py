"""A return: found by number or scan, whole or in part, with its effect said beforehand."""

from datetime import timedelta
from decimal import Decimal
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from apps.backoffice.pages.access import may_manage
from apps.backoffice.pages.forms import ReceiptForm, RefundForm
from apps.backoffice.pages.reading import digits_of, repaired
from apps.backoffice.pages.till.place import at_till, chosen, show
from apps.backoffice.pages.till.result import sale_of
from apps.core.errors import Refused
from apps.core.ids import new_id
from apps.transactions import rules, services
from apps.transactions.models import Refund, Transaction
from apps.transactions.queries import latest_sales, sale_by_end_of_id

SHOWN_FOR, SHOWN = timedelta(days=14), 10


@at_till
@require_http_methods(["GET", "POST"])
def find_return(request: HttpRequest) -> HttpResponse:
    """The number from the slip, or the slip itself under the scanner."""
    business = chosen(request)
    if business is None:
        return redirect("backoffice:till")
    form, problem = ReceiptForm(request.POST or None), ""
    if request.method == "POST" and form.is_valid():
        typed = form.cleaned_data["number"]
        end = rules.end_of_id(digits_of(typed) or repaired(typed.replace(" ", "")))
        sale = sale_by_end_of_id(business, end) if end else None
        if sale:
            return redirect("backoffice:return_sale", sale.pk)
        problem = _("There is no such operation here.")
    since = timezone.now() - SHOWN_FOR
    context = {
        "business": business,
        "form": form,
        "problem": problem,
        "sales": latest_sales(business, since=since, limit=SHOWN),
        "tab": "return",
    }
    wrong = problem or form.errors
    return show(request, "return", context, status=422 if wrong else 200)


@at_till
@require_http_methods(["GET", "POST"])
def return_sale(request: HttpRequest, sale_id: UUID) -> HttpResponse:
    """GET and `act=look` say what will happen, `act=return` does it."""
    sale = sale_of(request, sale_id)
    form = RefundForm(request.POST or None, initial={"key": new_id()})
    if request.method == "GET":
        return _return(request, sale, form, amount=None)
    if not form.is_valid():
        return _return(request, sale, form, amount=None)
    amount = form.cleaned_data["amount"]
    if request.POST.get("act") != "return":
        return _return(request, sale, form, amount=amount)
    try:
        services.refund_purchase(
            sale=sale,
            amount=amount,
            reason=form.cleaned_data["reason"],
            by=request.user,
            key=f"till:{form.cleaned_data['key']}",
            at=timezone.now(),
        )
    except Refused as refusal:
        return _return(request, sale, form, amount=amount, problem=str(refusal))
    return redirect("backoffice:sale", sale.pk)


def _return(
    request: HttpRequest,
    sale: Transaction,
    form: RefundForm,
    *,
    amount: Decimal | None,
    problem: str = "",
) -> HttpResponse:
    preview, told = _quoted(request, sale, amount)
    # What cannot be returned even whole has no form: nothing that she types would help.
    closed = told if amount is None else ("" if preview else _quoted(request, sale, None)[1])
    context = {
        "business": sale.business,
        "sale": sale,
        "form": form,
        "preview": preview,
        "problem": problem or ("" if form.errors else told),
        "closed": closed,
        "in_parts": may_manage(request.user, sale.business),
        "tab": "return",
    }
    part = request.headers.get("HX-Target") == "effect"
    wrong = bool(problem or form.errors or told)
    name = "_effect" if part else "return_sale"
    return show(request, name, context, status=422 if wrong and request.method == "POST" else 200)


def _quoted(
    request: HttpRequest, sale: Transaction, amount: Decimal | None
) -> tuple[Refund | None, str]:
    try:
        found = services.quote_refund(sale=sale, amount=amount, by=request.user, at=timezone.now())
    except Refused as refusal:
        return None, str(refusal)
    return found, ""
