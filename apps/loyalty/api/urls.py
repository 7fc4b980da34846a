from django.urls import path

from apps.loyalty.api.moving import AdjustmentViewSet, GiftViewSet
from apps.loyalty.api.offers import MemberOfferViewSet, OfferViewSet
from apps.loyalty.api.rewards import BadgeViewSet, ReferralViewSet
from apps.loyalty.api.settlement import SettlementViewSet
from apps.loyalty.api.views import LoyaltyViewSet, RedemptionViewSet

OFFER = "businesses/<uuid:business_id>/offers/<uuid:offer_id>"

urlpatterns = [
    path(
        "businesses/<uuid:business_id>/offers",
        OfferViewSet.as_view({"get": "list", "post": "create"}),
        name="business-offers",
    ),
    path(OFFER, OfferViewSet.as_view({"patch": "partial_update"}), name="business-offer"),
    path(f"{OFFER}/simulate", OfferViewSet.as_view({"post": "simulate"}), name="business-simulate"),
    path("loyalty/offers", MemberOfferViewSet.as_view({"get": "list"}), name="loyalty-offers"),
    path("loyalty/badges", BadgeViewSet.as_view({"get": "list"}), name="loyalty-badges"),
    path(
        "loyalty/referral",
        ReferralViewSet.as_view({"get": "retrieve", "post": "create"}),
        name="loyalty-referral",
    ),
    path("loyalty/quote", MemberOfferViewSet.as_view({"post": "quote"}), name="loyalty-quote"),
    path("loyalty/balance", LoyaltyViewSet.as_view({"get": "balance"}), name="loyalty-balance"),
    path("loyalty/history", LoyaltyViewSet.as_view({"get": "history"}), name="loyalty-history"),
    path("loyalty/expiring", LoyaltyViewSet.as_view({"get": "expiring"}), name="loyalty-expiring"),
    path("loyalty/status", LoyaltyViewSet.as_view({"get": "status"}), name="loyalty-status"),
    path("loyalty/tiers", LoyaltyViewSet.as_view({"get": "tiers"}), name="loyalty-tiers"),
    path(
        "loyalty/redemptions",
        RedemptionViewSet.as_view({"post": "create"}),
        name="loyalty-redemptions",
    ),
    path(
        "loyalty/redemptions/<uuid:pk>",
        RedemptionViewSet.as_view({"get": "retrieve", "delete": "destroy"}),
        name="loyalty-redemption",
    ),
    path(
        "loyalty/transfers",
        GiftViewSet.as_view({"get": "list", "post": "create"}),
        name="loyalty-transfers",
    ),
    path(
        "admin/users/<uuid:pk>/adjust",
        AdjustmentViewSet.as_view({"post": "create"}),
        name="admin-user-adjust",
    ),
    path(
        "admin/adjustments",
        AdjustmentViewSet.as_view({"get": "list"}),
        name="admin-adjustments",
    ),
    path(
        "admin/adjustments/<uuid:pk>/confirm",
        AdjustmentViewSet.as_view({"post": "confirm"}),
        name="admin-adjustment-confirm",
    ),
    path(
        "admin/adjustments/<uuid:pk>/decline",
        AdjustmentViewSet.as_view({"post": "decline"}),
        name="admin-adjustment-decline",
    ),
    path(
        "admin/settlement",
        SettlementViewSet.as_view({"get": "settlement"}),
        name="admin-settlement",
    ),
    path(
        "admin/liability",
        SettlementViewSet.as_view({"get": "liability"}),
        name="admin-liability",
    ),
]
