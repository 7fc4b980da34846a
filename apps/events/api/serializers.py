from typing import Any
from zoneinfo import available_timezones

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from apps.core.http.serializers import In, MomentOut, MoneyIn, MoneyOut, Out
from apps.events.enums import Decision, Kind, Phase, Place, Reason, State
from apps.events.models import Event, EventRegistration
from apps.events.queries import Facts
from apps.events.rules import CancelPreview, seats_band
from apps.events.services import VoteResult, tickets


class CancelPreviewOut(Out):
    outcome = serializers.CharField()
    returned = MoneyOut()
    forfeited = MoneyOut()
    points = serializers.IntegerField()
    free_until = MomentOut(allow_null=True)


class TicketOut(Out):
    code = serializers.CharField()
    svg = serializers.CharField()
    valid_from = MomentOut()
    valid_to = MomentOut()


class RegistrationOut(Out):
    id = serializers.UUIDField()
    event_id = serializers.UUIDField()
    state = serializers.ChoiceField(Place.choices)
    guests = serializers.IntegerField()
    auto_accept = serializers.BooleanField()
    position = serializers.IntegerField(allow_null=True)
    waits_because = serializers.CharField(allow_null=True)
    offer_until = MomentOut(allow_null=True)
    paid = MoneyOut()
    returned = MoneyOut()
    seats = serializers.ListField(child=serializers.IntegerField())
    reason = serializers.CharField()
    deposit_held = serializers.BooleanField(help_text="what was paid is a deposit, still set aside")
    answer = serializers.BooleanField(allow_null=True, help_text="to the event's question")
    ticket = TicketOut(allow_null=True)
    cancel_preview = CancelPreviewOut(allow_null=True)


class HostOut(Out):
    id = serializers.UUIDField()
    name = serializers.CharField()


class TierVotesOut(Out):
    tier = serializers.CharField()
    voters = serializers.IntegerField()
    points = serializers.IntegerField()


class VotesOut(Out):
    points = serializers.IntegerField(allow_null=True)
    voters = serializers.IntegerField(allow_null=True)
    progress = serializers.FloatField(help_text="0 to 1, of whichever of the two is further off")
    threshold = serializers.DictField(child=serializers.IntegerField())
    until = MomentOut(allow_null=True)
    mine = serializers.IntegerField(allow_null=True)
    by_tier = TierVotesOut(
        many=True, allow_null=True, help_text="for the author alone: groups of five and more"
    )


class FeedbackOut(Out):
    rating = serializers.IntegerField()
    comment = serializers.CharField()
    answer = serializers.CharField(help_text="of the host; empty while there is none")


class EventOut(Out):
    id = serializers.UUIDField()
    kind = serializers.ChoiceField(Kind.choices)
    state = serializers.ChoiceField(State.choices)
    phase = serializers.ChoiceField(Phase.choices, allow_null=True)
    title = serializers.CharField()
    description = serializers.CharField()
    city = serializers.CharField()
    host = HostOut(allow_null=True)
    zone = serializers.CharField()
    starts_at = MomentOut(allow_null=True)
    ends_at = MomentOut(allow_null=True)
    registration_opens_at = MomentOut(allow_null=True)
    registration_closes_at = MomentOut(allow_null=True)
    place = serializers.CharField()
    address = serializers.CharField(allow_null=True, help_text="for confirmed guests only")
    price = MoneyOut()
    deposit = serializers.BooleanField(help_text="the price is set aside and given back on entry")
    question = serializers.CharField(
        help_text="yes or no, answered with the registration; or empty"
    )
    capacity = serializers.IntegerField()
    seats_left = serializers.ChoiceField(["none", "few", "many"], allow_null=True)
    waiting = serializers.IntegerField()
    guests_allowed = serializers.BooleanField()
    free_cancel_hours = serializers.IntegerField()
    contact = serializers.CharField()
    notes = serializers.CharField()
    rating = serializers.DecimalField(max_digits=2, decimal_places=1, allow_null=True)
    end_reason = serializers.CharField()
    votes = VotesOut(allow_null=True)
    registration = RegistrationOut(allow_null=True)
    feedback = FeedbackOut(allow_null=True, help_text="her own, with the host's answer")
    allowed_actions = serializers.ListField(child=serializers.CharField())
    created_at = MomentOut()


