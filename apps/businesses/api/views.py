"""The catalogue for everybody, a partner's page and staff for its owner, all partners for admins."""

from typing import Any
from uuid import UUID

import django_filters
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.models import User
from apps.accounts.permissions import Can
from apps.accounts.rules import normalize_phone
from apps.accounts.services import PhoneInvalid
from apps.businesses import queries, services
from apps.businesses.api.serializers import (
    BusinessLineOut,
    BusinessOut,
    CategoryOut,
    HireIn,
    MoveIn,
    OpenIn,
    PresentIn,
    StaffOut,
)
from apps.businesses.models import Business, Category, Membership, Role, State
from apps.core.errors import NotFound
from apps.core.http.etags import etag_of, revalidated, tags_of
from apps.core.http.filters import Filters
from apps.core.http.views import ApiViewSet

SAFE = ("GET", "HEAD", "OPTIONS")
IF_MATCH = OpenApiParameter("If-Match", str, OpenApiParameter.HEADER, description="ETag of the GET")


class BusinessFilter(Filters):
    category = django_filters.ChoiceFilter(choices=Category.choices)
    city = django_filters.CharFilter(lookup_expr="iexact")
    q = django_filters.CharFilter(method="by_words", label=_("part of the name or description"))

    class Meta:
        model = Business
        fields: list[str] = []

    def by_words(self, rows: QuerySet[Business], name: str, value: str) -> QuerySet[Business]:
        return rows.filter(Q(name__icontains=value) | Q(description__icontains=value))


class PartnerFilter(BusinessFilter):
    state = django_filters.ChoiceFilter(choices=State.choices)


def _tag(business: Business) -> str:
    return etag_of(BusinessOut(business).data)


class CatalogueViewSet(ApiViewSet):
    """Partners of the circle."""

    permission_classes = [
        Can(
            list="catalogue.read",
            retrieve="catalogue.read",
            categories="catalogue.read",
            partial_update="businesses.present",
        )
    ]
    queryset = Business.objects.none()
    filterset_class = BusinessFilter

    def get_authenticators(self) -> list[Any]:
        """The catalogue asks nobody who she is: a token that ended closes no shop window."""
        is_read = getattr(self.request, "method", "GET") in SAFE
        return [] if is_read else super().get_authenticators()

    @extend_schema(responses=BusinessOut(many=True), tags=["businesses"])
    @revalidated
    def list(self, request: Request) -> Response:
        return self.page(queries.catalogue(), BusinessOut)  # type: ignore[no-any-return]

    @extend_schema(responses=BusinessOut, tags=["businesses"])
    @revalidated
    def retrieve(self, request: Request, pk: UUID) -> Response:
        return self._shown(self._find(pk))

    @extend_schema(
        responses=CategoryOut(many=True), tags=["businesses"], filters=False, parameters=[]
    )
    @revalidated
    def categories(self, request: Request) -> Response:
        return Response(CategoryOut(queries.categories(), many=True).data)

    @extend_schema(
        request=PresentIn, responses=BusinessOut, tags=["businesses"], parameters=[IF_MATCH]
    )
    def partial_update(self, request: Request, pk: UUID) -> Response:
        """Description, hours, photos, the share of a bill payable with bonuses."""
        business = self._find(pk)
        self.check_object_permissions(request, business)
        seen = tags_of(request.headers.get("If-Match", ""))
        row = services.present_business(
            business=business,
            changes=self.read(PresentIn, partial=True),
            by=request.user,
            unchanged=lambda row: not seen or "*" in seen or _tag(row).strip('"') in seen,
        )
        return self._shown(row)

    def _find(self, pk: UUID) -> Business:
        business = queries.catalogue().filter(pk=pk).first()
        if business is None:
            raise NotFound
        return business

    @staticmethod
    def _shown(business: Business) -> Response:
        data = BusinessOut(business).data
        response = Response(data)
        response["ETag"] = etag_of(data)
        return response


class StaffViewSet(ApiViewSet):
    """Who works at a business where the caller is an owner."""

    permission_classes = [Can("staff.change")]
    queryset = Membership.objects.none()
    page_by = "started_at"

    @extend_schema(responses=StaffOut(many=True), tags=["businesses"])
    def list(self, request: Request, pk: UUID) -> Response:
        return self.page(queries.team_of(self._business(pk)), StaffOut)  # type: ignore[no-any-return]

    @extend_schema(request=HireIn, responses={201: StaffOut}, tags=["businesses"])
    def create(self, request: Request, pk: UUID) -> Response:
        business, asked = self._business(pk), self.read(HireIn)
        phone = normalize_phone(asked["phone"])
        if phone is None:
            raise PhoneInvalid
        hired = services.hire(
            business=business,
            phone=phone,
            role=Role(asked["role"]),
            by=request.user,
            at=timezone.now(),
        )
        return Response(StaffOut(hired).data, status=201)

    @extend_schema(responses={204: None}, tags=["businesses"])
    def destroy(self, request: Request, pk: UUID, user_id: UUID) -> Response:
        business = self._business(pk)
        person = User.objects.filter(pk=user_id).first()
        if person is None:
            raise NotFound
        services.remove_staff(business=business, user=person, by=request.user, at=timezone.now())
        return Response(status=204)

    def _business(self, pk: UUID) -> Business:
        business = queries.partners().filter(pk=pk).first()
        if business is None:
            raise NotFound
        self.check_object_permissions(self.request, business)
        return business


class PartnersViewSet(ApiViewSet):
    """All partners, for admins: let in, suspended, closed."""

    permission_classes = [
        Can(list="businesses.list", create="businesses.open", move="businesses.move")
    ]
    queryset = Business.objects.none()
    filterset_class = PartnerFilter

    @extend_schema(responses=BusinessLineOut(many=True), tags=["admin"])
    def list(self, request: Request) -> Response:
        rows = queries.partners().prefetch_related("locations")
        return self.page(rows, BusinessLineOut)  # type: ignore[no-any-return]

    @extend_schema(request=OpenIn, responses={201: BusinessLineOut}, tags=["admin"])
    def create(self, request: Request) -> Response:
        asked: dict[str, Any] = self.read(OpenIn)
        business = services.open_business(**asked, by=request.user)
        return Response(BusinessLineOut(business).data, status=201)

    @extend_schema(request=MoveIn, responses=BusinessLineOut, tags=["admin"])
    def move(self, request: Request, pk: UUID) -> Response:
        """Suspended or closed, its staff lose their rights there at once; the ledger stays."""
        business = queries.partners().filter(pk=pk).first()
        if business is None:
            raise NotFound
        asked = self.read(MoveIn)
        moved = services.move_business(
            business=business,
            state=State(asked["state"]),
            by=request.user,
            reason=asked.get("reason", ""),
        )
        return Response(BusinessLineOut(moved).data)
