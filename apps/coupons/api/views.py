from typing import Any
from uuid import UUID

from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.permissions import Can
from apps.businesses.models import Business, Role
from apps.businesses.queries import businesses_of, partners
from apps.core.errors import NotFound
from apps.core.http.idempotency import idempotent
from apps.core.http.views import ApiViewSet
from apps.coupons import queries, services
from apps.coupons.api.guesses import limited
from apps.coupons.api.serializers import (
    CampaignIn,
    CampaignOut,
    ClaimIn,
    CodeOut,
    CouponOut,
    CouponRedemptionOut,
    RedeemIn,
    StatsOut,
    ValidateIn,
    ValidateOut,
    draft_of,
    line_data,
)
from apps.coupons.enums import CouponState
from apps.coupons.models import Campaign, Coupon

KEY = [OpenApiParameter("Idempotency-Key", str, "header", required=True)]


class StateFilter(serializers.Serializer[Any]):
    state = serializers.ChoiceField(CouponState.choices, required=False)


class PlaceFilter(serializers.Serializer[Any]):
    businessId = serializers.UUIDField(required=False)


class CouponViewSet(ApiViewSet):
    """The caller's own coupons."""

    permission_classes = [Can("coupons.own", claim="coupons.claim")]
    queryset = Coupon.objects.none()
    page_by = "issued_at"
    lookup_value_converter = "uuid"

    def get_serializer_context(self) -> dict[str, Any]:
        return {**super().get_serializer_context(), "at": timezone.now()}

    @extend_schema(
        responses=CouponOut(many=True),
        tags=["coupons"],
        parameters=[OpenApiParameter("state", str, enum=CouponState.values)],
    )
    def list(self, request: Request) -> Response:
        asked = self.read_query(StateFilter)
        context = self.get_serializer_context()
        coupons = queries.wallet_of(request.user)
        if "state" in asked:
            coupons = coupons.in_state(asked["state"], at=context["at"])
        rows = self.paginate_queryset(coupons)
        services.mark_seen(coupons=rows, at=context["at"])
        return self.get_paginated_response(CouponOut(rows, many=True, context=context).data)

    @extend_schema(responses=CouponOut, tags=["coupons"])
    def retrieve(self, request: Request, pk: UUID) -> Response:
        coupon = queries.wallet_of(request.user).filter(pk=pk).first()
        if coupon is None:
            raise NotFound
        context = self.get_serializer_context()
        services.mark_opened(coupon=coupon, at=context["at"])
        return Response(CouponOut(coupon, context=context).data)

    @extend_schema(request=ClaimIn, responses={201: CouponOut}, tags=["coupons"], parameters=KEY)
    @limited
    @idempotent
    def claim(self, request: Request) -> Response:
        asked, context = self.read(ClaimIn), self.get_serializer_context()
        coupon = services.claim_promo(member=request.user, code=asked["code"], at=context["at"])
        return Response(CouponOut(coupon, context=context).data, status=201)


class TillViewSet(ApiViewSet):
    """Coupons in the hands of staff."""

    permission_classes = [Can(validate="coupons.validate", redeem="coupons.redeem")]

    @extend_schema(request=ValidateIn, responses=ValidateOut, tags=["coupons"])
    def validate(self, request: Request) -> Response:
        services.refuse_guesser(by=request.user)
        asked = self.read(ValidateIn)
        check = services.check_coupons(
            codes=[asked["code"]],
            business=self._business(asked["business_id"]),
            member=None,
            amount=asked.get("amount"),
            at=timezone.now(),
        )
        [line] = check.lines
        if line.reason == "unknown":
            services.count_guess(by=request.user)
        return Response(line_data(line))

    @extend_schema(
        request=RedeemIn, responses={201: CouponRedemptionOut}, tags=["coupons"], parameters=KEY
    )
    @limited
    @idempotent
    def redeem(self, request: Request) -> Response:
        asked = self.read(RedeemIn)
        redemption = services.redeem_at_till(
            business=self._business(asked["business_id"]),
            code=asked["code"],
            by=request.user,
            at=timezone.now(),
            sale_id=asked.get("transaction_id"),
            amount=asked.get("amount"),
        )
        return Response(CouponRedemptionOut(redemption).data, status=201)

    def _business(self, business_id: UUID) -> Business:
        found = partners().filter(pk=business_id).first()
        if found is None:
            raise NotFound
        self.check_object_permissions(self.request, found)
        return found


class CampaignViewSet(ApiViewSet):
    """Campaigns of the caller's businesses."""

    permission_classes = [Can("coupons.campaigns")]
    queryset = Campaign.objects.none()
    page_by = "created_at"
    lookup_value_converter = "uuid"

    @extend_schema(
        responses=CampaignOut(many=True),
        tags=["coupons"],
        parameters=[OpenApiParameter("businessId", str)],
    )
    def list(self, request: Request) -> Response:
        own = businesses_of(request.user, role=Role.OWNER)
        asked = self.read_query(PlaceFilter)
        if "businessId" in asked:
            own = own.filter(pk=asked["businessId"])
        return self.page(queries.campaigns_of(own), CampaignOut)  # type: ignore[no-any-return]

    @extend_schema(
        request=CampaignIn, responses={201: CampaignOut}, tags=["coupons"], parameters=KEY
    )
    @idempotent
    def create(self, request: Request) -> Response:
        asked = self.read(CampaignIn)
        business = partners().filter(pk=asked["business_id"]).first()
        if business is None:
            raise NotFound
        self.check_object_permissions(request, business)
        campaign = services.create_campaign(
            business=business, draft=draft_of(asked), by=request.user, at=timezone.now()
        )
        return Response(CampaignOut(campaign).data, status=201)

    @extend_schema(request=None, responses=CampaignOut, tags=["coupons"])
    def cancel(self, request: Request, pk: UUID) -> Response:
        campaign = services.find_campaign(campaign_id=pk, by=request.user)
        services.cancel_campaign(campaign=campaign, by=request.user, at=timezone.now())
        return Response(CampaignOut(campaign).data)

    @extend_schema(responses=StatsOut, tags=["coupons"])
    def stats(self, request: Request, pk: UUID) -> Response:
        campaign = services.find_campaign(campaign_id=pk, by=request.user)
        return Response(StatsOut(queries.stats_of(campaign, at=timezone.now())).data)

    @extend_schema(responses=CodeOut(many=True), tags=["coupons"])
    def codes(self, request: Request, pk: UUID) -> Response:
        """The codes themselves, to be printed or sent; a member's own coupon is hers alone."""
        campaign = services.find_campaign(campaign_id=pk, by=request.user)
        self.page_by = "issued_at"
        unbound = Coupon.objects.filter(campaign=campaign, member__isnull=True)
        return self.page(unbound, CodeOut)  # type: ignore[no-any-return]
