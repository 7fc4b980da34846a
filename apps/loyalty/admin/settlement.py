"""Mutual settlement: closed months to read, print and take along; terms of partners to change."""

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html_join
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter, RelatedDropdownFilter
from unfold.decorators import action, display
from unfold.forms import BaseDialogForm
from unfold.widgets import UnfoldAdminTextInputWidget

from apps.accounts import rights
from apps.accounts.models import User
from apps.businesses.models import Business
from apps.core.admin_base import (
    AmountField,
    ReadonlyAdmin,
    ReadonlyInline,
    ReasonedAdmin,
    ReasonedForm,
    badge,
    code,
    column,
    link,
    moment,
    money,
    roubles,
)
from apps.loyalty import liability_queries, services, settlement_csv
from apps.loyalty import settlement_queries as queries
from apps.loyalty.admin.moving import decided
from apps.loyalty.models import Statement, StatementLine, Terms

TONES = {"open": "warn", "confirmed": "good", "disputed": "bad"}


def month_words(statement: Statement) -> str:
    return str(date_format(statement.month, "F Y"))


def buttons(rows: list[tuple[str, Any]]) -> str:
    """Links as buttons: (address, words)."""
    return format_html_join(" ", '<a class="sk-list" href="{}">{}</a>', rows)


def csv_answer(body: bytes, name: str) -> HttpResponse:
    return HttpResponse(
        body,
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


class LineColumns:
    issued_by = column("debtor", _("Who owes"), show=link)
    accepted_by = column("creditor", _("To whom"), show=link)
    bonuses_sum = money("bonuses", _("Bonuses"))
    owed = money("amount", _("Owed, ₽"))
    moves = column("postings", _("Movements"))

    @display(description=_("For what"), ordering="kind")
    def reason(self, line: StatementLine) -> str:
        return str(line.get_kind_display())

    @display(description=_("State"))
    def state_shown(self, line: StatementLine) -> str:
        if line.debtor_id == line.creditor_id:
            return badge(_("own bonuses"))
        return badge(settlement_csv.state_words(line.state), TONES[line.state])


class LineInline(LineColumns, ReadonlyInline):
    model = StatementLine
    fields = ["issued_by", "accepted_by", "reason", "bonuses_sum", "owed", "moves", "state_shown"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[StatementLine]:
        return super().get_queryset(request).select_related("debtor", "creditor")


@admin.register(Statement)
class StatementAdmin(ReadonlyAdmin):
    list_display = ["month_shown", "closed", "pairs"]
    ordering = ["-month"]
    inlines = [LineInline]
    fields = ["month_shown", "closed", "papers"]

    closed = moment("closed_at", _("Closed"))
    pairs = column("line_count", _("Pairs"))

    def get_queryset(self, request: HttpRequest) -> QuerySet[Statement]:
        return super().get_queryset(request).annotate(line_count=Count("lines"))

    @display(description=_("Month"))
    def month_shown(self, statement: Statement) -> str:
        return month_words(statement)

    @display(description=_("Papers"))
    def papers(self, statement: Statement) -> str:
        return buttons(
            [
                (reverse("admin:loyalty_statement_print", args=[statement.pk]), _("Print")),
                (reverse("admin:loyalty_statement_csv", args=[statement.pk]), "CSV"),
            ]
        )

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("<uuid:pk>/print/", view(self.print_page), name="loyalty_statement_print"),
            path("<uuid:pk>/csv/", view(self.csv_file), name="loyalty_statement_csv"),
            *super().get_urls(),
        ]

    def print_page(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        """The statement on paper: of the whole network, or of one partner (`?business=slug`), or
        of a pair (`&with=slug`)."""
        statement = self._statement(request, pk)
        chosen = [
            get_object_or_404(Business, slug=request.GET[name])
            for name in ("business", "with")
            if request.GET.get(name)
        ]
        matrix = queries.matrix_of(statement.month, at=timezone.now())
        context = {"paper": queries.paper_of(matrix, chosen), "statement": statement}
        return TemplateResponse(request, "loyalty/statement.html", context)

    def csv_file(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        statement = self._statement(request, pk)
        matrix = queries.matrix_of(statement.month, at=timezone.now())
        return csv_answer(
            settlement_csv.matrix_csv(matrix), f"settlement-{statement.month:%Y-%m}.csv"
        )

    def _statement(self, request: HttpRequest, pk: UUID) -> Statement:
        statement = get_object_or_404(Statement, pk=pk)
        if not self.has_view_permission(request, statement):
            raise PermissionDenied
        return statement


@admin.register(StatementLine)
class StatementLineAdmin(LineColumns, ReadonlyAdmin):
    list_display = ["pair", "month_shown", "reason", "bonuses_sum", "owed", "state_shown"]
    list_filter = [
        ("kind", ChoicesDropdownFilter),
        ("debtor", RelatedDropdownFilter),
        ("creditor", RelatedDropdownFilter),
    ]
    list_select_related = ["statement", "debtor", "creditor"]
    ordering = ["-id"]
    fieldsets = [
        (
            None,
            {
                "fields": [
                    "month_shown",
                    "issued_by",
                    "accepted_by",
                    "reason",
                    "state_shown",
                    "papers",
                ]
            },
        ),
        (_("Sums"), {"fields": ["bonuses_sum", "owed", "moves", "fingerprint", "came_from"]}),
        (
            _("Answers"),
            {"fields": ["issuer_answer", "acceptor_answer", "disputed", "disputer", "why"]},
        ),
    ]

    issuer_answer = moment("debtor_confirmed_at", _("Who owes confirmed"))
    acceptor_answer = moment("creditor_confirmed_at", _("Who is owed confirmed"))
    disputed = moment("disputed_at", _("Disputed"))
    disputer = column("disputed_by", _("Disputed by"), show=link)
    why = column("dispute_reason", _("Why"))
    fingerprint = column("digest", _("Digest of the movements"), show=code)
    came_from = column("carried__statement", _("With a disputed line of"), show=month_words)

    @display(description=_("Pair"))
    def pair(self, line: StatementLine) -> str:
        return str(line)

    @display(description=_("Month"))
    def month_shown(self, line: StatementLine) -> str:
        return link(line.statement, month_words(line.statement))

    @display(description=_("Papers"))
    def papers(self, line: StatementLine) -> str:
        page = reverse("admin:loyalty_statement_print", args=[line.statement_id])
        pair = f"{page}?business={line.debtor.slug}&with={line.creditor.slug}"
        movements = reverse("admin:loyalty_statementline_csv", args=[line.pk])
        return buttons([(pair, _("Print")), (movements, _("Movements, CSV"))])

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.csv_file)
        own = path("<uuid:pk>/csv/", view, name="loyalty_statementline_csv")
        return [own, *super().get_urls()]

    def csv_file(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        """The movements behind a line, for those who check it against their own books."""
        row = get_object_or_404(StatementLine.objects.select_related("statement"), pk=pk)
        if not self.has_view_permission(request, row):
            raise PermissionDenied
        body = settlement_csv.moves_csv(queries.line_of(row))
        return csv_answer(body, f"movements-{row.statement.month:%Y-%m}-{str(row.pk)[-6:]}.csv")


# --- terms of partners ---------------------------------------------------------------------------
class TermsForm(ReasonedForm):
    credit_limit = AmountField(
        label=_("Credit limit, ₽"),
        required=False,
        help_text=_("Postpaid: above it an alert is raised; empty is no limit"),
    )
    deposit = AmountField(
        label=_("Deposit, ₽"),
        help_text=_("Prepaid: bonuses are issued while it covers what is owed and outstanding"),
    )


class LeaveDialog(BaseDialogForm):
    reason = forms.CharField(
        label=_("Reason"),
        help_text=_("At least 10 characters. Stays in the audit log with your name."),
        min_length=rights.REASON_LEAST,
        max_length=500,
        widget=UnfoldAdminTextInputWidget,
    )


@admin.register(Terms)
class TermsAdmin(ReasonedAdmin):
    form = TermsForm
    actions_detail = ["run_off"]
    list_display = ["partner", "mode", "exposed", "covered", "state_shown", "reckoned"]
    list_display_links = ["mode"]
    list_filter = [("mode", ChoicesDropdownFilter)]
    list_select_related = ["business"]
    ordering = ["business__name"]
    readonly_fields = ["partner", "open_sum", "owed_sum", "state_shown", "leaves", "reckoned"]
    fieldsets = [
        (None, {"fields": ["partner", "mode", "credit_limit", "deposit", "when_over"]}),
        (_("Now"), {"fields": ["open_sum", "owed_sum", "state_shown", "leaves", "reckoned"]}),
        (_("Why it changes"), {"fields": ["reason"]}),
    ]

    partner = column("business", _("Business"), show=link)
    exposed = column("exposure", _("May owe, ₽"), show=roubles, formatting="price")
    covered = column("limit", _("Limit or deposit, ₽"), show=roubles, formatting="price")
    open_sum = column("outstanding", _("Outstanding bonuses, ₽"), show=roubles)
    owed_sum = column("payable", _("Not settled yet, ₽"), show=roubles)
    leaves = moment("run_off_until", _("Leaves, its last bonus lapses"))
    reckoned = moment("reckoned_at", _("Reckoned"))

    @display(description=_("State"))
    def state_shown(self, terms: Terms) -> str:
        if terms.run_off_since:
            return badge(_("leaves, issues nothing"), "bad")
        if terms.stop:
            return badge(terms.get_stop_display(), "bad")
        if terms.is_over:
            return badge(_("over the limit"), "warn")
        return badge(_("issues"), "good")

    def update(self, row: Terms, *, changes: dict[str, Any], by: User, reason: str) -> None:
        services.change_terms(
            business=row.business, changes=changes, by=by, reason=reason, at=timezone.now()
        )

    def has_run_off_permission(self, request: HttpRequest, object_id: object = None) -> bool:
        return bool(request.user.has_perm("loyalty.change_terms"))

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> list[Any]:
        """No button for a partner that leaves already."""
        terms = self.get_object(request, str(object_id))
        stays = terms is not None and terms.run_off_since is None
        return super().get_actions_detail(request, object_id) if stays else []

    @action(
        description=_("The partner leaves"),
        permissions=["run_off"],
        dialog={
            "title": _("The partner leaves the circle"),
            "description": _(
                "It issues nothing from now on. Its bonuses stay good until the last of them "
                "lapses, its deposit pays for those accepted elsewhere. It cannot be undone here."
            ),
            "form_class": LeaveDialog,
            "form_submit_text": _("It leaves"),
        },
    )
    def run_off(self, request: HttpRequest, form: LeaveDialog, object_id: str) -> HttpResponse:
        def leave() -> None:
            services.begin_run_off(
                business=get_object_or_404(Terms, pk=object_id).business,
                by=request.user,
                reason=form.cleaned_data["reason"],
                at=timezone.now(),
            )

        return decided(request, leave, reverse("admin:loyalty_terms_change", args=[object_id]))

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.liability)
        return [path("liability/", view, name="loyalty_terms_liability"), *super().get_urls()]

    def liability(self, request: HttpRequest) -> HttpResponse:
        """Unspent bonuses by issuer and month of expiry; `?format=csv` for a spreadsheet."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        report = liability_queries.liability(at=timezone.now())
        if request.GET.get("format") == "csv":
            return csv_answer(settlement_csv.liability_csv(report), "liability.csv")
        context = {
            **self.admin_site.each_context(request),
            "title": _("Unspent bonuses"),
            "report": report,
            "opts": Terms._meta,
        }
        return TemplateResponse(request, "admin/loyalty/liability.html", context)
