"""What the admins of all apps share: records that are only read, columns, links, and a count that
stays cheap on a large table."""

from collections.abc import Callable, Iterable
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import wraps
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.utils import flatten_fieldsets, quote
from django.core.paginator import Paginator
from django.db import transaction
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.functional import Promise, cached_property
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin, TabularInline
from unfold.contrib.filters.admin import RangeDateFilter
from unfold.decorators import display
from unfold.views import ChangeList
from unfold.widgets import UnfoldAdminTextInputWidget

from apps.core.days import midnight, of_our_years
from apps.core.errors import Refused
from apps.core.ids import short
from apps.core.money import AmountInvalid, format_number, format_rub, from_kopecks, parse_amount

Text = str | Promise
EMPTY = "—"


# --- values --------------------------------------------------------------------------------------
def kopecks(value: int) -> str:
    """`1 234,50` of whole kopecks, for columns whose title names the unit."""
    return format_number(from_kopecks(value))


def roubles(value: Any) -> str:
    """`1 234,50 ₽` of a decimal."""
    return format_rub(value)


def link(row: Model, text: str = "") -> str:
    """A record as a link to its page here; its name alone when it has no page."""
    url, text = _page(row._meta.app_label, str(row._meta.model_name), row.pk), text or str(row)
    return format_html('<a class="sk-link" href="{}">{}</a>', url, text) if url else text


def link_by_id(model_name: str, pk: object, text: str = "") -> str:
    """A link to a record known by the name of its model and its id, as audit rows keep it."""
    if not pk:
        return EMPTY
    known = [m._meta for m in admin.site._registry if m._meta.model_name == model_name]
    if not known:
        return text or code(f"{model_name} {short(pk)}")
    text = text or format_html("{} {}", known[0].verbose_name, code(short(pk)))
    url = _page(known[0].app_label, model_name, pk)
    return format_html('<a class="sk-link" href="{}">{}</a>', url, text) if url else text


def _page(app_label: str, model_name: str, pk: object) -> str:
    try:
        return reverse(f"admin:{app_label}_{model_name}_change", args=[quote(pk)])
    except NoReverseMatch:
        return ""


def code(text: object) -> str:
    """A word of the machine: it stays as it is in any language."""
    return format_html('<code class="sk-word" translate="no">{}</code>', text)


def english(text: object) -> str:
    """Words that are English in every language of the page."""
    return format_html('<span lang="en">{}</span>', text)


def badge(words: Text, tone: str = "quiet") -> str:
    """A state as a coloured word; `tone` is good, warn, bad or quiet."""
    return format_html('<span class="sk-badge sk-badge-{}">{}</span>', tone, words)


def links(lists: Iterable[tuple[str, Text, dict[str, object]]]) -> str:
    """Buttons to lists of other records: (`app_model`, words on it, filters of that list)."""
    return format_html_join(
        " ",
        '<a class="sk-list" href="{}?{}">{}</a>',
        [
            (reverse(f"admin:{name}_changelist"), urlencode(filters), words)
            for name, words, filters in lists
        ],
    )


def column(
    path: str, label: Text, *, show: Callable[[Any], Any] = lambda value: value, **options: Any
) -> Callable[[Any, Model], Any]:
    """A column or a read-only field: what lies at `path` (`lot__issuer`), written by `show`.

    Sortable only with `ordering=…`: a sort of a large table wants an index.
    """

    @display(description=label, **options)
    def shown(_admin: Any, row: Model) -> Any:
        value: Any = row
        for name in path.split("__"):
            value = getattr(value, name, None)
        words = "" if value is None or value == "" else show(value)
        return EMPTY if words == "" else words

    return shown


def moment(path: str, label: Text, **options: Any) -> Callable[[Any, Model], Any]:
    """A column of moments, `01.03.2026 9:05` on the person's clock."""
    return column(path, label, show=_moment, **options)


def _moment(value: datetime) -> str:
    return date_format(timezone.localtime(value), "d.m.Y G:i")


def money(path: str, label: Text, **options: Any) -> Callable[[Any, Model], Any]:
    """A right-aligned column of kopecks."""
    return column(path, label, show=kopecks, formatting="price", **options)


# --- lists ---------------------------------------------------------------------------------------
class CountedPaginator(Paginator):
    """Counts no further than a person leafs: an exact count of millions costs a second a page."""

    MOST = 10_000
    template_name = "admin/includes/pages.html"

    @cached_property
    def count(self) -> int:
        return self.object_list.order_by().values("pk")[: self.MOST].count()

    @property
    def is_cut(self) -> bool:
        return self.count == self.MOST


class CalmChangeList(ChangeList):
    """Without the note «5 results (show all)», which would count the whole table."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        self.full_result_count = self.result_count


class DayRangeFilter(RangeDateFilter):
    """From the start of one day to the end of another, as the person's calendar has them."""

    label: Text = ""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.title = self.label

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet | None:
        since, until = self._day("from"), self._day("to")
        if since:
            queryset = queryset.filter(**{f"{self.parameter_name}__gte": midnight(since)})
        if until:
            end = midnight(until + timedelta(days=1))
            queryset = queryset.filter(**{f"{self.parameter_name}__lt": end})
        return queryset

    def _day(self, end: str) -> date | None:
        """In the notation of the page's language: the theme's own filter knows English dates."""
        try:
            return forms.DateField(required=False, validators=[of_our_years]).clean(
                self.used_parameters.get(f"{self.parameter_name}_{end}")
            )
        except forms.ValidationError:
            return None


