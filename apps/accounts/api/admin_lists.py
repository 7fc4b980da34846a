"""What admins look up: people, with the phone masked, and the audit log."""

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts import queries
from apps.accounts.api.filters import AuditFilter, PeopleFilter
from apps.accounts.api.serializers import TierOut
from apps.accounts.models import User
from apps.accounts.permissions import Can
from apps.core.errors import NotFound
from apps.core.http.serializers import MomentOut, Out
from apps.core.http.views import ApiViewSet
from apps.core.models import AuditEntry


class PersonLineOut(Out):
    """Phone and e-mail in part only: the whole number is shown in the admin, for a reason."""

    id = serializers.UUIDField()
    first_name = serializers.CharField()
    last_name = serializers.CharField()
    phone_masked = serializers.CharField(source="masked_phone")
    city = serializers.CharField()
    role = serializers.CharField()
    status = TierOut(source="tier")
    status_until = MomentOut(source="tier_locked_until", allow_null=True)
    card_number = serializers.CharField()
    joined_at = MomentOut()
    blocked_at = MomentOut(allow_null=True)


class PersonOut(PersonLineOut):
    locale = serializers.CharField()
    has_email = serializers.BooleanField()
    has_birth_date = serializers.BooleanField()
    has_second_factor = serializers.BooleanField()
    live_sessions = serializers.IntegerField()
    last_seen_at = MomentOut(allow_null=True)


class ActorOut(Out):
    id = serializers.UUIDField()
    name = serializers.CharField()
    role = serializers.CharField()


class ObjectOut(Out):
    type = serializers.CharField()
    id = serializers.CharField()


class AuditEntryOut(Out):
    id = serializers.CharField(help_text="number of the row")
    at = MomentOut()
    actor = serializers.SerializerMethodField()
    action = serializers.CharField()
    object = serializers.SerializerMethodField()
    business_id = serializers.UUIDField(allow_null=True)
    reason = serializers.CharField()
    address = serializers.CharField(allow_null=True)
    session_id = serializers.CharField()
    request_id = serializers.CharField()
    digest = serializers.CharField(help_text="keyed hash of what was changed")

    @extend_schema_field(ActorOut(allow_null=True))
    def get_actor(self, entry: Any) -> dict[str, Any] | None:
        """Null for jobs and commands. The role is the one she had then."""
        if entry.actor_id is None:
            return None
        name = (entry.actor_name or "").strip()
        return {"id": entry.actor_id, "name": name, "role": entry.actor_job or "member"}

    @extend_schema_field(ObjectOut)
    def get_object(self, entry: Any) -> dict[str, str]:
        return {"type": entry.object_type, "id": entry.object_id}


class PeopleViewSet(ApiViewSet):
    permission_classes = [Can(list="users.list", retrieve="users.read")]
    queryset = User.objects.none()
    filterset_class = PeopleFilter
    page_by = "joined_at"

    @extend_schema(responses=PersonLineOut(many=True), tags=["admin"])
    def list(self, request: Request) -> Response:
        return self.page(queries.everybody(), PersonLineOut)  # type: ignore[no-any-return]

    @extend_schema(responses=PersonOut, tags=["admin"])
    def retrieve(self, request: Request, pk: UUID) -> Response:
        person = queries.person_in_full(pk)
        if person is None:
            raise NotFound
        return Response(dict(PersonOut(person).data))


class AuditLogViewSet(ApiViewSet):
    permission_classes = [Can("audit.read")]
    queryset = AuditEntry.objects.none()
    filterset_class = AuditFilter
    page_by = "at"

    @extend_schema(responses=AuditEntryOut(many=True), tags=["admin"])
    def list(self, request: Request) -> Response:
        return self.page(queries.audit_log(), AuditEntryOut)  # type: ignore[no-any-return]
