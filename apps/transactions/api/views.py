"""The till's API: sales, quotes, returns, totals."""

import functools
import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts import rights
from apps.accounts.models import User
from apps.accounts.permissions import Can
from apps.accounts.queries import person, person_with_phone
from apps.accounts.rules import normalize_phone
from apps.accounts.services import PhoneInvalid, read_card_token
from apps.businesses.models import Business, Location
from apps.businesses.queries import partner
from apps.core import throttle
from apps.core.errors import Invalid, NotFound, Refused, TooMany
from apps.core.http.idempotency import idempotent
from apps.core.http.views import ApiViewSet
from apps.loyalty.queries import balance_of
from apps.transactions import queries, rules, services
from apps.transactions.api.filters import SaleFilter
from apps.transactions.api.serializers import (
    RefundAnswerOut,
    RefundIn,
    SaleDetailOut,
    SaleIn,
    SaleLineOut,
    SaleOut,
    SaleQuoteOut,
    SpendCodeIn,
    SpendCodeOut,
    SpendConfirmIn,
    SpendProofOut,
    SummaryOut,
    sale_data,
)
from apps.transactions.models import Source, Transaction

KEY = OpenApiParameter("Idempotency-Key", str, "header", required=True)
PERIOD = [OpenApiParameter("from", datetime), OpenApiParameter("to", datetime)]
QUOTED = (
    "amount",
    "discount",
    "bonus_spent",
    "to_pay",
    "bonus_accrued",
    "most_spendable",
    "pending_until",
)
WRONG_CODES, WRONG_CODES_WINDOW = 10, 15 * 60  # hold codes that one person may get wrong


class MemberUnknown(Invalid):
    field = "member"
    message = _("There is no such member.")


def _sale_key(request: Request) -> str:
    """The sale's own key: whole, however long the caller's key is."""
    given = f"{request.user.pk}:{request.headers['Idempotency-Key']}"
    return "api:" + hashlib.sha256(given.encode()).hexdigest()


def _items(asked: dict[str, Any]) -> list[services.Item]:
    return [services.Item(**item) for item in asked.get("items", [])]


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as broken:
        raise NotFound from broken


@contextmanager
def refused_is_asked(view: "SaleViewSet") -> Iterator[None]:
    """A sale that comes about is known by its record. One that is refused tells as much about a
    phone as a search, so it counts as one: over the limit the refusal itself is not told."""
    try:
        yield
    except Refused as refused:
        if view.by_phone and not isinstance(refused, TooMany):
            view.may_ask(*view.by_phone)
        raise


def told_apart(action: Callable[..., Response]) -> Callable[..., Response]:
    """Stands outside of the sale's transaction: what must stay after it was rolled back. Wrong
    codes of holds and coupons are counted, an attempt to sell to oneself is written down."""

    @functools.wraps(action)
    def wrapped(view: Any, request: Request, *args: Any, **kwargs: Any) -> Response:
        name, whose = "spend.code", str(request.user.pk)
        said: Any = request.data if isinstance(request.data, dict) else {}
        if said.get("spend") and throttle.used(name, whose) >= WRONG_CODES:
            raise TooMany(retry_after=WRONG_CODES_WINDOW)
        try:
            with (
                services.guesses_counted(by=request.user, codes=said.get("coupon_codes")),
                refused_is_asked(view),
            ):
                return action(view, request, *args, **kwargs)
        except services.RedemptionCodeWrong:
            throttle.hit(name, whose, WRONG_CODES, WRONG_CODES_WINDOW)
            raise
        except services.NotAtOwnTill:
            business = Business.objects.get(pk=said["business_id"])
            services.flag_self_sale(business=business, by=request.user, at=timezone.now())
            raise

    return wrapped


