from django.urls import path

from apps.loyalty.api.views import LoyaltyViewSet

urlpatterns = [
    path("loyalty/balance", LoyaltyViewSet.as_view({"get": "balance"}), name="loyalty-balance"),
    path("loyalty/history", LoyaltyViewSet.as_view({"get": "history"}), name="loyalty-history"),
    path("loyalty/expiring", LoyaltyViewSet.as_view({"get": "expiring"}), name="loyalty-expiring"),
]
