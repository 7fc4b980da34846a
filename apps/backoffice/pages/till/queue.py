"""Sales that a device kept while the network was down. Each has its own key and comes once."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import orjson
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from apps.accounts.models import User
from apps.accounts.queries import card_in_hand, find_member
from apps.backoffice.pages.reading import Kind, read
from apps.backoffice.pages.till.place import at_till, open_businesses
from apps.backoffice.pages.tokens import Operation, read_queue_pass
from apps.businesses.models import Business
from apps.core.errors import Invalid, NotFound, Refused
from apps.core.money import parse_amount
from apps.transactions import services
from apps.transactions.models import Transaction

MOST_AT_ONCE = 50
QUEUE_LIFE = timedelta(hours=24)
MOST_OFFLINE = Decimal(30_000)  # ₽ of one sale that nobody could check


class QueueTooOld(Invalid):
    def __str__(self) -> str:
        return _("It waited longer than 24 hours.")


class OverOfflineLimit(Invalid):
    def __str__(self) -> str:
        return _("Without the network a sale is 30 000 ₽ at most.")


class MemberMissing(NotFound):
    def __str__(self) -> str:
        return _("There is no member with this phone or card.")


@at_till
@require_POST
def queue(request: HttpRequest) -> HttpResponse:
    """`{pass, sales: [{key, who | operation, amount, at}]}` → an answer a sale: done or refused
    with the reason. Whoever is signed in delivers; the sale carries the name of who sold."""
    try:
        body: Any = orjson.loads(request.body)
        business_id, person_id = read_queue_pass(body["pass"])
        sales = list(body["sales"])[:MOST_AT_ONCE]
    except Refused as stale:
        return JsonResponse({"problem": str(stale)}, status=409)
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return JsonResponse({"problem": "?"}, status=400)
    business = next((one for one in open_businesses(request) if one.pk == business_id), None)
    seller = User.objects.filter(pk=person_id).first()
    if business is None or seller is None:
        return JsonResponse({"problem": _("This device belongs to another till.")}, status=404)
    return JsonResponse({"sales": [_answer(business, seller, one) for one in sales]})


def _answer(business: Business, seller: User, said: Any) -> dict[str, str]:
    key = str(said.get("key", "")) if isinstance(said, dict) else ""
    try:
        sale = _deliver(business, seller, said)
    except Refused as refusal:
        return {"key": key, "state": "refused", "reason": str(refusal)}
    except (KeyError, ValueError, TypeError, AttributeError):
        return {"key": key, "state": "refused", "reason": "?"}
    return {"key": key, "state": "done", "sale": str(sale.pk)}


def _deliver(business: Business, seller: User, said: dict[str, Any]) -> Transaction:
    at = datetime.fromisoformat(said["at"])
    if at.tzinfo is None:
        raise ValueError("no zone")
    if timezone.now() - at > QUEUE_LIFE:
        raise QueueTooOld
    amount = parse_amount(said["amount"])
    if amount > MOST_OFFLINE:
        raise OverOfflineLimit
    member, key = _member(seller, said, at=at)
    return services.record_purchase(
        business=business,
        member=member,
        amount=amount,
        occurred_at=at,
        by=seller,
        key=key,
        source="till",
    )


def _member(seller: User, said: dict[str, Any], *, at: datetime) -> tuple[User, str]:
    """Whose sale it is, and its key: an operation that was already open keeps its own."""
    if said.get("operation"):
        operation = Operation.read(said["operation"], by=seller, queued=True)
        member = User.objects.select_related("tier").filter(pk=operation.member_id).first()
        if member is None:
            raise MemberMissing
        return member, str(operation.key)
    found, key = read(said["who"]), f"queue:{seller.pk}:{str(said['key'])[:40]}"
    if found is None:
        raise MemberMissing
    if found.kind is Kind.TOKEN:  # the card of that moment: the network was down since
        shown = card_in_hand(found.text, at=at, used_too=True)
        known = shown.user if shown else None
    elif found.kind is Kind.PHONE:
        known, _new = services.enrol_member(phone=found.text, by=seller, at=timezone.now())
    else:
        known = find_member(found.text) if found.kind is Kind.CARD else None
    if known is None or not known.is_active:
        raise MemberMissing
    return known, key
