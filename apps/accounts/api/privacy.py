"""What a person decides about her own data: consents, a copy of everything, erasure."""

from typing import Any, ClassVar

from django.conf import settings
from django.utils import timezone, translation
from django.utils.module_loading import import_string
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts import queries, services
from apps.accounts.enums import ConsentPurpose
from apps.accounts.permissions import Can
from apps.core.http.serializers import In, MomentOut, Out
from apps.core.http.views import ApiViewSet


class AnswerIn(In):
    given = serializers.BooleanField()
    version = serializers.IntegerField(min_value=1, required=False)


@extend_schema_field(
    {
        "oneOf": [
            {"type": "boolean"},
            {
                "type": "object",
                "properties": {"given": {"type": "boolean"}, "version": {"type": "integer"}},
                "required": ["given"],
            },
        ]
    }
)
class AnswerField(serializers.Field[Any, Any, Any, Any]):
    """`true`, `false`, or `{given, version}` with the version of the text that was shown."""

    def to_internal_value(self, data: Any) -> services.Answer:
        if isinstance(data, bool):
            data = {"given": data}
        checked = AnswerIn(data=data)
        checked.is_valid(raise_exception=True)
        return services.Answer(**checked.validated_data)


class ConsentsIn(In):
    """A purpose that is left out keeps its answer. Nothing is ticked for anybody."""

    personal_data = AnswerField(required=False)
    special_data = AnswerField(required=False)
    marketing_push = AnswerField(required=False)
    marketing_sms = AnswerField(required=False)
    marketing_email = AnswerField(required=False)


class ConsentOut(Out):
    given = serializers.BooleanField()
    version = serializers.IntegerField(allow_null=True, help_text="of the text she answered to")
    at = MomentOut(allow_null=True, help_text="null: she was never asked")
    current_version = serializers.IntegerField(help_text="of the text below")
    text = serializers.CharField(help_text="what a yes would mean now, in the caller's language")


class ConsentsOut(Out):
    personal_data = ConsentOut()
    special_data = ConsentOut()
    marketing_push = ConsentOut()
    marketing_sms = ConsentOut()
    marketing_email = ConsentOut()


class ErasedOut(Out):
    erased_at = MomentOut()


class PrivacyViewSet(ApiViewSet):
    """The caller's own consents and her copy; her erasure is `DELETE /users/me`."""

    limits: ClassVar = {"export": ("5/day", "")}
    permission_classes = [
        Can(consents="users.me.consents", answer="users.me.consents", export="users.me.export")
    ]

    @extend_schema(responses=ConsentsOut, tags=["users"])
    def consents(self, request: Request) -> Response:
        return Response(_consents(request))

    @extend_schema(request=ConsentsIn, responses=ConsentsOut, tags=["users"])
    def answer(self, request: Request) -> Response:
        asked = self.read(ConsentsIn)
        services.answer_consents(
            member=request.user,
            answers={ConsentPurpose(name): answer for name, answer in asked.items()},
            at=timezone.now(),
            proof=f"session:{request.auth.pk}",
        )
        return Response(_consents(request))

    @extend_schema(responses={200: dict}, tags=["users"])
    def export(self, request: Request) -> Response:
        """One JSON document; its parts come from every app that holds something."""
        services.note_export(user=request.user)
        compose = import_string(settings.MEMBER_EXPORT)
        return Response(compose(request.user, at=timezone.now()))


def _consents(request: Request) -> dict[str, Any]:
    states = queries.consents_of(request.user.pk, language=translation.get_language() or "ru")
    return dict(ConsentsOut({state.purpose: state for state in states}).data)
