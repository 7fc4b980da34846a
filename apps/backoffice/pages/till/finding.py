"""Step one: who. A phone, a card, a hold or a receipt becomes an operation."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_http_methods

from apps.accounts.models import User
from apps.accounts.queries import find_member
from apps.backoffice.pages.forms import FindForm
from apps.backoffice.pages.reading import Kind, Read
from apps.backoffice.pages.till.place import at_till, chosen, midnight, show
from apps.backoffice.pages.tokens import Operation
from apps.businesses.models import Business
from apps.core import throttle
from apps.core.errors import Refused
from apps.transactions import services
from apps.transactions.queries import (
    guests_by_digits,
    latest_sales,
    member_of_hold,
    sale_by_end_of_id,
)

MISSES, MISSES_WINDOW = 30, 15 * 60  # unknown phones a person may try: the till is no directory
LATEST = 5


@at_till
@require_GET
def start(request: HttpRequest) -> HttpResponse:
    return show_start(request, FindForm())


def show_start(
    request: HttpRequest, form: FindForm, *, problem: str = "", guests: list[User] | None = None
) -> HttpResponse:
    business = chosen(request)
    if business is None:
        return show(request, "nowhere", {"business": None}, status=403)
    since = midnight(business, at=timezone.now())
    context = {
        "business": business,
        "form": form,
        "problem": problem,
        "sales": latest_sales(business, by=request.user, since=since, limit=LATEST),
        "guests": [
            (one, Operation.begin(business_id=business.pk, member_id=one.pk).token(by=request.user))
            for one in guests or []
        ],
    }
    return show(request, "start", context, status=422 if problem or form.errors else 200)


@at_till
@require_http_methods(["GET", "POST"])
def find(request: HttpRequest) -> HttpResponse:
    """The text stays in the body, never in an address."""
    business = chosen(request)
    if request.method == "GET" or business is None:
        return redirect("backoffice:till")
    form = FindForm(request.POST)
    if not form.is_valid():
        return show_start(request, form)
    said: Read = form.cleaned_data["who"]
    if said.kind is Kind.SALE:
        return _receipt(request, business, form, said)
    if said.kind is Kind.NAME:
        return _guests(request, business, form, said)
    return _member(request, business, form, said)


def _member(request: HttpRequest, business: Business, form: FindForm, said: Read) -> HttpResponse:
    if said.kind is Kind.PHONE and (problem := _searched_enough(request.user, business, said.text)):
        return show_start(request, form, problem=problem)
    try:
        member, hold, proof = _who(request.user, business, said)
    except Refused as refusal:
        return show_start(request, form, problem=str(refusal))
    if member is None:
        return show_start(request, form, problem=_miss(request.user))
    if not member.is_active:
        return show_start(request, form, problem=_("Her card is paused: bonuses cannot be given."))
    operation = Operation.begin(
        business_id=business.pk, member_id=member.pk, hold=hold, proof=proof
    )
    return redirect("backoffice:operation", operation.token(by=request.user))


def _who(user: User, business: Business, said: Read) -> tuple[User | None, str, str]:
    """(member, the code of her hold, the proof that she stands here)."""
    if said.kind is Kind.HOLD:
        return member_of_hold(business, said.text, at=timezone.now()), said.text, ""
    if said.kind is Kind.TOKEN:
        member, proof = services.prove_by_card(
            token=said.text, business=business, by=user, at=timezone.now()
        )
        return member, "", proof
    return find_member(said.text), "", ""


def _receipt(request: HttpRequest, business: Business, form: FindForm, said: Read) -> HttpResponse:
    sale = sale_by_end_of_id(business, said.text)
    if sale is None:
        return show_start(request, form, problem=_("There is no such operation here."))
    return redirect("backoffice:sale", sale.pk)


def _guests(request: HttpRequest, business: Business, form: FindForm, said: Read) -> HttpResponse:
    """Guests of this very business by the end of the card; one opens at once, several to choose."""
    guests = guests_by_digits(business, digits=said.text, name=said.name)
    if not guests:
        return show_start(request, form, problem=_miss(request.user))
    if len(guests) > 1:
        return show_start(request, form, guests=guests)
    operation = Operation.begin(business_id=business.pk, member_id=guests[0].pk)
    return redirect("backoffice:operation", operation.token(by=request.user))


def _searched_enough(user: User, business: Business, phone: str) -> str:
    wait = services.search_wait(by=user, business_id=business.pk, phone=phone)
    return _too_many(wait) if wait else ""


def _miss(user: User) -> str:
    wait = throttle.hit("till.miss", str(user.pk), MISSES, MISSES_WINDOW)
    if not wait:
        return _(
            "There is no such member. Check the number or ask her to show the card in the app."
        )
    return _too_many(wait)


def _too_many(wait: int) -> str:
    minutes = -(-wait // 60)
    return ngettext(
        "Too many unknown numbers in a row. The search opens in %(minutes)d minute.",
        "Too many unknown numbers in a row. The search opens in %(minutes)d minutes.",
        minutes,
    ) % {"minutes": minutes}
