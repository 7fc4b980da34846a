"""Django authentication backends of the web: password sign-in, and rights by job."""

from typing import Any

from django.contrib.auth.backends import BaseBackend
from django.contrib.auth.hashers import make_password
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import HttpRequest
from guardian.backends import ObjectPermissionBackend

from apps.accounts import rights, rules
from apps.accounts.models import User
from apps.core import context, rows


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
    """Rights by job, as the table has them: no row, no right. Asked before guardian's backend,
    which holds the rights at one business (ADR 5); raising means that guardian is not asked."""

    def has_perm(self, user_obj: Any, perm: str, obj: Any = None) -> bool:
        if not getattr(user_obj, "is_active", False):
            raise PermissionDenied
        groups = rights.held(job=user_obj.job)
        if perm in rights.AT_BUSINESS:
            return rights.ADMIN in groups or _ask_guardian(user_obj, obj)
        row = rights.BY_PERM.get(perm)
        return bool(row and row.opens_to(groups))

    def has_module_perms(self, user_obj: Any, app_label: str) -> bool:
        if not getattr(user_obj, "is_active", False):
            return False
        groups = rights.held(job=user_obj.job)
        return any(
            row.opens_to(groups)
            for perm, row in rights.BY_PERM.items()
            if perm.startswith(f"{app_label}.")
        )


class MembershipBackend(ObjectPermissionBackend):  # type: ignore[misc]
    """What a membership granted at one business, in one statement: guardian's own way asks two and
    composes both anew, at each of the checks of a sale. Groups hold no such rights."""

    GRANTED = """
    SELECT 1 FROM guardian_userobjectpermission g JOIN auth_permission p ON p.id = g.permission_id
    WHERE g.user_id = %s AND g.object_pk = %s AND p.content_type_id = %s AND p.codename = %s
    """

    def has_perm(self, user_obj: Any, perm: str, obj: Any = None) -> bool:
        if perm not in rights.AT_BUSINESS or not isinstance(obj, Model):
            return bool(super().has_perm(user_obj, perm, obj))
        _app, _dot, codename = perm.partition(".")
        kind = ContentType.objects.get_for_model(obj)
        asked = [user_obj.pk, str(obj.pk), kind.pk, codename]
        granted = ("granted", *asked)
        return context.once(granted, lambda: rows.first(self.GRANTED, asked) is not None)


def _ask_guardian(user: Any, business: Any) -> bool:
    """False lets guardian decide. Without a job, or at a business that is suspended or closed,
    what a membership granted does not count."""
    if not user.job or not getattr(business, "grants_rights", True):
        raise PermissionDenied
    return False
