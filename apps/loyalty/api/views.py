from typing import Any
from uuid import UUID

import orjson
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.models import StatusTier
from apps.accounts.permissions import Can
from apps.businesses.models import State
from apps.businesses.queries import partner
from apps.core import throttle
from apps.core.errors import NotFound, TooMany
from apps.core.http.casing import camelize
from apps.core.http.envelope import dumps
from apps.core.http.etags import revalidated
from apps.core.http.idempotency import idempotent
from apps.core.http.pagination import NewestFirst
from apps.core.http.serializers import MomentIn
from apps.core.http.views import ApiViewSet
from apps.loyalty import queries, services, tier_queries
from apps.loyalty.api.serializers import (
    BalanceOut,
    ExpiringOut,
    LineOut,
    RedemptionIn,
    RedemptionOut,
    StatusOut,
    TierRowOut,
    balance_data,
    line_data,
    standing_data,
    tier_data,
)
from apps.loyalty.enums import Kind

HOLDS = (5, 3600)  # of one member: how many in how many seconds (security.md part 5)


class HistoryFilter(serializers.Serializer[Any]):
    type = serializers.ChoiceField(Kind.choices, required=False)
    business_id = serializers.UUIDField(required=False)


# `from` is a word of Python's own, so these two are declared by name: errors name them so too.
HistoryFilter._declared_fields["from"] = MomentIn(required=False)
HistoryFilter._declared_fields["to"] = MomentIn(required=False)


class LoyaltyViewSet(ApiViewSet):
    """The caller's own bonuses."""

    permission_classes = [Can("loyalty.read")]

    @extend_schema(responses=BalanceOut, tags=["loyalty"])
    def balance(self, request: Request) -> Response:
        return Response(balance_data(queries.shown_balance_of(request.user.pk, at=timezone.now())))

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
        if not request.query_params:
            return self._newest(request)
        given = request.query_params
        names = {"type": "type", "businessId": "business_id", "from": "from", "to": "to"}
        asked = HistoryFilter(data={ours: given[n] for n, ours in names.items() if n in given})
        asked.is_valid(raise_exception=True)
        filters = asked.validated_data
        page = NewestFirst()
        limit = page.read_limit(request)
        lines = queries.history_of(
            request.user.pk,
            kind=filters.get("type"),
            business_id=filters.get("business_id"),
            since=filters.get("from"),
            until=filters.get("to"),
            cursor=page.read_cursor(request),
            limit=limit + 1,
        )
        shown = page.cut(lines, moment="posted_at")
        return page.get_paginated_response([line_data(line) for line in shown])

    @staticmethod
    def _newest(request: Request) -> Response:
        """What an application opens with: the first page of all kinds, from the cache."""
        page = NewestFirst()
        limit, member_id = page.read_limit(request), request.user.pk

        def made() -> bytes:
            lines = page.cut(queries.history_of(member_id, limit=limit + 1), moment="posted_at")
            data = dumps(camelize([line_data(line) for line in lines]))
            return data + b"\n" + (page.next_cursor or "").encode()

        data, _end, cursor = queries.shown_history_of(member_id, make=made).rpartition(b"\n")
        page.next_cursor = cursor.decode() or None
        return page.get_paginated_response(orjson.Fragment(data))

    @extend_schema(responses=StatusOut, tags=["loyalty"])
    def status(self, request: Request) -> Response:
        standing = tier_queries.standing_of(request.user, at=timezone.now())
        return Response(standing_data(standing))

    @extend_schema(responses=TierRowOut(many=True), tags=["loyalty"])
    @revalidated
    def tiers(self, request: Request) -> Response:
        return Response([tier_data(tier) for tier in StatusTier.objects.all()])

    @extend_schema(responses=ExpiringOut(many=True), tags=["loyalty"])
    def expiring(self, request: Request) -> Response:
        ladder = queries.expiring_of(request.user.pk, at=timezone.now())
        rows = [{"at": at, "amount": amount} for at, amount in ladder]
        return Response(ExpiringOut(rows, many=True).data)


class RedemptionViewSet(ApiViewSet):
    """Bonuses that the caller sets aside for a bill, to be captured at the till."""

    permission_classes = [Can("loyalty.redeem")]

    @extend_schema(request=RedemptionIn, responses={201: RedemptionOut}, tags=["loyalty"])
    @idempotent
    def create(self, request: Request) -> Response:
        asked = self.read(RedemptionIn)
        business = partner(asked["business_id"])
        if business is None or business.state != State.ACTIVE:
            raise NotFound
        if wait := throttle.hit("redemptions", str(request.user.pk), *HOLDS):
            raise TooMany(retry_after=wait)
        at = timezone.now()
        hold = services.hold_bonus(
            known_device=not request.auth.is_strange(at=at),
            member=request.user,
            business=business,
            amount=asked["amount"],
            key=f"{request.user.pk}:{request.headers['Idempotency-Key']}"[:255],
            at=at,
        )
        return Response(self._shown(request, hold.pk), status=201)

    @extend_schema(responses=RedemptionOut, tags=["loyalty"])
    def retrieve(self, request: Request, pk: UUID) -> Response:
        return Response(self._shown(request, pk))

    @extend_schema(responses=RedemptionOut, tags=["loyalty"])
    def destroy(self, request: Request, pk: UUID) -> Response:
        self._shown(request, pk)  # somebody else's hold does not exist for her
        services.release_hold(hold_id=pk, at=timezone.now())
        return Response(self._shown(request, pk))

    @staticmethod
    def _shown(request: Request, hold_id: UUID) -> dict[str, Any]:
        hold = queries.hold_of(request.user.pk, hold_id, at=timezone.now())
        if hold is None:
            raise NotFound
        return dict(RedemptionOut(hold).data)
