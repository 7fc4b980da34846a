"""The admin's own site: our sign-in page, a second factor always, and a looser policy of its own."""

from collections.abc import Callable
from typing import Any

from csp.decorators import csp_update
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, resolve_url
from django.utils.http import urlencode
from django.utils.translation import gettext_lazy as _
from unfold.sites import UnfoldAdminSite

from apps.backoffice.pages.access import is_ready
from apps.backoffice.pages.signin import signout

# The theme evaluates expressions in attributes and writes styles of its own (ADR 9). Scripts and
# everything else still come from our host only, and no other page has this policy.
LOOSER = {"script-src": ["'self'", "'unsafe-eval'"], "style-src": ["'self'", "'unsafe-inline'"]}


class AdminSite(UnfoldAdminSite):
    """Who enters: an admin or the superadmin by job, active, with the second factor shown."""

    index_title = _("Administration")

    def has_permission(self, request: HttpRequest) -> bool:
        user: Any = request.user
        return bool(user.is_active and user.is_staff and user.is_verified())

    def admin_view(self, view: Callable[..., Any], cacheable: bool = False) -> Callable[..., Any]:
        return csp_update(LOOSER)(super().admin_view(view, cacheable))

    def login(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """To the product's own sign-in and back. Others are told so instead of sent in a circle."""
        back = request.GET.get("next") or resolve_url(f"{self.name}:index")
        if self.has_permission(request):
            return redirect(f"{self.name}:index")
        if is_ready(request):
            raise PermissionDenied
        return redirect(f"{resolve_url('backoffice:signin')}?{urlencode({'next': back})}")

    def logout(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        return signout(request)

    def password_change(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Passwords are not changed here, not even one's own: there is no audit row for it."""
        raise Http404
