"""What devices at the door send and get."""

from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from apps.core.http.serializers import In, MomentOut, Out
from apps.events import rules
from apps.events.api.serializers import AwareMoment
from apps.events.enums import Place, Scanned
from apps.events.models import Event, EventRegistration
from apps.events.services import Seen, is_unanswered


# --- what calls take ------------------------------------------------------------------------------
class ScanIn(In):
    nonce = serializers.CharField(max_length=64)
    code = serializers.CharField(max_length=400, required=False, default="")
    registration_id = serializers.UUIDField(required=False)
    at = AwareMoment(required=False)
    offline = serializers.BooleanField(default=False)
    device = serializers.CharField(max_length=60, required=False, default="")
    reason = serializers.CharField(max_length=300, required=False, default="")
    identity_checked = serializers.BooleanField(
        default=False, help_text="wanted for a guest found by name"
    )
    answer = serializers.BooleanField(
        required=False, allow_null=True, default=None, help_text="to the event's question"
    )

    def validate(self, given: dict[str, Any]) -> dict[str, Any]:
        if not given["code"] and not given.get("registration_id"):
            raise serializers.ValidationError({"code": [_("A code or a registration is needed.")]})
        return given


class CheckInIn(In):
    code = serializers.CharField(max_length=400, required=False)
    scans = ScanIn(many=True, required=False)
    answer = serializers.BooleanField(required=False, allow_null=True, default=None)
    sent_at = AwareMoment(
        required=False, help_text="the device's clock at this call: how far it is off is kept"
    )

    def validate(self, given: dict[str, Any]) -> dict[str, Any]:
        if bool(given.get("code")) == bool(given.get("scans")):
            raise serializers.ValidationError({"code": [_("Send a code or a list of scans.")]})
        if len(given.get("scans") or []) > 200:
            raise serializers.ValidationError({"scans": [_("At most 200 scans in one call.")]})
        return given


# --- what calls answer ----------------------------------------------------------------------------
class FirstScanOut(Out):
    at = MomentOut()
    device = serializers.CharField()


class ScanOut(Out):
    nonce = serializers.CharField()
    result = serializers.ChoiceField(Scanned.choices)
    message = serializers.CharField()
    registration_id = serializers.UUIDField(allow_null=True)
    first_name = serializers.CharField(allow_null=True)
    seats = serializers.ListField(child=serializers.IntegerField())
    would_refuse = serializers.BooleanField()
    late = serializers.BooleanField()
    first = FirstScanOut(allow_null=True)
    question = serializers.CharField(
        allow_null=True, help_text="to be asked when the result is needs_answer"
    )


class RosterRowOut(Out):
    registration_id = serializers.UUIDField()
    state = serializers.ChoiceField(Place.choices)
    first_name = serializers.CharField()
    phone_ends = serializers.CharField()
    seats = serializers.ListField(child=serializers.IntegerField())
    ticket = serializers.IntegerField()
    needs_answer = serializers.BooleanField()


class RosterOut(Out):
    keys = serializers.DictField(child=serializers.CharField())
    taken_at = MomentOut()
    question = serializers.CharField(
        help_text="asked of guests whose needsAnswer is true; or empty"
    )
    guests = RosterRowOut(many=True)


class AttendeeOut(Out):
    id = serializers.UUIDField()
    first_name = serializers.CharField()
    tier = serializers.CharField()
    state = serializers.ChoiceField(Place.choices)
    guests = serializers.IntegerField()
    seats = serializers.ListField(child=serializers.IntegerField())
    joined_at = MomentOut()
    answer = serializers.BooleanField(allow_null=True)


def attendee_data(row: EventRegistration) -> dict[str, Any]:
    member = row.member
    return {
        "id": row.pk,
        "first_name": member.first_name if member else "",
        "tier": member.tier.code if member else "",
        "state": row.state,
        "guests": row.guests,
        "seats": sorted(seat.number for seat in row.seats.all()),
        "joined_at": row.joined_at,
        "answer": row.answer,
    }


def roster_data(event: Event, row: EventRegistration) -> dict[str, Any]:
    member = row.member
    return {
        "registration_id": row.pk,
        "state": row.state,
        "first_name": member.first_name if member else "",
        "phone_ends": member.masked_phone[-5:] if member else "",
        "seats": sorted(seat.number for seat in row.seats.all()),
        "ticket": row.ticket,
        "needs_answer": is_unanswered(event, row),
    }


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
        "question": scan.event.question if scan.result == Scanned.NEEDS_ANSWER else None,
        "first": {"at": seen.first.device_at, "device": seen.first.device} if seen.first else None,
    }
