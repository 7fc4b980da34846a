from collections.abc import Sequence
from typing import Any, ClassVar
from uuid import UUID

from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts import rights
from apps.accounts.permissions import Can
from apps.businesses.queries import partners
from apps.core.errors import NotFound
from apps.core.http import lately
from apps.core.http.etags import revalidated
from apps.core.http.idempotency import idempotent
from apps.core.http.views import ApiViewSet
from apps.events import queries, services, watching
from apps.events.api.filters import EventFilter
from apps.events.api.serializers import (
    AnswerIn,
    CancelIn,
    ClaimOut,
    EventIn,
    EventOut,
    FeedbackIn,
    FeedbackOut,
    ModerateIn,
    ProposalIn,
    RegisterIn,
    RegistrationOut,
    SeatAnswerIn,
    SubmitIn,
    TicketOut,
    VoteIn,
    VoteOut,
    event_data,
    facts_data,
    registration_data,
    ticket_data,
    vote_data,
)
from apps.events.enums import ACTIVE, Kind, Place, State
from apps.events.models import Event, EventRegistration

TAGS = ["events"]
SHARED = 3  # seconds that a list is the same for all who have no part in any event
IF_MATCH = OpenApiParameter("If-Match", str, OpenApiParameter.HEADER, description="ETag of the GET")


class Events(ApiViewSet):
    """What the event viewsets share: finding one that the caller may know of."""

    queryset = Event.objects.none()

    def find(self, pk: UUID) -> Event:
        found = queries.events_for(self.request.user, at=timezone.now()).filter(pk=pk).first()
        if found is None:
            raise NotFound
        return found

    def card(self, event: Event) -> Response:
        """One event as this caller sees it, with its ETag."""
        user, at = self.request.user, timezone.now()
        event = Event.objects.select_related("business").get(pk=event.pk)
        facts = queries.facts_of([event], user, at=at)[0]
        data = event_data(facts)
        if data["votes"] and event.creator_id == user.pk:
            data["votes"]["by_tier"] = watching.tiers_for_author(event, at=at)
        if facts.mine:
            data["registration"] = self.registration(event, facts.mine, facts.position)
        response = Response(EventOut(data).data)
        response["ETag"] = event.etag
        return response

    def registration(
        self, event: Event, mine: EventRegistration, position: int | None = None
    ) -> dict[str, Any]:
        """Her own place whole: ticket, consequences of leaving, why she waits."""
        at, preview, because = timezone.now(), None, None
        if mine.state in ACTIVE and mine.state != Place.ATTENDED and event.state == State.PUBLISHED:
            preview = services.preview_of(event, mine, at=at)
        if position is not None:
            because = queries.why_not_me(event, mine, position=position, at=at)
        data = registration_data(
            event,
            mine,
            position=position,
            waits_because=because,
            preview=preview,
            with_ticket=True,
        )
        return dict(RegistrationOut(data).data)

    def my_place(self, event: Event) -> dict[str, Any]:
        """The caller's newest registration for this event."""
        event = Event.objects.get(pk=event.pk)
        facts = queries.facts_of([event], self.request.user, at=timezone.now())[0]
        if facts.mine is None:
            raise NotFound
        return self.registration(event, facts.mine, facts.position)


def version_of(request: Request) -> int | None:
    """What If-Match names; None without the header. A broken one matches nothing."""
    given = request.headers.get("If-Match", "").strip('W/" ')
    if not given or given == "*":
        return None
    return int(given) if given.isdigit() else -1