def days(path: str, label: Text) -> tuple[str, type[DayRangeFilter]]:
    """A filter of a list by the days of one moment."""
    return path, type("DayRange", (DayRangeFilter,), {"label": label})


# --- forms ---------------------------------------------------------------------------------------
class AmountField(forms.CharField):
    """Roubles as people type them, `1 234,50`: Django's own decimal field refuses the comma."""

    widget = UnfoldAdminTextInputWidget(attrs={"inputmode": "decimal"})

    def prepare_value(self, value: Any) -> Any:
        return format_number(value) if isinstance(value, Decimal) else value

    def to_python(self, value: Any) -> Decimal | None:
        if value in self.empty_values:
            return None
        try:
            return parse_amount(str(value), zero_allowed=True)
        except AmountInvalid as wrong:
            raise forms.ValidationError(str(wrong)) from wrong

    def has_changed(self, initial: Any, data: Any) -> bool:
        try:
            return self.to_python(data) != initial
        except forms.ValidationError:
            return True


class ReasonedForm(forms.ModelForm):
    """A change of a record that others rely on: why is a part of it."""

    reason = forms.CharField(
        label=_("Reason of the change"),
        help_text=_("At least 10 characters. Stays in the audit log with your name."),
        min_length=10,
        max_length=500,
        widget=UnfoldAdminTextInputWidget,
    )


class ActionReasonForm(forms.Form):
    reason = forms.CharField(
        label=_("Reason"),
        help_text=_("At least 10 characters. Stays in the audit log with your name."),
        min_length=10,
        max_length=500,
        widget=UnfoldAdminTextInputWidget,
    )


def with_reason(act: Callable[..., Any]) -> Callable[..., Any]:
    """An action of a list that asks why before it acts: a page between, then `reason=…`."""

    @wraps(act)
    def asked(own: Any, request: HttpRequest, chosen: QuerySet) -> Any:
        form = ActionReasonForm(request.POST if "reason" in request.POST else None)
        if form.is_bound and form.is_valid():
            return act(own, request, chosen, reason=form.cleaned_data["reason"])
        ids = request.POST.getlist(ACTION_CHECKBOX_NAME)
        context = {
            **own.admin_site.each_context(request),
            "title": own.get_action(act.__name__)[2],
            "form": form,
            "action_name": act.__name__,
            "chosen_ids": ids,
            "count": len(ids),
            "opts": own.model._meta,
        }
        status = 422 if form.is_bound else 200
        return TemplateResponse(request, "admin/reason.html", context, status=status)

    return asked


# --- records -------------------------------------------------------------------------------------
class BaseAdmin(ModelAdmin):
    """The house style of a list."""

    paginator = CountedPaginator
    show_full_result_count = False
    list_filter_submit = True
    show_facets = admin.ShowFacets.NEVER  # a count for every choice of a filter reads all the rows
    list_per_page = 50
    empty_value_display = EMPTY

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return CalmChangeList


class ReadonlyAdmin(BaseAdmin):
    """A record that nobody writes by hand: `fields` or `fieldsets` name what is shown."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return flatten_fieldsets(self.fieldsets or [(None, {"fields": self.fields})])

    def change_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        # What nobody changes here has no history here; the audit log has.
        kwargs["extra_context"] = (kwargs.get("extra_context") or {}) | {"show_history": False}
        return super().change_view(request, *args, **kwargs)


class ReasonedAdmin(BaseAdmin):
    """A record whose fields an admin may change; `update` is the service that does it."""

    form = ReasonedForm
    warn_unsaved_form = True

    def update(self, row: Any, *, changes: dict[str, Any], by: Any, reason: str) -> None:
        raise NotImplementedError

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        given = form.cleaned_data
        changes = {name: given[name] for name in form.changed_data if name != "reason"}
        if changes:
            self.update(obj, changes=changes, by=request.user, reason=given["reason"])


class DecidedAdmin(ReasonedAdmin):
    """A record about which something is decided: `update` may refuse. What it refuses is said on
    the page; nothing is kept then."""

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        request.refused = ""
        try:
            with transaction.atomic():
                super().save_model(request, obj, form, change)
        except Refused as refused:
            request.refused = str(refused)

    def response_change(self, request: HttpRequest, obj: Any) -> HttpResponse:
        refused = getattr(request, "refused", "")
        if refused:
            self.message_user(request, refused, messages.ERROR)
            return HttpResponseRedirect(request.path)
        return super().response_change(request, obj)


class ReadonlyInline(TabularInline):
    """Rows of another table on a record's page, a page of them at a time."""

    extra = 0
    ordering: tuple[str, ...] = ("-pk",)
    per_page = 20
    can_delete = False
    show_title = False
    template_after = "admin/includes/nothing_yet.html"

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return list(self.fields or [])
