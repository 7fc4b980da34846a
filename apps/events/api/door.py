"""For those who organise: the roster, scans at the door, who comes."""

from typing import Any
from uuid import UUID

from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.permissions import Can
from apps.core.errors import NotFound
from apps.core.http.views import ApiViewSet
from apps.core.ids import new_id
from apps.events import queries, services
from apps.events.api.door_serializers import (
    AttendeeOut,
    CheckInIn,
    RosterOut,
    ScanOut,
    attendee_data,
    roster_data,
    scan_data,
)
from apps.events.api.serializers import AwareMoment
from apps.events.models import Event
from apps.events.services import Shown, tickets

TAGS = ["events"]


class SinceIn(serializers.Serializer[Any]):
    since = AwareMoment(required=False)


class DoorViewSet(ApiViewSet):
    permission_classes = [Can("events.check_in")]

    def find(self, pk: UUID) -> Event:
        """An event at whose door she stands; any other does not exist for her."""
        event = Event.objects.select_related("business").filter(pk=pk).first()
        if event is None or not services.may_check_in(self.request.user, event):
            raise NotFound
        return event

    @extend_schema(responses=RosterOut, tags=TAGS, parameters=[OpenApiParameter("since", str)])
    def roster(self, request: Request, pk: UUID) -> Response:
        event, at = self.find(pk), timezone.now()
        rows = queries.roster(event, since=self.read_query(SinceIn).get("since"))
        data = {
            "keys": tickets.public_keys(),
            "taken_at": at,
            "question": event.question,
            "guests": [roster_data(event, row) for row in rows],
        }
        return Response(RosterOut(data).data)

    @extend_schema(request=CheckInIn, responses=ScanOut(many=True), tags=TAGS)
    def check_in(self, request: Request, pk: UUID) -> Response:
        """An answer per scan; one `code` is one scan."""
        event, at = self.find(pk), timezone.now()
        asked = self.read(CheckInIn)
        if asked.get("code"):
            nonce, answer = str(new_id()), asked["answer"]
            shown = [Shown(nonce=nonce, at=at, code=asked["code"], answer=answer)]
        else:
            shown = [Shown(**{"at": at} | one) for one in asked["scans"]]
        sent_at = asked.get("sent_at")
        seen = services.check_in(event=event, shown=shown, by=request.user, at=at, sent_at=sent_at)
        return Response([dict(ScanOut(scan_data(one)).data) for one in seen])


class AttendeeViewSet(ApiViewSet):
    permission_classes = [Can("events.attendees")]
    queryset = Event.objects.none()
    page_by = "joined_at"

    @extend_schema(responses=AttendeeOut(many=True), tags=TAGS)
    def list(self, request: Request, pk: UUID) -> Response:
        event = Event.objects.select_related("business").filter(pk=pk).first()
        if event is None or not services.may_host(request.user, event):
            raise NotFound
        rows = self.paginate_queryset(queries.attendees(event)) or []
        return self.get_paginated_response(
            [dict(AttendeeOut(attendee_data(row)).data) for row in rows]
        )
