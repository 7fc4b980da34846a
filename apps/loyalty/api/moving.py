"""Gifts between members; balances moved by hand."""

import functools
import hashlib
from collections.abc import Callable
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.models import User
from apps.accounts.permissions import Can
from apps.core import throttle
from apps.core.errors import NotFound, TooMany
from apps.core.http.idempotency import idempotent
from apps.core.http.serializers import In, MomentOut, MoneyIn, MoneyOut, Out
from apps.core.http.views import ApiViewSet
from apps.core.money import from_kopecks
from apps.loyalty import services
from apps.loyalty.models import Adjustment, AdjustmentState, Gift

MISSES, MISSES_WINDOW = 10, 24 * 3600  # numbers that cannot receive: more is a list, not friends


def operation_key(request: Request) -> str:
    """The operation's own key, for good: whole, however long the caller's key is."""
    given = f"{request.user.pk}:{request.headers['Idempotency-Key']}"
    return "api:" + hashlib.sha256(given.encode()).hexdigest()


# --- gifts ---------------------------------------------------------------------------------------
class GiftIn(In):
    phone = serializers.CharField(max_length=40)
    amount = MoneyIn()
    message = serializers.CharField(max_length=200, required=False, allow_blank=True)


class GiftOut(Out):
    id = serializers.UUIDField()
    direction = serializers.ChoiceField(["sent", "received"])
    amount = MoneyOut()
    phone = serializers.CharField(help_text="of the other one, in part")
    message = serializers.CharField(help_text="only the receiver can read it; else empty")
    created_at = MomentOut()


def gift_data(gift: Gift, *, reader: User) -> dict[str, Any]:
    """A gift as one of the two sees it."""
    is_sent = gift.sender_id == reader.pk
    other = gift.receiver if is_sent else gift.sender
    sealed = "" if is_sent else gift.message_sealed
    return {
        "id": gift.pk,
        "direction": "sent" if is_sent else "received",
        "amount": from_kopecks(gift.amount),
        "phone": other.masked_phone,
        "message": gift.receiver.open_own("gift", sealed),
        "created_at": gift.at,
    }


def misses_counted(action: Callable[..., Response]) -> Callable[..., Response]:
    """Stands outside of the gift's transaction: numbers that cannot receive are counted although
    it was rolled back, so that nobody tries out who is a member."""

    @functools.wraps(action)
    def wrapped(view: Any, request: Request, *args: Any, **kwargs: Any) -> Response:
        name, whose = "gift.miss", str(request.user.pk)
        if throttle.used(name, whose) >= MISSES:
            raise TooMany(retry_after=MISSES_WINDOW)
        try:
            return action(view, request, *args, **kwargs)
        except services.ReceiverUnknown:
            throttle.hit(name, whose, MISSES, MISSES_WINDOW)
            raise

    return wrapped


class GiftViewSet(ApiViewSet):
    """Bonuses that the caller gave or got."""

    permission_classes = [Can(list="loyalty.read", create="loyalty.gift")]
    queryset = Gift.objects.none()
    page_by = "at"

    def get_queryset(self) -> QuerySet[Gift]:
        mine = Q(sender=self.request.user.pk) | Q(receiver=self.request.user.pk)
        return Gift.objects.filter(mine).select_related("sender", "receiver")

    @extend_schema(responses=GiftOut(many=True), tags=["loyalty"])
    def list(self, request: Request) -> Response:
        gifts = self.paginate_queryset(self.get_queryset())
        shown = [gift_data(gift, reader=request.user) for gift in gifts]
        return self.get_paginated_response(GiftOut(shown, many=True).data)

    @extend_schema(request=GiftIn, responses={201: GiftOut}, tags=["loyalty"])
    @misses_counted
    @idempotent
    def create(self, request: Request) -> Response:
        asked = self.read(GiftIn)
        at = timezone.now()
        gift = services.send_gift(
            sender=request.user,
            phone=asked["phone"],
            amount=asked["amount"],
            message=asked.get("message", ""),
            key=operation_key(request),
            at=at,
            known_device=not request.auth.is_strange(at=at),
        )
        return Response(dict(GiftOut(gift_data(gift, reader=request.user)).data), status=201)


