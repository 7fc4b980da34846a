from typing import Any

import django_filters
from django.utils.translation import gettext_lazy as _

from apps.accounts import rules
from apps.core import sealing
from apps.core.http.filters import Filters
from apps.transactions.models import Source, Status, Transaction


class SaleFilter(Filters):
    business_id = django_filters.UUIDFilter(field_name="business_id")
    status = django_filters.ChoiceFilter(choices=Status.choices)
    source = django_filters.ChoiceFilter(choices=Source.choices)
    phone = django_filters.CharFilter(method="by_phone", label=_("exact phone"))

    class Meta:
        model = Transaction
        fields: list[str] = []

    def by_phone(self, queryset: Any, name: str, value: str) -> Any:
        """By exact number, through the blind index; an unknown number finds nothing."""
        phone = rules.normalize_phone(value)
        if phone is None:
            return queryset.none()
        indexes = sealing.blind_indexes(phone, purpose="phone")
        return queryset.filter(member__phone_index__in=indexes)


# `from` is a word of Python's own, so these two are declared by name.
SaleFilter.base_filters["from"] = django_filters.IsoDateTimeFilter(
    field_name="occurred_at", lookup_expr="gte"
)
SaleFilter.base_filters["to"] = django_filters.IsoDateTimeFilter(
    field_name="occurred_at", lookup_expr="lt"
)
