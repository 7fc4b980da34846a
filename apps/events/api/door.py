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
from apps.events import queries, rules, services
from apps.events.api.serializers import (
    AttendeeOut,
    AwareMoment,
    CheckInIn,
    RosterOut,
    ScanOut,
    attendee_data,
    roster_data,
)
from apps.events.models import Event
from apps.events.services import Seen, Shown, tickets

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
        asked = SinceIn(data=request.query_params)
        asked.is_valid(raise_exception=True)
        rows = queries.roster(event, since=asked.validated_data.get("since"))
        data = {
            "keys": tickets.public_keys(),
            "taken_at": at,
            "guests": [roster_data(row) for row in rows],
        }
        return Response(RosterOut(data).data)

    @extend_schema(request=CheckInIn, responses=ScanOut(many=True), tags=TAGS)
    def check_in(self, request: Request, pk: UUID) -> Response:
        event, at = self.find(pk), timezone.now()
        asked = self.read(CheckInIn)
        if asked.get("code"):
            shown = [Shown(nonce=str(new_id()), at=at, code=asked["code"])]
        else:
            shown = [Shown(**{"at": at} | one) for one in asked["scans"]]
        seen = services.check_in(event=event, shown=shown, by=request.user, at=at)
        answers = [dict(ScanOut(scan_data(one)).data) for one in seen]
        return Response(answers[0] if asked.get("code") else answers)


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


def scan_data(seen: Seen) -> dict[str, Any]:
    scan, person = seen.scan, seen.registration
    late = (scan.server_at - scan.device_at).total_seconds() > rules.LATE_SCAN_MINUTES * 60
    member = person.member if person else None
    return {
        "nonce": scan.nonce,
        "result": scan.result,
        "message": scan.get_result_display(),
        "registration_id": scan.registration_id,
        "first_name": member.first_name if member else None,
        "seats": sorted(seat.number for seat in person.seats.all()) if person else [],
        "would_refuse": scan.would_refuse,
        "late": late,
        "first": {"at": seen.first.device_at, "device": seen.first.device} if seen.first else None,
    }
