from typing import Any
from uuid import UUID

from django.utils import timezone
from django.utils.translation import get_language
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.permissions import Can
from apps.core import context
from apps.core.errors import NotFound
from apps.core.http.views import ApiViewSet
from apps.notifications import queries, services
from apps.notifications.api.serializers import (
    MUTABLE,
    DeviceIn,
    DeviceOut,
    MessageOut,
    PreferencesIn,
    PreferencesOut,
    ReadIn,
    ReadOut,
)
from apps.notifications.enums import Channel
from apps.notifications.kinds import KINDS
from apps.notifications.models import Notification
from apps.notifications.words import Library


def message_data(message: Notification, *, words: Library) -> dict[str, Any]:
    """A message in the reader's language."""
    text = words.of(message, language=get_language() or "ru")
    return {
        "id": message.pk,
        "kind": message.kind,
        "topic": KINDS[message.kind].topic.value,
        "title": text.title,
        "body": text.body,
        "values": message.values,
        "created_at": message.created_at,
        "read_at": message.read_at,
    }


class DevicesViewSet(ApiViewSet):
    """Phones of the caller that take push."""

    permission_classes = [Can("users.me.devices")]

    @extend_schema(request=DeviceIn, responses={201: DeviceOut}, tags=["users"])
    def create(self, request: Request) -> Response:
        asked = self.read(DeviceIn)
        session_id = context.caller().session_id
        device = services.add_device(
            member=request.user,
            token=asked["token"],
            platform=asked["platform"],
            session_id=UUID(session_id) if session_id else None,
            at=timezone.now(),
        )
        return Response(DeviceOut(device).data, status=201)

    @extend_schema(responses={204: None}, tags=["users"])
    def destroy(self, request: Request, pk: UUID) -> Response:
        services.drop_device(member=request.user, device_id=pk)
        return Response(status=204)


class InboxViewSet(ApiViewSet):
    """The caller's messages."""

    permission_classes = [Can("users.me.notifications")]

    @extend_schema(responses=MessageOut(many=True), tags=["users"])
    def list(self, request: Request) -> Response:
        rows = self.paginate_queryset(queries.inbox_of(request.user.pk))
        words = Library()
        data = [message_data(row, words=words) for row in rows or []]
        return self.get_paginated_response(MessageOut(data, many=True).data)

    @extend_schema(responses=MessageOut, tags=["users"])
    def retrieve(self, request: Request, pk: UUID) -> Response:
        """One message: a push carries its id and no words."""
        row = queries.inbox_of(request.user.pk).filter(pk=pk).first()
        if row is None:
            raise NotFound
        return Response(MessageOut(message_data(row, words=Library())).data)

    @extend_schema(request=ReadIn, responses=ReadOut, tags=["users"])
    def read_them(self, request: Request) -> Response:
        asked = self.read(ReadIn)
        marked = services.mark_read(member=request.user, ids=asked.get("ids"), at=timezone.now())
        return Response({"marked": marked, "unread": queries.unread_count(request.user.pk)})


class PreferencesViewSet(ApiViewSet):
    """Which topics reach the caller by which channel. Safety of the account always does."""

    permission_classes = [Can("users.me.notifications")]

    @extend_schema(responses=PreferencesOut, tags=["users"])
    def retrieve(self, request: Request) -> Response:
        muted = queries.mutes_of(request.user.pk)
        rows = [
            {
                "topic": topic,
                "channel": channel.value,
                "wanted": (topic, channel.value) not in muted,
            }
            for topic, _name in MUTABLE
            for channel in Channel
        ]
        return Response({"preferences": rows})

    @extend_schema(request=PreferencesIn, responses=PreferencesOut, tags=["users"])
    def update(self, request: Request) -> Response:
        asked = self.read(PreferencesIn)
        services.set_preferences(
            member=request.user,
            wanted={(one["topic"], one["channel"]): one["wanted"] for one in asked["preferences"]},
        )
        return self.retrieve(request)