def votes_data(facts: Facts) -> dict[str, Any] | None:
    event = facts.event
    if event.need_points is None or event.need_voters is None:
        return None
    shown = facts.results_shown
    done = min(facts.points / event.need_points, facts.voters / event.need_voters, 1)
    return {
        "points": facts.points if shown else None,
        "voters": facts.voters if shown else None,
        "progress": round(done, 2),
        "threshold": {"points": event.need_points, "voters": event.need_voters},
        "until": event.voting_until,
        "mine": facts.my_vote.value if facts.my_vote else None,
        "by_tier": None,
    }


def registration_data(
    event: Event,
    registration: EventRegistration,
    *,
    position: int | None = None,
    waits_because: str | None = None,
    preview: CancelPreview | None = None,
    with_ticket: bool = False,
) -> dict[str, Any]:
    confirmed = registration.state in (Place.CONFIRMED, Place.ATTENDED)
    return {
        "id": registration.pk,
        "event_id": event.pk,
        "state": registration.state,
        "guests": registration.guests,
        "auto_accept": registration.auto_accept,
        "position": position,
        "waits_because": waits_because,
        "offer_until": registration.offer_until,
        "paid": registration.paid,
        "returned": registration.returned,
        "seats": sorted(seat.number for seat in registration.seats.all()),
        "reason": registration.reason,
        "deposit_held": registration.hold_id is not None,
        "answer": registration.answer,
        "ticket": ticket_data(event, registration) if with_ticket and confirmed else None,
        "cancel_preview": vars(preview) if preview else None,
    }


def ticket_data(event: Event, registration: EventRegistration) -> dict[str, Any]:
    code = tickets.sign(event, registration)
    since, until = tickets.window(event)
    return {"code": code, "svg": tickets.svg(code), "valid_from": since, "valid_to": until}


def event_data(facts: Facts) -> dict[str, Any]:
    """An event as its reader sees it, in the shape of EventOut: the envelope writes ids, moments
    and sums by itself. Serializers took half of the time of a list."""
    event, mine = facts.event, facts.mine
    confirmed = mine is not None and mine.state in (Place.CONFIRMED, Place.ATTENDED)
    band = seats_band(facts.free, event.capacity) if facts.phase else None
    return {
        "id": event.pk,
        "kind": event.kind,
        "state": event.state,
        "phase": facts.phase,
        "title": event.title,
        "description": event.description,
        "city": event.city,
        "host": {"id": event.business.pk, "name": event.business.name} if event.business else None,
        "zone": event.zone,
        "starts_at": event.starts_at,
        "ends_at": event.ends_at,
        "registration_opens_at": event.opens_at,
        "registration_closes_at": event.closes_at,
        "place": event.place,
        "address": event.address if confirmed else None,
        "price": event.price,
        "deposit": event.deposit,
        "question": event.question,
        "capacity": event.capacity,
        "seats_left": band,
        "waiting": facts.waiting,
        "guests_allowed": event.guests_allowed,
        "free_cancel_hours": event.free_cancel_hours,
        "contact": event.contact,
        "notes": event.notes,
        "rating": None if facts.rating is None else str(facts.rating),
        "end_reason": event.end_reason,
        "votes": votes_data(facts),
        "registration": registration_data(event, mine, position=facts.position) if mine else None,
        "feedback": getattr(mine, "feedback", None),
        "allowed_actions": facts.actions,
        "created_at": event.created_at,
    }


# --- what calls take ------------------------------------------------------------------------------
def known_zone(value: str) -> None:
    if value not in available_timezones():
        raise serializers.ValidationError(_("There is no such time zone."))


