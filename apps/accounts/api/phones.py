"""The caller's new number."""

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts import queries, rules, services
from apps.accounts.api.serializers import SendCodeIn, SendCodeOut, UserOut, user_data
from apps.accounts.api.views import DEVICE_HEADER, asker_of
from apps.accounts.permissions import Can
from apps.core.http.serializers import In, MomentOut, Out
from apps.core.http.views import ApiViewSet


class PhoneCodesOut(Out):
    old_code_id = serializers.UUIDField()
    new_code_id = serializers.UUIDField()
    expires_in = serializers.IntegerField(help_text="seconds")
    resend_in = serializers.IntegerField(help_text="seconds")


class PhoneConfirmIn(In):
    old_code_id = serializers.UUIDField()
    old_code = serializers.RegexField(rules.CODE_SHAPE)
    new_code_id = serializers.UUIDField()
    new_code = serializers.RegexField(rules.CODE_SHAPE)


class PhoneMoveIn(In):
    code_id = serializers.UUIDField()
    code = serializers.RegexField(rules.CODE_SHAPE)


class PhoneMoveOut(Out):
    phone = serializers.CharField(
        source="masked", allow_null=True, help_text="the new number, masked; null: none waits"
    )
    asked_at = MomentOut(allow_null=True)
    due_at = MomentOut(allow_null=True, help_text="from when it is hers")


class PhoneViewSet(ApiViewSet):
    """A code goes to the old number and one to the new; both are wanted back."""

    permission_classes = [Can("users.me.phone")]

    @extend_schema(
        request=SendCodeIn, responses=PhoneCodesOut, parameters=[DEVICE_HEADER], tags=["users"]
    )
    def ask(self, request: Request) -> Response:
        asked = self.read(SendCodeIn)
        sent = services.ask_phone_change(
            user=request.user, phone=asked["phone"], at=timezone.now(), asker=asker_of(request)
        )
        answer = {
            "old_code_id": sent.old.code_id,
            "new_code_id": sent.new.code_id,
            "expires_in": sent.new.expires_in,
            "resend_in": max(sent.old.resend_in, sent.new.resend_in),
        }
        return Response(PhoneCodesOut(answer).data)

    @extend_schema(
        request=PhoneConfirmIn, responses=UserOut, parameters=[DEVICE_HEADER], tags=["users"]
    )
    def confirm(self, request: Request) -> Response:
        """She stays signed in here and is signed out everywhere else."""
        asked = self.read(PhoneConfirmIn)
        user = services.change_phone(
            user=request.user,
            old=services.Proof(asked["old_code_id"], asked["old_code"]),
            new=services.Proof(asked["new_code_id"], asked["new_code"]),
            keep=request.auth,
            at=timezone.now(),
            asker=asker_of(request),
        )
        return Response(user_data(user))


class PhoneMoveViewSet(ApiViewSet):
    """The old number is lost: a code goes to the new one alone, and 72 hours pass in which she may
    object from any of her devices, or by signing in with a code to the old number."""

    permission_classes = [Can("users.me.phone")]

    @extend_schema(
        request=SendCodeIn, responses=SendCodeOut, parameters=[DEVICE_HEADER], tags=["users"]
    )
    def ask(self, request: Request) -> Response:
        asked = self.read(SendCodeIn)
        sent = services.ask_phone_move(
            user=request.user, phone=asked["phone"], at=timezone.now(), asker=asker_of(request)
        )
        return Response(SendCodeOut(sent).data)

    @extend_schema(
        request=PhoneMoveIn, responses={202: PhoneMoveOut}, parameters=[DEVICE_HEADER],
        tags=["users"],
    )  # fmt: skip
    def confirm(self, request: Request) -> Response:
        asked = self.read(PhoneMoveIn)
        move = services.wait_for_phone_move(
            user=request.user,
            new=services.Proof(asked["code_id"], asked["code"]),
            session=request.auth,
            at=timezone.now(),
            asker=asker_of(request),
        )
        return Response(PhoneMoveOut(move).data, status=202)

    @extend_schema(responses=PhoneMoveOut, tags=["users"])
    def retrieve(self, request: Request) -> Response:
        move = queries.phone_move_of(request.user)
        nothing = {"masked": None, "asked_at": None, "due_at": None}
        return Response(PhoneMoveOut(move or nothing).data)

    @extend_schema(responses={204: None}, tags=["users"])
    def destroy(self, request: Request) -> Response:
        services.cancel_phone_move(user=request.user)
        return Response(status=204)
