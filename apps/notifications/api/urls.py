from django.urls import path

from apps.notifications.api.broadcasts import BroadcastsViewSet
from apps.notifications.api.views import DevicesViewSet, InboxViewSet, PreferencesViewSet

urlpatterns = [
    path("users/me/devices", DevicesViewSet.as_view({"post": "create"}), name="users-me-devices"),
    path(
        "users/me/devices/<uuid:pk>",
        DevicesViewSet.as_view({"delete": "destroy"}),
        name="users-me-device",
    ),
    path(
        "users/me/notifications",
        InboxViewSet.as_view({"get": "list"}),
        name="users-me-notifications",
    ),
    path(
        "users/me/notifications/read",
        InboxViewSet.as_view({"post": "read_them"}),
        name="users-me-notifications-read",
    ),
    path(
        "users/me/notifications/preferences",
        PreferencesViewSet.as_view({"get": "retrieve", "put": "update"}),
        name="users-me-notification-preferences",
    ),
    path(
        "users/me/notifications/<uuid:pk>",
        InboxViewSet.as_view({"get": "retrieve"}),
        name="users-me-notification",
    ),
    path(
        "admin/broadcasts",
        BroadcastsViewSet.as_view({"get": "list", "post": "create"}),
        name="admin-broadcasts",
    ),
    path(
        "admin/broadcasts/<uuid:pk>",
        BroadcastsViewSet.as_view({"get": "retrieve"}),
        name="admin-broadcast",
    ),
    path(
        "admin/broadcasts/<uuid:pk>/approve",
        BroadcastsViewSet.as_view({"post": "approve"}),
        name="admin-broadcast-approve",
    ),
    path(
        "admin/broadcasts/<uuid:pk>/cancel",
        BroadcastsViewSet.as_view({"post": "cancel"}),
        name="admin-broadcast-cancel",
    ),
]
