"""Permission classes that name who may call. A view without one serves nobody."""

from typing import Any

from rest_framework.permissions import BasePermission


class Nobody(BasePermission):
    """The default: a forgotten declaration is a closed door, and an architecture test finds it."""

    def has_permission(self, request: Any, view: Any) -> bool:
        return False


class Anyone(BasePermission):
    """Public: sign-in, the catalogue, health."""

    def has_permission(self, request: Any, view: Any) -> bool:
        return True


class SignedIn(BasePermission):
    """Any member; also whoever works here, for her own things."""

    def has_permission(self, request: Any, view: Any) -> bool:
        return bool(request.user and request.user.is_authenticated)
