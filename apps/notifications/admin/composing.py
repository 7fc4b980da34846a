"""The page of a new broadcast: written, counted, and only then sent."""

from dataclasses import dataclass
from typing import Any, cast

from django import forms
from django.core import signing
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanWidget,
)

from apps.accounts import rights
from apps.accounts.models import StatusTier, User
from apps.accounts.rules import sms_parts
from apps.businesses.models import Business, Category
from apps.core.errors import Refused
from apps.core.money import from_kopecks
from apps.notifications import segments, services
from apps.notifications.enums import Channel, Purpose
from apps.notifications.models import Broadcast, Provider
from apps.notifications.rules import SECOND_PERSON_ABOVE

ANY = ("", _("all"))
CLINICS = (Category.DENTAL, Category.MEDICAL)
STOP_LINE = "\n" + "x" * 45  # what every advert by SMS ends with, for the price
SALT = "notifications.counted"


class DayWidget(UnfoldAdminTextInputWidget):
    """The browser's own calendar."""

    input_type = "date"


class BroadcastForm(forms.Form):
    name = forms.CharField(
        label=_("Name"), help_text=_("For the list here; members do not see it."), max_length=80
    )
    purpose = forms.ChoiceField(
        label=_("purpose"),
        choices=Purpose.choices,
        initial=Purpose.ADVERTISING,
        help_text=_("Advertising leaves with consent only. A service message sells nothing."),
        widget=UnfoldAdminSelectWidget,
    )
    title_ru = forms.CharField(label=_("title in Russian"), max_length=120)
    body_ru = forms.CharField(
        label=_("text in Russian"),
        max_length=1000,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 4}),
    )
    title_en = forms.CharField(label=_("title in English"), max_length=120, required=False)
    body_en = forms.CharField(
        label=_("text in English"),
        max_length=1000,
        required=False,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 4}),
    )
    channels = forms.MultipleChoiceField(
        label=_("channels"),
        choices=Channel.choices,
        initial=[Channel.PUSH],
        help_text=_("Tried in this order: the first that reaches her carries it."),
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
    )
    tiers = forms.ModelMultipleChoiceField(
        label=_("tiers"),
        queryset=StatusTier.objects.order_by("position"),
        to_field_name="code",
        required=False,
        help_text=_("None chosen: all."),
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
    )
    city = forms.CharField(label=_("city"), max_length=60, required=False)
    locale = forms.ChoiceField(
        label=_("language"),
        choices=[ANY, ("ru", "Русский"), ("en", "English")],
        required=False,
        widget=UnfoldAdminSelectWidget,
    )
    joined_from = forms.DateField(label=_("joined from"), required=False, widget=DayWidget)
    joined_to = forms.DateField(label=_("joined until"), required=False, widget=DayWidget)
    has_app = forms.ChoiceField(
        label=_("has the app"),
        choices=[ANY, ("yes", _("yes")), ("no", _("no"))],
        required=False,
        widget=UnfoldAdminSelectWidget,
    )
    bought_at = forms.ModelChoiceField(
        label=_("bought at"),
        queryset=Business.objects.filter(is_network=False).exclude(category__in=CLINICS),
        required=False,
        empty_label=ANY[1],
        help_text=_("In the last twelve months. Clinics are never a reason to write."),
        widget=UnfoldAdminSelectWidget,
    )
    at_risk = forms.BooleanField(
        label=_("may leave"),
        required=False,
        help_text=_(
            "At high risk of leaving by the newest night. One in ten of them is never asked back: without her nobody would know what asking earns."
        ),
        widget=UnfoldBooleanWidget,
    )
    SEGMENT = (
        "tiers",
        "city",
        "locale",
        "joined_from",
        "joined_to",
        "has_app",
        "bought_at",
        "at_risk",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            if type(field.widget) is forms.TextInput:
                field.widget = UnfoldAdminTextInputWidget(attrs=field.widget.attrs)

    def clean(self) -> dict[str, Any]:
        given: dict[str, Any] = super().clean() or {}
        if given.get("body_en") and not given.get("title_en"):
            self.add_error("title_en", _("The text in English wants a title."))
        return given

    @property
    def message(self) -> list[forms.BoundField]:
        return [self[name] for name in self.fields if name not in self.SEGMENT]

    @property
    def whom(self) -> list[forms.BoundField]:
        return [self[name] for name in self.SEGMENT]

    @property
    def segment(self) -> dict[str, Any]:
        """As the API says it: words that narrow, and no others."""
        given = {name: self.cleaned_data[name] for name in self.SEGMENT}
        found = {name: str(value) for name, value in given.items() if value}
        if given["tiers"]:
            found["tiers"] = [tier.code for tier in given["tiers"]]  # type: ignore[assignment]
        else:
            found.pop("tiers", None)
        if given["has_app"]:
            found["has_app"] = given["has_app"] == "yes"  # type: ignore[assignment]
        if given["bought_at"]:
            found["bought_at"] = str(given["bought_at"].pk)
        if given["at_risk"]:
            found["at_risk"] = True  # type: ignore[assignment]
        return found

    @property
    def text(self) -> services.Text:
        names = ("title_ru", "body_ru", "title_en", "body_en")
        return services.Text(*[self.cleaned_data[name] for name in names])

    @property
    def digest(self) -> str:
        """What was counted: another text or other people want another count."""
        said = (
            self.text,
            self.cleaned_data["channels"],
            self.segment,
            self.cleaned_data["purpose"],
        )
        return repr(said)


@dataclass(frozen=True)
class Counted:
    """What a dry run found: people, those each channel reaches, roubles if all SMS left."""

    people: int
    reached: list[tuple[str, int]]
    cost: Any
    needs_second: bool
    seal: str


def count(form: BroadcastForm) -> Counted:
    given = form.cleaned_data
    advertising = given["purpose"] == Purpose.ADVERTISING
    reach = segments.reach(form.segment, channels=given["channels"], advertising=advertising)
    price = Provider.objects.filter(channel=Channel.SMS).order_by("-is_on").first()
    text = f"{form.text.title_ru}. {form.text.body_ru}" + (STOP_LINE if advertising else "")
    kopecks = reach.by_channel.get(Channel.SMS, 0) * sms_parts(text) * (price.price if price else 0)
    return Counted(
        people=reach.people,
        reached=[(str(Channel(one).label), number) for one, number in reach.by_channel.items()],
        cost=from_kopecks(kopecks),
        needs_second=reach.people > SECOND_PERSON_ABOVE,
        seal=signing.Signer(salt=SALT).signature(form.digest),
    )


class Composing:
    """Mixed into the admin of broadcasts: the page of a new one."""

    admin_site: Any
    change_list_template = "admin/notifications/broadcast/change_list.html"

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(never_cache(self.new))
        own = [path("new/", view, name="notifications_broadcast_new")]
        return own + super().get_urls()  # type: ignore[misc]

    def new(self, request: HttpRequest) -> HttpResponse:
        """The first button counts and writes nothing; the second appears then, and holds for what
        was counted."""
        by = cast(User, request.user)
        if not rights.may("broadcasts.send", job=by.job):
            raise PermissionDenied
        form, counted = BroadcastForm(request.POST if request.method == "POST" else None), None
        if form.is_bound and form.is_valid():
            counted = count(form)
            if request.POST.get("counted") == counted.seal:
                row = self._send(form, by)
                if row:
                    return redirect("admin:notifications_broadcast_change", row.pk)
        context = {
            **self.admin_site.each_context(request),
            "title": _("New broadcast"),
            "form": form,
            "counted": counted if counted and not form.errors else None,
            "opts": Broadcast._meta,
        }
        status = 422 if form.errors else 200
        template = "admin/notifications/broadcast/new.html"
        return TemplateResponse(request, template, context, status=status)

    @staticmethod
    def _send(form: BroadcastForm, by: User) -> Broadcast | None:
        given = form.cleaned_data
        try:
            return services.ask_broadcast(
                name=given["name"],
                text=form.text,
                channels=given["channels"],
                segment=form.segment,
                purpose=given["purpose"],
                by=by,
                at=timezone.now(),
            )
        except Refused as refused:
            form.add_error(None, str(refused))
            return None
