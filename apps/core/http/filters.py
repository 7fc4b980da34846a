from typing import Any

from django.http import QueryDict
from django_filters.rest_framework import DjangoFilterBackend

from apps.core.http.casing import snake

PAGING = {"cursor", "limit"}


class CamelCaseFilterBackend(DjangoFilterBackend):
    """django-filter over camelCase query parameters."""

    def get_filterset_kwargs(self, request: Any, queryset: Any, view: Any) -> dict[str, Any]:
        kwargs: dict[str, Any] = super().get_filterset_kwargs(request, queryset, view)
        given = QueryDict(mutable=True)
        for name, values in request.query_params.lists():
            given.setlist(snake(name), values)
        kwargs["data"] = given
        return kwargs
