from django.urls import path

from apps.accounts.api.admin import AdminUsersViewSet
from apps.accounts.api.admin_lists import AuditLogViewSet, PeopleViewSet
from apps.accounts.api.phones import PhoneMoveViewSet, PhoneViewSet
from apps.accounts.api.privacy import PrivacyViewSet
from apps.accounts.api.views import (
    AuthViewSet,
    ConfirmViewSet,
    MeViewSet,
    MyCardViewSet,
    MySessionsViewSet,
    OverviewViewSet,
)

urlpatterns = [
    path("auth/send-code", AuthViewSet.as_view({"post": "send_code"}), name="auth-send-code"),
    path("auth/verify-code", AuthViewSet.as_view({"post": "verify_code"}), name="auth-verify-code"),
    path("auth/confirm", ConfirmViewSet.as_view({"post": "create"}), name="auth-confirm"),
    path("auth/refresh", AuthViewSet.as_view({"post": "refresh"}), name="auth-refresh"),
    path(
        "users/me",
        MeViewSet.as_view({"get": "retrieve", "patch": "partial_update", "delete": "destroy"}),
        name="users-me",
    ),
    path(
        "users/me/consents",
        PrivacyViewSet.as_view({"get": "consents", "put": "answer"}),
        name="users-me-consents",
    ),
    path("users/me/export", PrivacyViewSet.as_view({"get": "export"}), name="users-me-export"),
    path("users/me/phone", PhoneViewSet.as_view({"post": "ask"}), name="users-me-phone"),
    path(
        "users/me/phone/confirm",
        PhoneViewSet.as_view({"post": "confirm"}),
        name="users-me-phone-confirm",
    ),
    path(
        "users/me/phone/move",
        PhoneMoveViewSet.as_view({"get": "retrieve", "post": "ask", "delete": "destroy"}),
        name="users-me-phone-move",
    ),
    path(
        "users/me/phone/move/confirm",
        PhoneMoveViewSet.as_view({"post": "confirm"}),
        name="users-me-phone-move-confirm",
    ),
    path(
        "users/me/overview", OverviewViewSet.as_view({"get": "retrieve"}), name="users-me-overview"
    ),
    path("users/me/sessions", MySessionsViewSet.as_view({"get": "list"}), name="users-me-sessions"),
    path(
        "users/me/sessions/<str:session_id>",
        MySessionsViewSet.as_view({"delete": "destroy"}),
        name="users-me-session",
    ),
    path("users/me/card", MyCardViewSet.as_view({"get": "retrieve"}), name="users-me-card"),
    path("admin/users", PeopleViewSet.as_view({"get": "list"}), name="admin-users"),
    path("admin/users/<uuid:pk>", PeopleViewSet.as_view({"get": "retrieve"}), name="admin-user"),
    path("admin/audit-log", AuditLogViewSet.as_view({"get": "list"}), name="admin-audit-log"),
    path(
        "admin/users/<uuid:pk>/status",
        AdminUsersViewSet.as_view({"patch": "status"}),
        name="admin-user-status",
    ),
    path(
        "admin/users/<uuid:pk>/role",
        AdminUsersViewSet.as_view({"patch": "role"}),
        name="admin-user-role",
    ),
    path(
        "admin/users/<uuid:pk>/block",
        AdminUsersViewSet.as_view({"post": "block"}),
        name="admin-user-block",
    ),
    path(
        "admin/users/<uuid:pk>/unblock",
        AdminUsersViewSet.as_view({"post": "unblock"}),
        name="admin-user-unblock",
    ),
]
