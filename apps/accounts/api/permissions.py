"""Who may call, by tier and by job. Rights at one business are in apps.businesses.api."""

from typing import Any

from rest_framework.permissions import BasePermission

from apps.accounts.enums import Job


class IsAdmin(BasePermission):
    def has_permission(self, request: Any, view: Any) -> bool:
        return getattr(request.user, "job", "") in (Job.ADMIN, Job.SUPERADMIN)


class IsStaffOrOwner(BasePermission):
    """Works somewhere, or is an admin; which business, the view checks by object."""

    def has_permission(self, request: Any, view: Any) -> bool:
        return bool(getattr(request.user, "job", ""))