class SaleViewSet(ApiViewSet):
    """Purchases: a member's own, or those of a business where the caller works."""

    permission_classes = [
        Can(
            list="transactions.list",
            retrieve="transactions.read",
            create="transactions.record",
            quote="transactions.quote",
            refund="transactions.refund",
            summary="transactions.summary",
            spend_code="transactions.spend_code",
            confirm_code="transactions.spend_code",
        )
    ]
    shared: ClassVar = {"create": ("business_id", "300/min")}
    queryset = Transaction.objects.none()
    filterset_class = SaleFilter
    page_by = "occurred_at"
    lookup_value_converter = "uuid"
    by_phone: tuple[Business, str] | None = None  # whom this sale asks about

    @extend_schema(responses=SaleLineOut(many=True), tags=["transactions"])
    def list(self, request: Request) -> Response:
        business_id = request.query_params.get("businessId")
        works_there = business_id and self._visible_business(business_id)
        if works_there:
            sales = queries.sales_at(works_there)
        else:
            sales = queries.own_sales(request.user)
        return self.page(sales, SaleLineOut)  # type: ignore[no-any-return]

    @extend_schema(responses=SaleDetailOut, tags=["transactions"])
    def retrieve(self, request: Request, pk: UUID) -> Response:
        sale = services.find_sale(sale_id=pk, user=request.user)
        return Response(SaleDetailOut(sale).data)

    @extend_schema(
        request=SaleIn, responses={201: SaleOut}, tags=["transactions"], parameters=[KEY]
    )
    @told_apart
    @idempotent
    def create(self, request: Request) -> Response:
        asked = self.read(SaleIn)
        business = self._business(asked["business_id"])
        at = timezone.now()
        member, spend = self._who(asked, business, at=at)
        sale = services.record_purchase(
            business=business,
            member=member,
            amount=asked["amount"],
            occurred_at=asked.get("occurred_at") or at,
            by=request.user,
            key=_sale_key(request),
            source=Source.API,
            receipt_number=asked["receipt_number"],
            location=self._location(business, asked.get("location_id")),
            items=_items(asked),
            spend=spend,
            coupon_codes=asked.get("coupon_codes", []),
            price=asked["price_token"],
            is_all=True,
        )
        available = balance_of(member.pk, at=timezone.now()).available
        answer = sale_data(
            sale, first_name=member.first_name, tier=member.tier.code, available=available
        )
        return Response(answer, status=201)

    @extend_schema(request=SaleIn, responses=SaleQuoteOut, tags=["transactions"])
    @told_apart
    def quote(self, request: Request) -> Response:
        asked = self.read(SaleIn)
        business = self._business(asked["business_id"])
        at = timezone.now()
        self._search(asked["member"], business)
        with transaction.atomic():  # a new member, a shown card: taken back with the rest
            member, spend = self._who(asked, business, at=at)
            quote = services.quote_purchase(
                business=business,
                member=member,
                amount=asked["amount"],
                at=asked.get("occurred_at") or at,
                by=request.user,
                items=_items(asked),
                spend=spend,
                coupon_codes=asked.get("coupon_codes", []),
            )
            transaction.set_rollback(True)
        answer = {field: getattr(quote, field) for field in QUOTED} | {
            "rate": f"{quote.rate_bp / 100:.2f}",
            "price_token": quote.price,
            "member": {
                "first_name": member.first_name,
                "status": quote.tier.code,
                "available": quote.available,
            },
        }
        return Response(SaleQuoteOut(answer).data)

    @extend_schema(
        request=RefundIn, responses={201: RefundAnswerOut}, tags=["transactions"], parameters=[KEY]
    )
    @idempotent
    def refund(self, request: Request, pk: UUID) -> Response:
        sale = services.find_sale(sale_id=pk, user=request.user)
        self.check_object_permissions(request, sale)
        asked = self.read(RefundIn)
        refund = services.refund_purchase(
            sale=sale,
            amount=asked.get("amount"),
            reason=asked["reason"],
            by=request.user,
            key=_sale_key(request),
            at=timezone.now(),
        )
        return Response(RefundAnswerOut(refund).data, status=201)

    @extend_schema(
        responses=SummaryOut,
        tags=["transactions"],
        parameters=[OpenApiParameter("businessId", UUID), *PERIOD],
    )
    def summary(self, request: Request) -> Response:
        """Her own purchases; with `businessId` the sales of a business she owns."""
        business_id = request.query_params.get("businessId")
        if business_id is None:
            return Response(
                SummaryOut(queries.summary_of(self._period(queries.own_sales(request.user)))).data
            )
        business = self._business(_uuid(business_id))
        sales = self._period(queries.sales_at(business))
        return Response(SummaryOut(queries.summary_of(sales, zone=business.zone)).data)

    @extend_schema(request=SpendCodeIn, responses=SpendCodeOut, tags=["transactions"])
    def spend_code(self, request: Request) -> Response:
        """Ask her by SMS whether she spends this much here."""
        asked = self.read(SpendCodeIn)
        business = self._business(asked["business_id"])
        self._search(asked["member"], business)
        sent = services.ask_by_sms(
            member=self._known(asked["member"]),
            business=business,
            amount=asked["amount"],
            by=request.user,
            at=timezone.now(),
        )
        return Response(SpendCodeOut(sent).data)

    @extend_schema(request=SpendConfirmIn, responses=SpendProofOut, tags=["transactions"])
    def confirm_code(self, request: Request) -> Response:
        """The code that she read out becomes a proof for one sale."""
        asked = self.read(SpendConfirmIn)
        business = self._business(asked["business_id"])
        self._search(asked["member"], business)
        proof = services.prove_by_sms(
            code_id=asked["code_id"],
            code=asked["code"],
            member=self._known(asked["member"]),
            business=business,
            amount=asked["amount"],
            by=request.user,
            at=timezone.now(),
        )
        life = int(rules.PROOF_LIFE.total_seconds())
        return Response(SpendProofOut({"proof": proof, "expires_in": life}).data)

    def _period(self, sales: Any) -> Any:
        return self.filter_queryset(sales)

    def _who(
        self, asked: dict[str, Any], business: Business, *, at: datetime
    ) -> tuple[User, services.Spend | None]:
        """The member, and how she pays with bonuses; a shown card is used up and confirms it."""
        said, proof = asked.get("spend"), ""
        if "card_token" in asked["member"]:
            token = asked["member"]["card_token"]
            member, proof = services.prove_by_card(
                token=token, business=business, by=self.request.user, at=at
            )
        elif "phone" in asked["member"]:
            phone = asked["member"]["phone"]
            self.by_phone = business, phone
            member, _new = services.enrol_member(phone=phone, by=self.request.user, at=at)
        else:
            member = self._known(asked["member"])
        if said is None:
            return member, None
        spend = services.Spend(
            amount=said.get("amount"),
            code=said.get("redemption_code", ""),
            proof=said.get("proof", proof),
            reason=said.get("reason", ""),
        )
        return member, spend

    def _search(self, asked: dict[str, Any], business: Business) -> None:
        """Outside of the transaction, whose rollback must not undo the counting."""
        if "phone" in asked:
            self.may_ask(business, asked["phone"])

    def may_ask(self, business: Business, phone: str) -> None:
        """Raises TooMany when she has asked about enough numbers."""
        number = normalize_phone(phone)
        by: Any = self.request.user
        if number is None:
            return  # refused for itself
        if wait := services.search_wait(by=by, business_id=business.pk, phone=number):
            raise TooMany(retry_after=wait)

    def _business(self, business_id: UUID) -> Business:
        found = partner(business_id)
        if found is None:
            raise NotFound
        self.check_object_permissions(self.request, found)
        return found

    def _visible_business(self, business_id: str) -> Business | None:
        """The business when the caller works there; None shows her own purchases there."""
        try:
            found = Business.objects.filter(pk=UUID(business_id)).first()
        except ValueError:
            return None
        allowed = found and self.request.user.has_perm(rights.SELL, found)
        return found if allowed else None

    @staticmethod
    def _location(business: Business, location_id: UUID | None) -> Location | None:
        if location_id is None:
            return None
        found = Location.objects.filter(pk=location_id, business=business).first()
        if found is None:
            raise NotFound
        return found

    @staticmethod
    def _known(asked: dict[str, Any]) -> User:
        if "id" in asked:
            found = person(asked["id"])
        elif "phone" in asked:
            phone = normalize_phone(asked["phone"])
            if phone is None:
                raise PhoneInvalid
            found = person_with_phone(phone)
        else:
            found = read_card_token(token=asked["card_token"], at=timezone.now())
        if found is None:
            raise MemberUnknown
        return found
