"""The admin's page that shows a whole phone after a reason was written."""

from typing import Any, cast

from django import forms
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from unfold.decorators import display
from unfold.widgets import UnfoldAdminTextInputWidget

from apps.accounts import freshness, services
from apps.accounts.models import User
from apps.core.errors import Forbidden, Refused


class RevealForm(forms.Form):
    reason = forms.CharField(
        label=_("Reason"),
        help_text=_("At least 10 characters. Stays in the audit log with your name."),
        max_length=500,
        widget=UnfoldAdminTextInputWidget,
    )


class RevealPhone:
    """Mixed into the admin of people: the field `phone_reveal` and its page."""

    admin_site: Any

    @display(description=_("Whole phone"))
    def phone_reveal(self, user: User) -> str:
        if not user.phone_sealed:
            return "—"
        url = reverse("admin:accounts_user_reveal", args=[user.pk])
        return format_html('<a class="sk-list" href="{}">{}</a>', url, _("Show the phone"))

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(never_cache(self.reveal))
        own = [path("<uuid:pk>/phone/", view, name="accounts_user_reveal")]
        return own + super().get_urls()  # type: ignore[misc]

    def reveal(self, request: HttpRequest, pk: Any) -> HttpResponse:
        """GET asks for the reason; the number is shown once, in the answer to the POST."""
        person = get_object_or_404(User.objects.select_related("tier"), pk=pk)
        if not self.has_view_permission(request, person):  # type: ignore[attr-defined]
            raise PermissionDenied
        away = freshness.stale(request, "users.unmask")
        if away:
            return away
        form, phone = RevealForm(request.POST or None), ""
        if request.method == "POST" and form.is_valid():
            phone = self._phone(request, person, form)
        context = {
            **self.admin_site.each_context(request),
            "title": _("Whole phone"),
            "person": person,
            "form": form,
            "phone": phone,
            "opts": User._meta,
        }
        status = 422 if form.is_bound and not phone else 200
        return TemplateResponse(request, "admin/accounts/user/reveal.html", context, status=status)

    @staticmethod
    def _phone(request: HttpRequest, person: User, form: RevealForm) -> str:
        try:
            return services.reveal_phone(
                user=person,
                by=cast(User, request.user),
                reason=form.cleaned_data["reason"],
                at=timezone.now(),
            )
        except Forbidden as refused:
            raise PermissionDenied from refused
        except Refused as refused:
            form.add_error("reason", str(refused))
            return ""
