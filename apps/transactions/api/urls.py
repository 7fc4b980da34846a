from django.urls import path

from apps.transactions.api.views import SaleViewSet

urlpatterns = [
    path(
        "transactions",
        SaleViewSet.as_view({"get": "list", "post": "create"}),
        name="transactions",
    ),
    path("transactions/quote", SaleViewSet.as_view({"post": "quote"}), name="transactions-quote"),
    path(
        "transactions/summary",
        SaleViewSet.as_view({"get": "summary"}),
        name="transactions-summary",
    ),
    path(
        "transactions/spend-code",
        SaleViewSet.as_view({"post": "spend_code"}),
        name="transactions-spend-code",
    ),
    path(
        "transactions/spend-code/confirm",
        SaleViewSet.as_view({"post": "confirm_code"}),
        name="transactions-spend-confirm",
    ),
    path(
        "transactions/<uuid:pk>/refund",
        SaleViewSet.as_view({"post": "refund"}),
        name="transactions-refund",
    ),
    path(
        "transactions/<uuid:pk>",
        SaleViewSet.as_view({"get": "retrieve"}),
        name="transactions-detail",
    ),
]
