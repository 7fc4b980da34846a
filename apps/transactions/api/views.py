import hashlib
from typing import Any
from uuid import UUID

from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts import rights
from apps.accounts import rules as people
from apps.accounts.models import User
from apps.accounts.permissions import Can
from apps.accounts.services import PhoneInvalid, get_or_create_member
from apps.businesses.models import Business, Location
from apps.core.errors import Invalid, NotFound
from apps.core.http.idempotency import idempotent
from apps.core.http.views import ApiViewSet
from apps.loyalty.queries import balance_of
from apps.transactions import queries, services
from apps.transactions.api.filters import SaleFilter
from apps.transactions.api.serializers import QuoteIn, QuoteOut, SaleLineOut, SaleOut, sale_data
from apps.transactions.models import Source, Transaction


class MemberUnknown(Invalid):
    field = "member"
    message = _("There is no such member.")


def _sale_key(request: Request) -> str:
    """The sale's own key: whole, however long the caller's key is."""
    given = f"{request.user.pk}:{request.headers['Idempotency-Key']}"
    return "api:" + hashlib.sha256(given.encode()).hexdigest()


class SaleViewSet(ApiViewSet):
    """Purchases: a member's own, or those of a business where the caller works."""

    permission_classes = [
        Can(
            list="transactions.list",
            retrieve="transactions.read",
            create="transactions.record",
            quote="transactions.quote",
        )
    ]
    queryset = Transaction.objects.none()
    filterset_class = SaleFilter
    page_by = "occurred_at"
    lookup_value_converter = "uuid"

    @extend_schema(responses=SaleLineOut(many=True), tags=["transactions"])
    def list(self, request: Request) -> Response:
        business_id = request.query_params.get("businessId")
        works_there = business_id and self._visible_business(business_id)
        if works_there:
            sales = queries.sales_at(works_there)
        else:
            sales = queries.own_sales(request.user)
        return self.page(sales, SaleLineOut)  # type: ignore[no-any-return]

    @extend_schema(responses=SaleLineOut, tags=["transactions"])
    def retrieve(self, request: Request, pk: UUID) -> Response:
        sale = services.find_sale(sale_id=pk, user=request.user)
        return Response(SaleLineOut(sale).data)

    @extend_schema(
        request=QuoteIn,
        responses={201: SaleOut},
        tags=["transactions"],
        parameters=[OpenApiParameter("Idempotency-Key", str, "header", required=True)],
    )
    @idempotent
    def create(self, request: Request) -> Response:
        asked = self.read(QuoteIn)
        business = self._business(asked["business_id"])
        member = self._member(asked["member"], enrol=True)
        sale = services.record_purchase(
            business=business,
            member=member,
            amount=asked["amount"],
            occurred_at=asked.get("occurred_at") or timezone.now(),
            by=request.user,
            key=_sale_key(request),
            source=Source.API,
            receipt_number=asked["receipt_number"],
            location=self._location(business, asked.get("location_id")),
            items=[services.Item(**item) for item in asked.get("items", [])],
        )
        available = balance_of(member.pk, at=timezone.now()).available
        answer = sale_data(
            sale, first_name=member.first_name, tier=member.tier.code, available=available
        )
        return Response(answer, status=201)

    @extend_schema(request=QuoteIn, responses=QuoteOut, tags=["transactions"])
    def quote(self, request: Request) -> Response:
        asked = self.read(QuoteIn)
        business = self._business(asked["business_id"])
        member = self._member(asked["member"], enrol=False)
        quote = services.quote_purchase(
            business=business,
            member=member,
            amount=asked["amount"],
            at=asked.get("occurred_at") or timezone.now(),
            by=request.user,
        )
        return Response(
            {
                "amount": quote.amount,
                "discount": "0.00",
                "bonus_spent": "0.00",
                "to_pay": quote.to_pay,
                "bonus_accrued": quote.bonus_accrued,
                "rate": f"{quote.rate_bp / 100:.2f}",
                "member": {
                    "first_name": member.first_name,
                    "status": quote.tier.code,
                    "available": quote.available,
                },
            }
        )

    def _business(self, business_id: UUID) -> Business:
        found = Business.objects.filter(pk=business_id, is_network=False).first()
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
    def _member(asked: dict[str, Any], *, enrol: bool) -> User:
        if "id" in asked:
            found = User.objects.select_related("tier").filter(pk=asked["id"]).first()
            if found is None:
                raise MemberUnknown
            return found
        phone = people.normalize_phone(asked["phone"])
        if phone is None:
            raise PhoneInvalid
        known = User.objects.with_phone(phone)
        if known is None and not enrol:
            raise MemberUnknown
        return get_or_create_member(phone=phone, at=timezone.now())[0]
