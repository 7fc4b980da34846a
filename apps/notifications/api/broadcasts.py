"""Broadcasts of admins: count, send, allow, stop."""

from typing import Any
from uuid import UUID

from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.enums import TierCode
from apps.accounts.permissions import Can
from apps.core.errors import NotFound
from apps.core.http.serializers import In, MomentOut, Out
from apps.core.http.views import ApiViewSet
from apps.core.money import from_kopecks
from apps.notifications import queries, segments, services
from apps.notifications.enums import Channel, Purpose
from apps.notifications.models import Broadcast
from apps.notifications.rules import SECOND_PERSON_ABOVE


class SegmentIn(In):
    tiers = serializers.ListField(
        child=serializers.ChoiceField(TierCode.choices), required=False, max_length=4
    )
    city = serializers.CharField(max_length=60, required=False)
    locale = serializers.ChoiceField(["ru", "en"], required=False)
    joined_from = serializers.DateField(required=False)
    joined_to = serializers.DateField(required=False)
    has_app = serializers.BooleanField(required=False)
    bought_at = serializers.UUIDField(required=False)
    at_risk = serializers.BooleanField(
        required=False, help_text="At high risk of leaving, but for the hold-out of win-back"
    )


class BroadcastIn(In):
    name = serializers.CharField(max_length=80)
    title_ru = serializers.CharField(max_length=120)
    body_ru = serializers.CharField(max_length=1000)
    title_en = serializers.CharField(max_length=120, required=False, default="")
    body_en = serializers.CharField(max_length=1000, required=False, default="")
    channels = serializers.ListField(
        child=serializers.ChoiceField(Channel.choices), min_length=1, max_length=3
    )
    purpose = serializers.ChoiceField(Purpose.choices, default=Purpose.ADVERTISING)
    segment = SegmentIn(default=dict)
    dry_run = serializers.BooleanField(default=False)

    def validate_channels(self, value: list[str]) -> list[str]:
        if len(set(value)) < len(value):
            raise serializers.ValidationError(_("Each channel at most once."))
        return value


class ReachOut(Out):
    people = serializers.IntegerField()
    by_channel = serializers.DictField(child=serializers.IntegerField())
    needs_second_person = serializers.BooleanField()


class BroadcastOut(Out):
    id = serializers.UUIDField()
    name = serializers.CharField()
    purpose = serializers.CharField()
    channels = serializers.ListField(child=serializers.CharField())
    segment = serializers.DictField()
    title_ru = serializers.CharField()
    body_ru = serializers.CharField()
    state = serializers.CharField()
    people = serializers.IntegerField()
    needs_second_person = serializers.BooleanField()
    asked_by = serializers.UUIDField()
    approved_by = serializers.UUIDField(allow_null=True)
    created_at = MomentOut()
    started_at = MomentOut(allow_null=True)
    ended_at = MomentOut(allow_null=True)
    messages = serializers.DictField(help_text="how many are in each state")
    cost = serializers.CharField(help_text="roubles, so far")


def shown(rows: list[Broadcast]) -> list[dict[str, Any]]:
    progress = queries.progress_of([row.pk for row in rows])
    data = []
    for row in rows:
        states = dict(progress.get(row.pk, {}))
        kopecks = states.pop("cost", 0)
        fields = {name: getattr(row, name) for name in PLAIN}
        data.append(
            fields
            | {
                "channels": row.channels.split(","),
                "asked_by": row.asked_by_id,
                "approved_by": row.approved_by_id,
                "needs_second_person": row.state == "asked",
                "messages": states,
                "cost": f"{from_kopecks(kopecks):.2f}",
            }
        )
    return data


PLAIN = (
    "id",
    "name",
    "purpose",
    "segment",
    "title_ru",
    "body_ru",
    "state",
    "people",
    "created_at",
    "started_at",
    "ended_at",
)


class BroadcastsViewSet(ApiViewSet):
    """One text to a segment."""

    permission_classes = [Can("broadcasts.send")]

    @extend_schema(responses=BroadcastOut(many=True), tags=["admin"])
    def list(self, request: Request) -> Response:
        rows = self.paginate_queryset(Broadcast.objects.all()) or []
        return self.get_paginated_response(BroadcastOut(shown(rows), many=True).data)

    @extend_schema(
        request=BroadcastIn, responses={200: ReachOut, 201: BroadcastOut}, tags=["admin"]
    )
    def create(self, request: Request) -> Response:
        """`dryRun`: who would be reached, nothing is written. Above 1,000 people the broadcast
        waits until another admin allows it."""
        asked = self.read(BroadcastIn)
        segment = {name: _plain(value) for name, value in asked["segment"].items()}
        if asked["dry_run"]:
            reach = segments.reach(
                segment,
                channels=asked["channels"],
                advertising=asked["purpose"] == Purpose.ADVERTISING,
            )
            many = reach.people > SECOND_PERSON_ABOVE
            data = {"people": reach.people, "by_channel": reach.by_channel}
            return Response(ReachOut(data | {"needs_second_person": many}).data)
        broadcast = services.ask_broadcast(
            name=asked["name"],
            text=services.Text(
                asked["title_ru"], asked["body_ru"], asked["title_en"], asked["body_en"]
            ),
            channels=asked["channels"],
            segment=segment,
            purpose=asked["purpose"],
            by=request.user,
            at=timezone.now(),
        )
        return self._answer(broadcast, status=201)

    @extend_schema(responses=BroadcastOut, tags=["admin"])
    def retrieve(self, request: Request, pk: UUID) -> Response:
        row = Broadcast.objects.filter(pk=pk).first()
        if row is None:
            raise NotFound
        return self._answer(row)

    @extend_schema(request=None, responses=BroadcastOut, tags=["admin"])
    def approve(self, request: Request, pk: UUID) -> Response:
        at = timezone.now()
        return self._answer(services.approve_broadcast(broadcast_id=pk, by=request.user, at=at))

    @extend_schema(request=None, responses=BroadcastOut, tags=["admin"])
    def cancel(self, request: Request, pk: UUID) -> Response:
        at = timezone.now()
        return self._answer(services.cancel_broadcast(broadcast_id=pk, by=request.user, at=at))

    @staticmethod
    def _answer(row: Broadcast, *, status: int = 200) -> Response:
        return Response(BroadcastOut(shown([row])[0]).data, status=status)


def _plain(value: Any) -> Any:
    return value if isinstance(value, list | bool | str) else str(value)
