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
        "transactions/<uuid:pk>",
        SaleViewSet.as_view({"get": "retrieve"}),
        name="transactions-detail",
    ),
]