# --- adjustments ---------------------------------------------------------------------------------
class SignedMoneyIn(MoneyIn):
    """`"-1234.50"` takes, `"1234.50"` adds."""

    def to_internal_value(self, data: Any) -> Any:
        takes = isinstance(data, str) and data.startswith("-")
        amount: Decimal = super().to_internal_value(data[1:] if takes else data)
        return -amount if takes else amount


class AdjustmentIn(In):
    amount = SignedMoneyIn()
    # blank passes here: the service says in words what it wants
    reason = serializers.CharField(max_length=500, allow_blank=True)


class AdjustmentOut(Out):
    id = serializers.UUIDField()
    user_id = serializers.UUIDField(source="wallet_id")
    amount = serializers.SerializerMethodField(help_text="signed")
    reason = serializers.CharField()
    state = serializers.ChoiceField(AdjustmentState.choices)
    asked_by = serializers.UUIDField(source="asked_by_id")
    asked_at = MomentOut()
    decided_by = serializers.UUIDField(source="decided_by_id", allow_null=True)
    decided_at = MomentOut(allow_null=True)
    journal_id = serializers.UUIDField(allow_null=True)

    def get_amount(self, row: Adjustment) -> str:
        return f"{from_kopecks(row.amount):.2f}"


class AdjustmentFilter(serializers.Serializer[Any]):
    state = serializers.ChoiceField(AdjustmentState.choices, required=False)


class AdjustmentViewSet(ApiViewSet):
    """Balances moved by hand: asked for by one admin, above a limit carried out by another."""

    permission_classes = [
        Can(
            list="admin.adjustments.view",
            create="users.adjust",
            confirm="users.adjust",
            decline="users.adjust",
        )
    ]
    queryset = Adjustment.objects.none()
    page_by = "asked_at"

    @extend_schema(
        responses=AdjustmentOut(many=True),
        tags=["admin"],
        parameters=[OpenApiParameter("state", str, enum=AdjustmentState.values)],
    )
    def list(self, request: Request) -> Response:
        asked = self.read_query(AdjustmentFilter)
        return self.page(Adjustment.objects.filter(**asked), AdjustmentOut)

    @extend_schema(
        request=AdjustmentIn, responses={201: AdjustmentOut, 202: AdjustmentOut}, tags=["admin"]
    )
    @idempotent
    def create(self, request: Request, pk: UUID) -> Response:
        asked = self.read(AdjustmentIn)
        member = User.objects.filter(pk=pk, erased_at__isnull=True).first()
        if member is None:
            raise NotFound
        row = services.adjust_balance(
            member=member,
            amount=asked["amount"],
            reason=asked["reason"],
            by=request.user,
            key=operation_key(request),
            at=timezone.now(),
        )
        status = 202 if row.state == AdjustmentState.WAITING else 201
        return Response(dict(AdjustmentOut(row).data), status=status)

    @extend_schema(request=None, responses=AdjustmentOut, tags=["admin"])
    @idempotent
    def confirm(self, request: Request, pk: UUID) -> Response:
        return self._decide(request, pk, is_confirmed=True)

    @extend_schema(request=None, responses=AdjustmentOut, tags=["admin"])
    def decline(self, request: Request, pk: UUID) -> Response:
        return self._decide(request, pk, is_confirmed=False)

    @staticmethod
    def _decide(request: Request, pk: UUID, *, is_confirmed: bool) -> Response:
        row = services.decide_adjustment(
            adjustment_id=pk, is_confirmed=is_confirmed, by=request.user, at=timezone.now()
        )
        return Response(dict(AdjustmentOut(row).data))
