from django.urls import path

from apps.coupons.api.views import CampaignViewSet, CouponViewSet, TillViewSet

urlpatterns = [
    path("coupons", CouponViewSet.as_view({"get": "list"}), name="coupons"),
    path("coupons/claim", CouponViewSet.as_view({"post": "claim"}), name="coupons-claim"),
    path("coupons/validate", TillViewSet.as_view({"post": "validate"}), name="coupons-validate"),
    path("coupons/redeem", TillViewSet.as_view({"post": "redeem"}), name="coupons-redeem"),
    path(
        "coupons/campaigns",
        CampaignViewSet.as_view({"get": "list", "post": "create"}),
        name="coupons-campaigns",
    ),
    path(
        "coupons/campaigns/<uuid:pk>/cancel",
        CampaignViewSet.as_view({"post": "cancel"}),
        name="coupons-campaign-cancel",
    ),
    path(
        "coupons/campaigns/<uuid:pk>/stats",
        CampaignViewSet.as_view({"get": "stats"}),
        name="coupons-campaign-stats",
    ),
    path(
        "coupons/campaigns/<uuid:pk>/codes",
        CampaignViewSet.as_view({"get": "codes"}),
        name="coupons-campaign-codes",
    ),
    path("coupons/<uuid:pk>", CouponViewSet.as_view({"get": "retrieve"}), name="coupon"),
]