class EventViewSet(Events):
    """Events and proposals: one resource from draft to memories."""

    limits: ClassVar = {"vote": ("20/min", "")}
    permission_classes = [
        Can(
            list="events.read",
            retrieve="events.read",
            create="events.propose",
            partial_update="events.change",
            submit="events.propose",
            withdraw="events.propose",
            vote="events.vote",
            cancel="events.cancel",
            feedback="events.feedback",
        )
    ]
    filterset_class = EventFilter

    def get_queryset(self) -> Any:
        return queries.events_for(self.request.user, at=timezone.now())

    def along(self, request: Any) -> tuple[str, Sequence[Any]] | None:
        return (queries.PARTLESS, ()) if self.action == "list" else None

    @extend_schema(responses=EventOut(many=True), tags=TAGS)
    @revalidated
    def list(self, request: Request) -> Response:
        user: Any = request.user
        if not queries.is_stranger(user, is_partless=bool(request.auth.along)):
            return self._mine(request)
        asked = request.query_params.urlencode()
        return lately.shown(f"events:{asked}", lambda: self._mine(request), seconds=SHARED)

    def _mine(self, request: Request) -> Response:
        rows = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        facts = queries.facts_of(rows or [], request.user, at=timezone.now())
        return self.get_paginated_response(facts_data(facts))

    @extend_schema(responses=EventOut, tags=TAGS)
    def retrieve(self, request: Request, pk: UUID) -> Response:
        return self.card(self.find(pk))

    @extend_schema(request=EventIn, responses={201: EventOut}, tags=TAGS)
    def create(self, request: Request) -> Response:
        asked = self.read(EventIn if self.organises() else ProposalIn)
        asked.pop("reason", None)
        business_id = asked.pop("business_id", None)
        if business_id:
            asked["business"] = partners().filter(pk=business_id).first()
            if asked["business"] is None:
                raise NotFound
        event = services.create_event(asked, request.user, at=timezone.now())
        response = self.card(event)
        response.status_code = 201
        return response

    def organises(self) -> bool:
        """Admins and partners' owners plan events; members propose them."""
        return bool(rights.held(job=self.request.user.job) & rights.OWNER_OF)

    @extend_schema(request=EventIn, responses=EventOut, tags=TAGS, parameters=[IF_MATCH])
    def partial_update(self, request: Request, pk: UUID) -> Response:
        event, at = self.find(pk), timezone.now()
        mine = event.kind == Kind.PROPOSAL and event.creator_id == request.user.pk
        asked = self.read(EventIn if self.organises() else ProposalIn, partial=True)
        asked.pop("business_id", None)
        reason = asked.pop("reason", "")
        version = version_of(request)
        if mine and event.state not in (State.SCHEDULED, State.PUBLISHED):
            services.change_proposal(
                event=event, changes=asked, by=request.user, version=version, at=at
            )
        else:
            services.change_event(
                event=event, changes=asked, by=request.user, version=version, reason=reason, at=at
            )
        return self.card(event)

    @extend_schema(request=SubmitIn, responses=EventOut, tags=TAGS)
    def submit(self, request: Request, pk: UUID) -> Response:
        ticked = self.read(SubmitIn)["no_personal_data"]
        services.submit_proposal(
            event=self.find(pk), by=request.user, no_personal_data=ticked, at=timezone.now()
        )
        return self.card(self.find(pk))

    @extend_schema(request=None, responses=EventOut, tags=TAGS)
    def withdraw(self, request: Request, pk: UUID) -> Response:
        services.withdraw_proposal(event=self.find(pk), by=request.user, at=timezone.now())
        return self.card(self.find(pk))

    @extend_schema(request=VoteIn, responses=VoteOut, tags=TAGS)
    def vote(self, request: Request, pk: UUID) -> Response:
        event = self.find(pk)
        value = self.read(VoteIn)["value"]
        result = services.process_vote(request.user, event, value, at=timezone.now())
        return Response(VoteOut(vote_data(result, hidden=event.results_hidden)).data)

    @extend_schema(request=CancelIn, responses=EventOut, tags=TAGS)
    def cancel(self, request: Request, pk: UUID) -> Response:
        reason = self.read(CancelIn)["reason"]
        services.cancel_event(
            event=self.find(pk), by=request.user, reason=reason, at=timezone.now()
        )
        return self.card(self.find(pk))

    @extend_schema(request=FeedbackIn, responses={201: FeedbackOut}, tags=TAGS)
    def feedback(self, request: Request, pk: UUID) -> Response:
        asked = self.read(FeedbackIn)
        given = services.give_feedback(
            user=request.user, event=self.find(pk), at=timezone.now(), **asked
        )
        return Response(FeedbackOut(given).data, status=201)


