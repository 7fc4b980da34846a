"""The base viewset, health and error pages."""

from collections.abc import Sequence
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from rest_framework.serializers import Serializer
from rest_framework.viewsets import GenericViewSet

from apps.core import health
from apps.core.http import errors
from apps.core.http.serializers import In


class ApiViewSet(GenericViewSet[Any]):
    """A view translates: `read` checks the shape, one service decides, an Out answers."""

    def read(self, serializer: type[In], *, partial: bool = False) -> dict[str, Any]:
        """The checked body of the request. Raises a validation error with the fields."""
        checked = serializer(
            data=self.request.data, partial=partial, context=self.get_serializer_context()
        )
        checked.is_valid(raise_exception=True)
        return dict(checked.validated_data)

    def read_query(self, serializer: type[Serializer[Any]]) -> dict[str, Any]:
        """The checked query, for lists without a filter set. Raises a validation error with the
        names. A plain dict: of a query's own kind DRF takes an empty value for none."""
        checked = serializer(data=self.request.query_params.dict())
        checked.is_valid(raise_exception=True)
        return dict(checked.validated_data)

    def along(self, request: Any) -> tuple[str, Sequence[Any]] | None:
        """What an action must know besides who asks: an SQL expression over the caller `u`, and its
        values. It rides in the statement of her session and is then `request.auth.along`."""
        return None

    def page(self, queryset: Any, out: Any) -> Any:
        """One cursor page of a queryset, filtered by the view's filterset."""
        rows = self.paginate_queryset(self.filter_queryset(queryset))
        return self.get_paginated_response(out(rows, many=True).data)


def live(request: HttpRequest) -> JsonResponse:
    """The process answers."""
    return JsonResponse({"status": "ok"})


def ready(request: HttpRequest) -> JsonResponse:
    """200 when everything this installation needs is up, else 503 with what is down."""
    report = health.report()
    up = all(state == "ok" for state in report.values())
    return JsonResponse(
        {"status": "ok" if up else "down", "checks": report}, status=200 if up else 503
    )


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return errors.of_api(request, "MALFORMED") or render(request, "400.html", status=400)


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return errors.of_api(request, "FORBIDDEN") or render(request, "403.html", status=403)


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return errors.of_api(request, "NOT_FOUND") or render(request, "404.html", status=404)


def crashed(request: HttpRequest) -> HttpResponse:
    return errors.of_api(request, "INTERNAL") or render(request, "500.html", status=500)
