from typing import Any

from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.core.http.pagination import NewestFirst
from apps.core.http.views import MemberViewSet
from apps.loyalty import queries
from apps.loyalty.api.serializers import BalanceOut, ExpiringOut, LineOut, balance_data
from apps.loyalty.enums import Kind


class HistoryFilter(serializers.Serializer[Any]):
    type = serializers.ChoiceField(Kind.choices, required=False)
    business_id = serializers.UUIDField(required=False)
    since = serializers.DateTimeField(required=False)
    until = serializers.DateTimeField(required=False)


class LoyaltyViewSet(MemberViewSet):
    """The caller's own bonuses."""

    @extend_schema(responses=BalanceOut, tags=["loyalty"])
    def balance(self, request: Request) -> Response:
        return Response(balance_data(queries.balance_of(request.user.pk, at=timezone.now())))

    @extend_schema(
        responses=LineOut(many=True),
        tags=["loyalty"],
        parameters=[
            OpenApiParameter("type", str, enum=[kind for kind, _name in Kind.choices]),
            OpenApiParameter("business_id", str),
            OpenApiParameter("from", str, description="RFC 3339"),
            OpenApiParameter("to", str, description="RFC 3339"),
            OpenApiParameter("cursor", str),
            OpenApiParameter("limit", int),
        ],
    )
    def history(self, request: Request) -> Response:
        given = request.query_params
        names = {"type": "type", "businessId": "business_id", "from": "since", "to": "until"}
        asked = HistoryFilter(data={ours: given[n] for n, ours in names.items() if n in given})
        asked.is_valid(raise_exception=True)
        filters = asked.validated_data
        page = NewestFirst()
        limit = page.read_limit(request)
        lines = queries.history_of(
            request.user.pk,
            kind=filters.get("type"),
            business_id=filters.get("business_id"),
            since=filters.get("since"),
            until=filters.get("until"),
            cursor=page.read_cursor(request),
            limit=limit + 1,
        )
        return page.answer(lines, moment="posted_at", out=LineOut)

    @extend_schema(responses=ExpiringOut(many=True), tags=["loyalty"])
    def expiring(self, request: Request) -> Response:
        ladder = queries.expiring_of(request.user.pk, at=timezone.now())
        rows = [{"at": at, "amount": amount} for at, amount in ladder]
        return Response(ExpiringOut(rows, many=True).data)
