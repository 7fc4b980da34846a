from typing import Any
from uuid import UUID

from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts import rights
from apps.accounts.permissions import Can
from apps.businesses.models import Role
from apps.businesses.queries import businesses_of
from apps.core.errors import NotFound, Refused
from apps.core.http.idempotency import idempotent
from apps.core.http.views import ApiViewSet
from apps.crosspromo import queries, services
from apps.crosspromo.api.serializers import (
    ActionIn,
    ChainIn,
    SimulateIn,
    chain_data,
    draft_of,
    funnels,
    pair_data,
    played_data,
    replayed_data,
    suggestion_data,
)
from apps.crosspromo.api.shapes import ChainOut, SuggestionOut, TrialOut, WinWinOut
from apps.crosspromo.models import Chain

KEY = [OpenApiParameter("Idempotency-Key", str, "header", required=True)]
MATCH = [OpenApiParameter("If-Match", str, "header", required=True)]
BUSINESS = [OpenApiParameter("businessId", str)]


class MatchMissing(Refused):
    code = "MALFORMED"
    message = _("Send the ETag of what you saw as If-Match.")


class ChainViewSet(ApiViewSet):
    """Chains that the caller's businesses take part in; admins oversee all."""

    permission_classes = [Can("chains.own")]
    queryset = Chain.objects.none()
    page_by = "created_at"
    lookup_value_converter = "uuid"

    @extend_schema(
        responses=ChainOut(many=True),
        tags=["cross-promo"],
    )
    def list(self, request: Request) -> Response:
        rows = self.paginate_queryset(queries.chains_seen_by(request.user))
        return self.get_paginated_response([chain_data(row, by=request.user) for row in rows])

    @extend_schema(request=ChainIn, responses={201: ChainOut}, tags=["cross-promo"], parameters=KEY)
    @idempotent
    def create(self, request: Request) -> Response:
        draft = draft_of(self.read(ChainIn))
        made = services.create_chain(draft=draft, by=request.user, at=timezone.now())
        return self._answer(request, made.pk, status=201)

    @extend_schema(responses=ChainOut, tags=["cross-promo"])
    def retrieve(self, request: Request, pk: UUID) -> Response:
        return self._answer(request, pk)

    @extend_schema(request=ActionIn, responses=ChainOut, tags=["cross-promo"], parameters=MATCH)
    def partial_update(self, request: Request, pk: UUID) -> Response:
        """`{action}` accepts, declines, pauses, resumes, leaves or ends; a whole chain in the body
        proposes new terms, which count once every partner has accepted."""
        chain = services.find_chain(chain_id=pk, by=request.user)
        revision = self._revision(request)
        acts = isinstance(request.data, dict) and "action" in request.data
        if acts:
            asked = self.read(ActionIn)
            services.act_on_chain(
                chain=chain, by=request.user, revision=revision, at=timezone.now(), **asked
            )
        else:
            services.change_chain(
                chain=chain,
                draft=draft_of(self.read(ChainIn)),
                by=request.user,
                revision=revision,
                at=timezone.now(),
            )
        return self._answer(request, pk)

    @extend_schema(request=SimulateIn, responses=TrialOut, tags=["cross-promo"])
    def simulate(self, request: Request, pk: UUID) -> Response:
        """One guest played through the chain's newest version, and past purchases replayed: who
        pays what. Nothing is written. A clinic's chain is tried out by the clinic and admins."""
        chain = services.find_chain(chain_id=pk, by=request.user)
        asked, at = self.read(SimulateIn), timezone.now()
        version = chain.versions.order_by("-number").first()
        if version is None or self._is_secret(request, version):
            raise NotFound
        member = services.guest_to_play(
            chain=chain, by=request.user, member_id=asked.get("member_id")
        )
        played = services.play_chain(
            version=version, member=member, amount=asked.get("amount"), at=at
        )
        replayed = services.replay_chain(version=version, at=at, days=asked["days"])
        return Response(
            {
                "path": [played_data(one) for one in played],
                "replay": [replayed_data(one) for one in replayed],
            }
        )

    @staticmethod
    def _is_secret(request: Request, version: Any) -> bool:
        return any(
            step.from_business.is_clinic
            and not request.user.has_perm(rights.MANAGE, step.from_business)
            for step in version.steps.select_related("from_business")
        )

    def _answer(self, request: Request, pk: UUID, *, status: int = 200) -> Response:
        chain = services.find_chain(chain_id=pk, by=request.user)
        answer = Response(chain_data(chain, by=request.user, funnels=funnels(chain)), status=status)
        answer["ETag"] = chain.etag
        return answer

    @staticmethod
    def _revision(request: Request) -> int:
        given = request.headers.get("If-Match", "").strip().removeprefix("W/").strip('"')
        if not given:
            raise MatchMissing
        return int(given) if given.isdigit() and len(given) < 10 else -1


class FiguresViewSet(ApiViewSet):
    """What chains bring, and which are worth trying."""

    permission_classes = [Can("chains.own")]

    @extend_schema(responses=WinWinOut(many=True), tags=["cross-promo"])
    def win_win(self, request: Request) -> Response:
        pairs = services.win_win_matrix(by=request.user, at=timezone.now())
        return Response([pair_data(pair) for pair in pairs])

    @extend_schema(responses=SuggestionOut(many=True), tags=["cross-promo"])
    def recommendations(self, request: Request) -> Response:
        own = set(businesses_of(request.user, role=Role.OWNER).values_list("pk", flat=True))
        found = services.generate_recommendations()
        hers = [one for one in found if {one.sender.pk, one.receiver.pk} & own]
        return Response([suggestion_data(one) for one in hers])
