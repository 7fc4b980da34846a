"""Django authentication backends of the web: password sign-in, and rights by job."""

from typing import Any

from django.contrib.auth.backends import BaseBackend
from django.contrib.auth.hashers import make_password
from django.http import HttpRequest

from apps.accounts import rules
from apps.accounts.enums import Job
from apps.accounts.models import User

# What an admin may not do although admins may do the rest (security.md, the Django trap): roles are
# changed by the superadmin through a service, valuable rows by nobody.
ADMIN_NEVER = {"accounts.change_role"}
NOBODY = {
    f"{app}.{verb}_{model}"
    for app, model in (
        ("loyalty", "wallet"),
        ("loyalty", "journal"),
        ("loyalty", "lot"),
        ("loyalty", "posting"),
        ("loyalty", "debt"),
        ("core", "auditentry"),
        ("transactions", "transaction"),
    )
    for verb in ("add", "change", "delete")
}


class LoginBackend(BaseBackend):
    """Phone or e-mail with a password. Unknown names cost as much time as known ones."""

    def authenticate(
        self, request: HttpRequest | None, login: str = "", password: str = "", **_: Any
    ) -> User | None:
        if not login or not password:
            return None
        user = self._find(login)
        if user is None:
            make_password(password)
            return None
        return user if user.check_password(password) and user.is_active else None

    @staticmethod
    def _find(login: str) -> User | None:
        if "@" in login:
            return User.objects.with_email(login)
        phone = rules.normalize_phone(login)
        return User.objects.with_phone(phone) if phone else None

    def get_user(self, user_id: Any) -> User | None:
        user = User.objects.select_related("tier").filter(pk=user_id).first()
        return user if user and user.is_active else None


class JobBackend(BaseBackend):
    """Admin and superadmin by job. Rights at one business are guardian's (ADR 5)."""

    def has_perm(self, user_obj: Any, perm: str, obj: Any = None) -> bool:
        if not getattr(user_obj, "is_active", False) or perm in NOBODY:
            return False
        job = getattr(user_obj, "job", "")
        if job == Job.SUPERADMIN:
            return True
        return job == Job.ADMIN and perm not in ADMIN_NEVER

    def has_module_perms(self, user_obj: Any, app_label: str) -> bool:
        return bool(getattr(user_obj, "is_staff", False) and user_obj.is_active)
