"""Words of messages and providers."""

from typing import Any

from django.contrib import admin
from django.utils import timezone
from django.utils.html import format_html
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _
from import_export.fields import Field
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display
from unfold.widgets import UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from apps.core.admin_base import (
    EMPTY,
    AmountField,
    ReasonedAdmin,
    ReasonedForm,
    badge,
    column,
    english,
    kopecks,
    moment,
    money,
)
from apps.core.exchange import Imported, ServiceResource
from apps.notifications import services
from apps.notifications.admin.labels import KindFilter, with_places
from apps.notifications.enums import Language
from apps.notifications.kinds import KINDS
from apps.notifications.labels import kind_name
from apps.notifications.models import (
    Provider,
    Template,
)
from apps.notifications.rules import unknown_places
from apps.notifications.words import shipped

KEYS, OWN = ("kind", "language"), ("title", "body", "sms")


# --- words -----------------------------------------------------------------------------------
def as_it_stands(text: str) -> str:
    """Words of a message, in whatever language they are."""
    return format_html('<pre class="sk-code">{}</pre>', text) if text else EMPTY


class TemplateForm(ReasonedForm):
    class Meta:
        widgets = {
            "title": UnfoldAdminTextInputWidget,
            "body": UnfoldAdminTextareaWidget,
            "sms": UnfoldAdminTextareaWidget,
        }

    def clean(self) -> dict[str, Any]:
        given: dict[str, Any] = super().clean() or {}
        places = KINDS[self.instance.kind].places
        for name in ("title", "body", "sms"):
            strange = unknown_places(given.get(name) or "", places)
            if strange:
                said = _("Unknown place: %(place)s.") % {"place": strange[0]}
                self.add_error(name, said)
        return given


class TemplateResource(ServiceResource):
    """Words as a translator's table: kind and language say which, the product's own words stand
    beside, the rest may change."""

    title_shipped = Field(readonly=True, column_name="title_shipped")
    body_shipped = Field(readonly=True, column_name="body_shipped")
    sms_shipped = Field(readonly=True, column_name="sms_shipped")

    class Meta(ServiceResource.Meta):
        model = Template
        import_id_fields = KEYS
        fields = [*KEYS, *OWN, *(f"{name}_shipped" for name in OWN)]

    def dehydrate_title_shipped(self, row: Template) -> str:
        return shipped(row.kind, row.language).title

    def dehydrate_body_shipped(self, row: Template) -> str:
        return shipped(row.kind, row.language).body

    def dehydrate_sms_shipped(self, row: Template) -> str:
        return shipped(row.kind, row.language).sms

    def update(self, row: Any, *, changes: Any) -> None:
        services.change_words(template=row, changes=dict(changes), by=self.by, reason=self.reason)


@admin.register(Template)
class TemplateAdmin(Imported, ReasonedAdmin):
    resource_classes = (TemplateResource,)
    import_perm = export_perm = "notifications.change_template"

    form = TemplateForm
    list_display = ["kind_shown", "in_language", "said", "is_own"]
    list_filter = [KindFilter, ("language", ChoicesDropdownFilter)]
    search_fields = ["kind__exact"]
    search_help_text = _("Whole kind")
    ordering = ["kind", "language"]
    fields = [
        "kind_shown",
        "in_language",
        "places",
        "title_shipped",
        "title",
        "body_shipped",
        "body",
        "sms_shipped",
        "sms",
        "reason",
    ]
    readonly_fields = [
        "kind_shown",
        "in_language",
        "places",
        "title_shipped",
        "body_shipped",
        "sms_shipped",
    ]

    kind_shown = column("kind", _("kind"), show=lambda kind: capfirst(kind_name(kind)))
    in_language = column("get_language_display", _("Language"), show=lambda words: words())

    @display(description=_("Message"))
    def said(self, row: Template) -> str:
        words = with_places(row.title or shipped(row.kind, row.language).title)
        return english(words) if row.language == Language.EN else words

    @display(description=_("Places"))
    def places(self, row: Template) -> str:
        return with_places(" ".join(f"{{{name}}}" for name in KINDS[row.kind].places)) or EMPTY

    @display(description=_("Words"))
    def is_own(self, row: Template) -> str:
        own = row.title or row.body or row.sms
        return badge(_("changed"), "warn") if own else badge(_("of the product"))

    @display(description=_("Title of the product"))
    def title_shipped(self, row: Template) -> str:
        return as_it_stands(shipped(row.kind, row.language).title)

    @display(description=_("Text of the product"))
    def body_shipped(self, row: Template) -> str:
        return as_it_stands(shipped(row.kind, row.language).body)

    @display(description=_("SMS of the product"))
    def sms_shipped(self, row: Template) -> str:
        return as_it_stands(shipped(row.kind, row.language).sms)

    def update(self, row: Template, *, changes: dict[str, Any], by: Any, reason: str) -> None:
        services.change_words(template=row, changes=changes, by=by, reason=reason)


# --- providers -------------------------------------------------------------------------------
class ProviderForm(ReasonedForm):
    least_balance = AmountField(label=_("alarm below, ₽"))


@admin.register(Provider)
class ProviderAdmin(ReasonedAdmin):
    form = ProviderForm
    list_display = ["name", "by", "health", "per_second", "price_shown", "left", "asked"]
    ordering = ["name"]
    fields = [
        "name",
        "by",
        "health",
        "trouble",
        "left",
        "asked",
        "is_on",
        "per_second",
        "price",
        "least_balance",
        "reason",
    ]
    readonly_fields = ["name", "by", "health", "trouble", "left", "asked"]

    by = column("get_channel_display", _("Channel"), show=lambda words: words())
    price_shown = money("price", _("Price, ₽"))
    left = column("balance", _("Balance, ₽"), show=lambda value: kopecks(int(value * 100)))
    asked = moment("balance_at", _("Balance asked"))

    @display(description=_("State"))
    def health(self, row: Provider) -> str:
        if not row.is_on:
            return badge(_("switched off"))
        if row.rests_until and row.rests_until > timezone.now():
            return badge(_("rests"), "bad")
        return badge(_("works"), "good")

    def update(self, row: Provider, *, changes: dict[str, Any], by: Any, reason: str) -> None:
        services.change_provider(provider=row, changes=changes, by=by, reason=reason)
