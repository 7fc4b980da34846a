"""The default of every view. Who may call is named by `apps.accounts.permissions.Can`."""

from typing import Any

from rest_framework.permissions import BasePermission


class Nobody(BasePermission):
    """The default: a forgotten declaration is a closed door, and an architecture test finds it."""

    def has_permission(self, request: Any, view: Any) -> bool:
        return False
