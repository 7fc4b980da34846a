from datetime import timedelta
from typing import Any, ClassVar

from django.conf import settings
from django.http import HttpRequest, JsonResponse
from django.utils import timezone
from django.utils.module_loading import import_string
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts import keys, queries, rules, services
from apps.accounts.api.privacy import ErasedOut
from apps.accounts.api.serializers import (
    CardOut,
    ConfirmedOut,
    ConfirmIn,
    ProfileIn,
    RefreshIn,
    SendCodeIn,
    SendCodeOut,
    SessionOut,
    SignedInOut,
    TokensOut,
    UserOut,
    VerifyCodeIn,
    tokens_data,
    user_data,
)
from apps.accounts.permissions import Can
from apps.core import context
from apps.core.http.views import ApiViewSet

DEVICE_HEADER = OpenApiParameter(
    "X-Device-Id",
    str,
    OpenApiParameter.HEADER,
    description="An id that the app made for itself once; at most 128 characters.",
)

# The first screen is composed of other apps' shapes (svoykrug/overview.py): named, not imported.
_NEXT_EVENT = {
    "type": "object",
    "nullable": True,
    "properties": {
        "id": {"type": "string", "format": "uuid"},
        "title": {"type": "string"},
        "startsAt": {"type": "string", "format": "date-time"},
        "state": {"$ref": "#/components/schemas/RegistrationState"},
    },
    "required": ["id", "title", "startsAt", "state"],
}
OVERVIEW = {
    "type": "object",
    "properties": {
        "balance": {"$ref": "#/components/schemas/BalanceOut"},
        "status": {"$ref": "#/components/schemas/StatusOut"},
        "nextEvent": _NEXT_EVENT,
        "newestCoupons": {"type": "array", "items": {"$ref": "#/components/schemas/CouponOut"}},
        "unreadCount": {"type": "integer"},
    },
    "required": ["balance", "status", "nextEvent", "newestCoupons", "unreadCount"],
}


def asker_of(request: Request) -> services.Asker:
    device = request.headers.get("X-Device-Id", "").strip()[:128]
    return services.Asker(address=context.caller().address, device=device)


class AuthViewSet(ApiViewSet):
    """Sign-in by a code sent to the phone."""

    authentication_classes: list[Any] = []
    limits: ClassVar = {"refresh": ("", "300/hour")}
    permission_classes = [
        Can(send_code="auth.send_code", verify_code="auth.verify_code", refresh="auth.refresh")
    ]

    @extend_schema(
        request=SendCodeIn, responses=SendCodeOut, parameters=[DEVICE_HEADER], tags=["auth"]
    )
    def send_code(self, request: Request) -> Response:
        asked = self.read(SendCodeIn)
        sent = services.send_code(phone=asked["phone"], at=timezone.now(), asker=asker_of(request))
        return Response(SendCodeOut(sent).data)

    @extend_schema(
        request=VerifyCodeIn, responses=SignedInOut, parameters=[DEVICE_HEADER], tags=["auth"]
    )
    def verify_code(self, request: Request) -> Response:
        asked = self.read(VerifyCodeIn)
        device = asked.get("device", {})
        done = services.sign_in(
            code_id=asked["code_id"],
            code=asked["code"],
            at=timezone.now(),
            device_name=device.get("name", ""),
            platform=device.get("platform", ""),
            referral_code=asked.get("referral_code", ""),
            asker=asker_of(request),
        )
        answer = tokens_data(done.tokens)
        return Response(answer | {"is_new": done.is_new, "user": user_data(done.user)})

    @extend_schema(request=RefreshIn, responses=TokensOut, tags=["auth"])
    def refresh(self, request: Request) -> Response:
        asked = self.read(RefreshIn)
        fresh = services.refresh(refresh_token=asked["refresh_token"], at=timezone.now())
        return Response(tokens_data(fresh))


class ConfirmViewSet(ApiViewSet):
    """The second factor once more, for what asks for a fresh one."""

    permission_classes = [Can("auth.confirm")]

    @extend_schema(request=ConfirmIn, responses=ConfirmedOut, tags=["auth"])
    def create(self, request: Request) -> Response:
        """Six digits of the code app, or a recovery code. Counts for 15 minutes, as signing in."""
        at, asked = timezone.now(), self.read(ConfirmIn)
        code = rules.plain_recovery_code(asked["code"])
        services.confirm_factor(user=request.user, code=code, at=at, session=request.auth)
        until = at + timedelta(seconds=rules.FRESH_FOR)
        return Response(ConfirmedOut({"fresh_until": until}).data)


class MeViewSet(ApiViewSet):
    """The caller's own profile."""

    permission_classes = [
        Can(retrieve="users.me.read", partial_update="users.me.change", destroy="users.me.erase")
    ]

    @extend_schema(responses=UserOut, tags=["users"])
    def retrieve(self, request: Request) -> Response:
        return Response(user_data(request.user))

    @extend_schema(request=ProfileIn, responses=UserOut, tags=["users"])
    def partial_update(self, request: Request) -> Response:
        asked = self.read(ProfileIn, partial=True)
        user = services.update_profile(user=request.user, changes=asked)
        return Response(user_data(user))

    @extend_schema(request=None, responses={202: ErasedOut}, tags=["users"])
    def destroy(self, request: Request) -> Response:
        """Erasure. Her data is gone when this answers; other apps follow within seconds."""
        erasure = services.erase_person(
            user=request.user, at=timezone.now(), because="asked", by=request.user
        )
        return Response(ErasedOut({"erased_at": erasure.at}).data, status=202)


class OverviewViewSet(ApiViewSet):
    """What the app's first screen shows."""

    permission_classes = [Can("users.me.overview")]

    @extend_schema(responses={200: OVERVIEW}, tags=["users"])
    def retrieve(self, request: Request) -> Response:
        """Balance, status with progress, next event, newest coupons, unread count in one call."""
        compose = import_string(settings.MEMBER_OVERVIEW)
        return Response(compose(request.user, at=timezone.now()))


class MySessionsViewSet(ApiViewSet):
    """Devices where the caller is signed in."""

    permission_classes = [Can("users.me.sessions")]

    @extend_schema(responses=SessionOut(many=True), tags=["users"])
    def list(self, request: Request) -> Response:
        rows = self.paginate_queryset(queries.live_sessions(request.user.pk))
        shown = SessionOut(rows, many=True, context={"current": request.auth.pk})
        return self.get_paginated_response(shown.data)

    @extend_schema(responses={204: None}, tags=["users"])
    def destroy(self, request: Request, session_id: str) -> Response:
        services.end_own_session(
            user=request.user,
            session_id=request.auth.pk if session_id == "current" else session_id,
            at=timezone.now(),
        )
        return Response(status=204)


class MyCardViewSet(ApiViewSet):
    """The caller's card as a QR."""

    permission_classes = [Can("users.me.card")]

    @extend_schema(responses=CardOut, tags=["users"])
    def retrieve(self, request: Request) -> Response:
        return Response(CardOut(services.show_card(user=request.user, at=timezone.now())).data)


def jwks(request: HttpRequest) -> JsonResponse:
    """Public signing keys."""
    response = JsonResponse(keys.jwks())
    response["Cache-Control"] = "public, max-age=300"
    return response
