from typing import Any

import django_filters
from django.db.models import Q

from apps.core.http.filters import Filters
from apps.events.enums import State
from apps.events.models import Event, EventRegistration


class EventFilter(Filters):
    state = django_filters.ChoiceFilter(choices=State.choices)
    city = django_filters.CharFilter(field_name="city", lookup_expr="iexact")
    mine = django_filters.BooleanFilter(method="of_caller")
    q = django_filters.CharFilter(method="by_words")

    class Meta:
        model = Event
        fields: list[str] = []

    def of_caller(self, queryset: Any, name: str, value: bool) -> Any:
        """What she proposed or registered for."""
        user = self.request.user
        hers = Q(creator=user) | Q(
            pk__in=EventRegistration.objects.filter(member=user).values("event")
        )
        return queryset.filter(hers) if value else queryset.exclude(hers)

    def by_words(self, queryset: Any, name: str, value: str) -> Any:
        return queryset.filter(Q(title__icontains=value) | Q(description__icontains=value))


# `from` is a word of Python's own, so these two are declared by name.
EventFilter.base_filters["from"] = django_filters.IsoDateTimeFilter(
    field_name="starts_at", lookup_expr="gte"
)
EventFilter.base_filters["to"] = django_filters.IsoDateTimeFilter(
    field_name="starts_at", lookup_expr="lt"
)