class AwareMoment(serializers.DateTimeField):
    """RFC 3339 with its zone: a moment without one is refused, not guessed."""

    default_error_messages = {"naive": _("Say the time with its zone, such as …T19:00:00+03:00.")}

    def enforce_timezone(self, value: Any) -> Any:
        if value.tzinfo is None:
            self.fail("naive")
        return value


class ProposalIn(In):
    title = serializers.CharField(max_length=120)
    description = serializers.CharField(max_length=4000)
    city = serializers.CharField(max_length=60)
    place = serializers.CharField(max_length=120, required=False, allow_blank=True)
    starts_at = AwareMoment(required=False, allow_null=True)
    ends_at = AwareMoment(required=False, allow_null=True)
    capacity = serializers.IntegerField(min_value=0, max_value=2000, required=False)

    def validate(self, given: dict[str, Any]) -> dict[str, Any]:
        since, until = given.get("starts_at"), given.get("ends_at")
        if since and until and until <= since:
            raise serializers.ValidationError({"ends_at": [_("The end comes after the start.")]})
        return given


class EventIn(ProposalIn):
    """Also what organisers set."""

    business_id = serializers.UUIDField(required=False, allow_null=True)
    zone = serializers.CharField(max_length=40, required=False, validators=[known_zone])
    address = serializers.CharField(max_length=300, required=False, allow_blank=True)
    registration_opens_at = AwareMoment(required=False, source="opens_at")
    registration_closes_at = AwareMoment(required=False, source="closes_at")
    guests_allowed = serializers.BooleanField(required=False)
    price = MoneyIn(required=False)
    free_cancel_hours = serializers.IntegerField(min_value=0, max_value=720, required=False)
    late_return_percent = serializers.IntegerField(min_value=0, max_value=100, required=False)
    attendance_bonus = MoneyIn(required=False)
    deposit = serializers.BooleanField(required=False)
    question = serializers.CharField(max_length=160, required=False, allow_blank=True)
    contact = serializers.CharField(max_length=120, required=False)
    notes = serializers.CharField(max_length=300, required=False)
    reason = serializers.CharField(max_length=500, required=False)


class SubmitIn(In):
    no_personal_data = serializers.BooleanField(default=True)


class VoteIn(In):
    value = serializers.ChoiceField([0, 1])


class ModerateIn(In):
    action = serializers.ChoiceField(Decision.choices)
    reason = serializers.ChoiceField(Reason.choices, required=False, default="")
    comment = serializers.CharField(max_length=1000, required=False, default="", allow_blank=True)


class RegisterIn(In):
    guests = serializers.IntegerField(min_value=0, max_value=1, default=0)
    alone_too = serializers.BooleanField(default=False)
    auto_accept = serializers.BooleanField(default=False)
    answer = serializers.BooleanField(required=False, allow_null=True, default=None)


class AnswerIn(In):
    answer = serializers.BooleanField()


class SeatAnswerIn(In):
    accept = serializers.BooleanField()


class CancelIn(In):
    reason = serializers.CharField(min_length=10, max_length=500)


class FeedbackIn(In):
    rating = serializers.IntegerField(min_value=1, max_value=5)
    comment = serializers.CharField(max_length=1000, required=False, default="", allow_blank=True)


# --- what calls answer ----------------------------------------------------------------------------
class VoteOut(Out):
    points = serializers.IntegerField(allow_null=True)
    voters = serializers.IntegerField(allow_null=True)
    threshold = serializers.DictField(child=serializers.IntegerField())
    mine = serializers.IntegerField(allow_null=True)
    state = serializers.ChoiceField(State.choices)


def vote_data(result: VoteResult, *, hidden: bool) -> dict[str, Any]:
    return {
        "points": None if hidden else result.points,
        "voters": None if hidden else result.voters,
        "threshold": {"points": result.need_points, "voters": result.need_voters},
        "mine": result.mine,
        "state": result.state,
    }


class FeedAddressOut(Out):
    url = serializers.CharField(help_text="shown once; asking again makes a new address")


class ClaimOut(Out):
    until = MomentOut()


def facts_data(facts: list[Facts]) -> list[dict[str, Any]]:
    return [event_data(one) for one in facts]
