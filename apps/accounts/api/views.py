from typing import Any

from django.http import HttpRequest, JsonResponse
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts import keys, services
from apps.accounts.api.serializers import (
    ProfileIn,
    RefreshIn,
    SendCodeIn,
    SendCodeOut,
    SignedInOut,
    TokensOut,
    UserOut,
    VerifyCodeIn,
    tokens_data,
    user_data,
)
from apps.core import context
from apps.core.http.permissions import Anyone
from apps.core.http.views import ApiViewSet, MemberViewSet


class AuthViewSet(ApiViewSet):
    """Sign-in by a code sent to the phone."""

    authentication_classes: list[Any] = []
    permission_classes = [Anyone]

    @extend_schema(request=SendCodeIn, responses=SendCodeOut, tags=["auth"])
    def send_code(self, request: Request) -> Response:
        asked = self.read(SendCodeIn)
        sent = services.send_code(phone=asked["phone"], at=timezone.now())
        return Response(SendCodeOut(sent).data)

    @extend_schema(request=VerifyCodeIn, responses=SignedInOut, tags=["auth"])
    def verify_code(self, request: Request) -> Response:
        asked = self.read(VerifyCodeIn)
        device = asked.get("device", {})
        done = services.sign_in(
            code_id=asked["code_id"],
            code=asked["code"],
            at=timezone.now(),
            device_name=device.get("name", ""),
            platform=device.get("platform", ""),
            address=context.caller().address,
        )
        answer = tokens_data(done.tokens)
        return Response(answer | {"is_new": done.is_new, "user": user_data(done.user)})

    @extend_schema(request=RefreshIn, responses=TokensOut, tags=["auth"])
    def refresh(self, request: Request) -> Response:
        asked = self.read(RefreshIn)
        fresh = services.refresh(refresh_token=asked["refresh_token"], at=timezone.now())
        return Response(tokens_data(fresh))


class MeViewSet(MemberViewSet):
    """The caller's own profile."""

    @extend_schema(responses=UserOut, tags=["users"])
    def retrieve(self, request: Request) -> Response:
        return Response(user_data(request.user))

    @extend_schema(request=ProfileIn, responses=UserOut, tags=["users"])
    def partial_update(self, request: Request) -> Response:
        asked = self.read(ProfileIn, partial=True)
        user = services.update_profile(user=request.user, changes=asked)
        return Response(user_data(user))


def jwks(request: HttpRequest) -> JsonResponse:
    """Public signing keys."""
    response = JsonResponse(keys.jwks())
    response["Cache-Control"] = "public, max-age=300"
    return response