class ModerationViewSet(Events):
    """The queue of proposals for the Inner Circle and admins. Never her own."""

    permission_classes = [Can("events.moderate")]
    page_by = "submitted_at"

    @extend_schema(responses=EventOut(many=True), tags=TAGS)
    def list(self, request: Request) -> Response:
        rows = self.paginate_queryset(queries.queue(request.user, at=timezone.now()))
        facts = queries.facts_of(rows or [], request.user, at=timezone.now())
        return self.get_paginated_response(facts_data(facts))

    @extend_schema(request=None, responses=ClaimOut, tags=TAGS)
    def claim(self, request: Request, pk: UUID) -> Response:
        case = services.claim_case(event=self.moderated(pk), by=request.user, at=timezone.now())
        return Response(ClaimOut({"until": case.claimed_until}).data)

    @extend_schema(request=ModerateIn, responses=EventOut, tags=TAGS)
    def moderate(self, request: Request, pk: UUID) -> Response:
        asked = self.read(ModerateIn)
        event = services.moderate(
            event=self.moderated(pk), by=request.user, at=timezone.now(), **asked
        )
        return self.card(event)

    def moderated(self, pk: UUID) -> Event:
        """Whatever was ever submitted is known to a moderator."""
        event = Event.objects.filter(pk=pk, submitted_at__isnull=False).first()
        if event is None:
            raise NotFound
        return event


class PlaceViewSet(Events):
    """Coming to an event: registering, answering an offer, the ticket."""

    limits: ClassVar = {"register": ("10/min", "60/min")}
    shared: ClassVar = {"register": ("", "200/sec")}  # of the whole network, at an opening
    permission_classes = [
        Can(
            register="events.register",
            offer="events.register",
            answer="events.mine",
            leave="events.mine",
            ticket="events.mine",
        )
    ]

    @extend_schema(
        request=RegisterIn, responses={201: RegistrationOut, 202: RegistrationOut}, tags=TAGS
    )
    @idempotent
    def register(self, request: Request, pk: UUID) -> Response:
        event = self.find(pk)
        wish = services.Wish(**self.read(RegisterIn))
        made = services.register_for_event(request.user, event, at=timezone.now(), wish=wish)
        confirmed = made.state in (Place.CONFIRMED, Place.ATTENDED)
        return Response(self.my_place(event), status=201 if confirmed else 202)

    @extend_schema(
        request=None,
        responses=RegistrationOut,
        tags=TAGS,
        parameters=[OpenApiParameter("expectedOutcome", str, description="of cancelPreview")],
    )
    def leave(self, request: Request, pk: UUID) -> Response:
        event = self.find(pk)
        expected = request.query_params.get("expectedOutcome")
        services.cancel_registration(
            user=request.user, event=event, at=timezone.now(), expected=expected
        )
        return Response(self.my_place(event))

    @extend_schema(request=SeatAnswerIn, responses=RegistrationOut, tags=TAGS)
    @idempotent
    def offer(self, request: Request, pk: UUID) -> Response:
        event = self.find(pk)
        accept = self.read(SeatAnswerIn)["accept"]
        services.answer_offer(user=request.user, event=event, accept=accept, at=timezone.now())
        return Response(self.my_place(event))

    @extend_schema(request=AnswerIn, responses=RegistrationOut, tags=TAGS)
    def answer(self, request: Request, pk: UUID) -> Response:
        """Her yes or no to the event's question; another answer takes its place."""
        event = self.find(pk)
        yes = self.read(AnswerIn)["answer"]
        services.answer_question(user=request.user, event=event, yes=yes, at=timezone.now())
        return Response(self.my_place(event))

    @extend_schema(responses=TicketOut, tags=TAGS)
    def ticket(self, request: Request, pk: UUID) -> Response:
        event = self.find(pk)
        mine = event.registrations.filter(
            member=request.user.pk, state__in=[Place.CONFIRMED, Place.ATTENDED]
        ).first()
        if mine is None:
            raise NotFound
        return Response(TicketOut(ticket_data(event, mine)).data)
