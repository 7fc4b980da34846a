from django.urls import path

from apps.crosspromo.api.views import ChainViewSet, FiguresViewSet

urlpatterns = [
    path(
        "cross-promo/chains",
        ChainViewSet.as_view({"get": "list", "post": "create"}),
        name="chains",
    ),
    path(
        "cross-promo/chains/<uuid:pk>",
        ChainViewSet.as_view({"get": "retrieve", "patch": "partial_update"}),
        name="chain",
    ),
    path(
        "cross-promo/chains/<uuid:pk>/simulate",
        ChainViewSet.as_view({"post": "simulate"}),
        name="chain-simulate",
    ),
    path("cross-promo/win-win", FiguresViewSet.as_view({"get": "win_win"}), name="win-win"),
    path(
        "cross-promo/recommendations",
        FiguresViewSet.as_view({"get": "recommendations"}),
        name="recommendations",
    ),
]
