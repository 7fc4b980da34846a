"""Filters of lists: camelCase on the wire, and what cannot be understood is refused, by name."""

from typing import Any

import django_filters
from django import forms
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _
from django_filters.fields import IsoDateTimeField
from django_filters.rest_framework import DjangoFilterBackend
from rest_framework.exceptions import ValidationError

from apps.core.http.casing import snake
from apps.core.http.serializers import MomentIn

EMPTY = _("Say a value, or leave the filter out.")
FLAG = _("Say true or false.")
MOMENT = MomentIn()


class CamelCaseFilterBackend(DjangoFilterBackend):
    """django-filter over camelCase query parameters."""

    def get_filterset_kwargs(self, request: Any, queryset: Any, view: Any) -> dict[str, Any]:
        kwargs: dict[str, Any] = super().get_filterset_kwargs(request, queryset, view)
        given = QueryDict(mutable=True)
        for name, values in request.query_params.lists():
            given.setlist(snake(name), values)
        kwargs["data"] = given
        return kwargs


class Filters(django_filters.FilterSet):
    """Base of every filter set: django-filter takes an empty value, a flag that it cannot read and
    a moment without a zone for no filter or for a guess, and the caller would take rows of everybody
    for an answer."""

    def get_form_class(self) -> type[forms.Form]:
        made: type[forms.Form] = super().get_form_class()
        return type(made.__name__, (_Strict, made), {})


class _Strict(forms.Form):
    def clean(self) -> None:
        for name, field in self.fields.items():
            if name in self.data and name not in self.errors:
                for fault in _faults(field, self.data[name]):
                    self.add_error(name, str(fault))


def _faults(field: forms.Field, said: str) -> list[Any]:
    if not said.strip():
        return [EMPTY]
    if isinstance(field, forms.NullBooleanField):
        return [] if said in ("true", "false") else [FLAG]
    if isinstance(field, IsoDateTimeField):
        try:
            MOMENT.run_validation(said)
        except ValidationError as wrong:
            return list(wrong.detail)
    return []
