from django.urls import path

from apps.accounts.api.views import AuthViewSet, MeViewSet

urlpatterns = [
    path("auth/send-code", AuthViewSet.as_view({"post": "send_code"}), name="auth-send-code"),
    path("auth/verify-code", AuthViewSet.as_view({"post": "verify_code"}), name="auth-verify-code"),
    path("auth/refresh", AuthViewSet.as_view({"post": "refresh"}), name="auth-refresh"),
    path(
        "users/me",
        MeViewSet.as_view({"get": "retrieve", "patch": "partial_update"}),
        name="users-me",
    ),
]
