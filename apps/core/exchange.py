"""Import and export in the admin: files for Excel, a dry run before anything is written, rows
written by the same services as everything else, with the reason that was given."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Model
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from import_export.admin import ExportMixin, ImportMixin
from import_export.formats.base_formats import CSV, XLSX
from import_export.forms import ConfirmImportForm
from import_export.resources import ModelResource
from tablib import Dataset
from unfold.contrib.import_export.forms import ExportForm, ImportForm
from unfold.widgets import UnfoldAdminTextInputWidget

from apps.core import audit
from apps.core.errors import Refused

BOM = "\ufeff"
WHY = _("At least 10 characters. Stays in the audit log with your name.")


class ExcelCSV(CSV):
    """As a Russian Excel writes and reads it: UTF-8 with its mark, semicolons."""

    CONTENT_TYPE = "text/csv; charset=utf-8"

    def create_dataset(self, in_stream: Any, **kwargs: Any) -> Dataset:
        text = in_stream.decode("utf-8-sig") if isinstance(in_stream, bytes) else in_stream
        kwargs.setdefault("delimiter", ";")
        found: Dataset = super().create_dataset(text.removeprefix(BOM), **kwargs)
        return found

    def export_data(self, dataset: Dataset, **kwargs: Any) -> Any:
        kwargs.setdefault("delimiter", ";")
        return BOM + super().export_data(dataset, **kwargs)


class ServiceResource(ModelResource):
    """Rows of a file on rows that exist: only what differs, by `update`, the service. `by` and
    `reason` come with the form. A refusal is told beside its row, before anything is written."""

    class Meta:
        skip_unchanged = True
        report_skipped = True
        use_transactions = True

    def __init__(self, *, by: Any = None, reason: str = "", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.by, self.reason = by, reason

    def update(self, row: Any, *, changes: Mapping[str, Any]) -> None:
        raise NotImplementedError

    def init_instance(self, row: Mapping[str, Any] | None = None) -> Model:
        raise ValidationError(_("There is no such row here: an import only changes what exists."))

    def do_instance_save(self, instance: Any, is_create: bool) -> None:
        stored = type(instance)._default_manager.get(pk=instance.pk)
        written = {field.attribute for field in self.get_import_fields() if not field.readonly}
        changes = {
            name: getattr(instance, name)
            for name in written
            if getattr(instance, name) != getattr(stored, name)
        }
        instance.clean_fields(exclude={f.name for f in instance._meta.fields} - set(changes))
        try:
            self.update(stored, changes=changes)
        except Refused as refusal:
            raise ValidationError(str(refusal)) from refusal


class _Reason(forms.Form):
    reason = forms.CharField(
        label=_("Reason"),
        help_text=WHY,
        min_length=10,
        max_length=500,
        widget=UnfoldAdminTextInputWidget,
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Formats are called by their names, `CSV`: the library shows its own codes."""
        super().__init__(*args, **kwargs)
        field: Any = self.fields["format"]
        field.choices = [(code, name.upper() if code else name) for code, name in field.choices]
        if hasattr(field, "value"):  # the one format there is
            field.value = field.value.upper()


class ReasonedImportForm(_Reason, ImportForm):
    pass


class ReasonedConfirmForm(ConfirmImportForm):
    reason = forms.CharField(widget=forms.HiddenInput, min_length=10, max_length=500)


class ReasonedExportForm(_Reason, ExportForm):
    pass


class Exchanged:
    """What both directions share: formats, our right, no second log beside the audit. Excel opens
    the CSV as a table; what it saved as a workbook is read as well."""

    formats = (ExcelCSV, XLSX)
    import_formats = formats
    export_formats = (ExcelCSV,)
    skip_admin_log = True
    show_change_form_export = False


class Exported(Exchanged, ExportMixin):
    """Mixed into an admin: its list as a file, for those who hold `export_perm`."""

    export_form_class = ReasonedExportForm
    export_perm = ""

    def has_export_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm(self.export_perm))

    def get_export_data(
        self, file_format: Any, request: HttpRequest, queryset: Any, **kwargs: Any
    ) -> Any:
        """Who took it and why is noted before the file is there."""
        reason = kwargs["export_form"].cleaned_data["reason"]
        name = self.model._meta.model_name
        with transaction.atomic():
            audit.record(
                request.user,
                "core.exported",
                name,
                "",
                reason=reason,
                changed={"rows": queryset.count()},
            )
        return super().get_export_data(file_format, request, queryset, **kwargs)


class Imported(Exported, ImportMixin):
    """And back again: upload, look at what would change, then do it."""

    import_form_class = ReasonedImportForm
    confirm_form_class = ReasonedConfirmForm
    import_perm = ""
    import_export_change_list_template = "admin/import_export/change_list_import_export.html"

    def has_import_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm(self.import_perm))

    def get_confirm_form_initial(self, request: HttpRequest, import_form: Any) -> dict[str, Any]:
        initial: dict[str, Any] = super().get_confirm_form_initial(request, import_form)
        if import_form is not None:
            initial["reason"] = import_form.cleaned_data["reason"]
        return initial

    def get_import_resource_kwargs(self, request: HttpRequest, **kwargs: Any) -> dict[str, Any]:
        form = kwargs.get("form")
        given = getattr(form, "cleaned_data", None) or {}
        return {"by": request.user, "reason": given.get("reason", "")}
