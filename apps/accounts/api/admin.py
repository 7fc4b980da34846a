"""What admins do to a person: her role at the network, her tier by hand, blocking."""

from typing import Any
from uuid import UUID

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts import services
from apps.accounts.api.serializers import TierOut
from apps.accounts.enums import Job, TierCode
from apps.accounts.models import User
from apps.accounts.permissions import Can
from apps.core.errors import NotFound
from apps.core.http.serializers import In, MomentOut, Out, UntilIn
from apps.core.http.views import ApiViewSet

# Staff and owners are made at a business, by its owner.
ROLES = {"member": Job.NONE, "admin": Job.ADMIN, "superadmin": Job.SUPERADMIN}


class ReasonIn(In):
    # blank passes here: the service says in words what it wants
    reason = serializers.CharField(max_length=500, allow_blank=True)


class RoleIn(ReasonIn):
    role = serializers.ChoiceField([*ROLES])


class StatusIn(ReasonIn):
    status = serializers.ChoiceField(TierCode.choices)
    until = UntilIn(
        required=False,
        allow_null=True,
        help_text="a moment or the last day; may be left out for inner_circle only",
    )


class StandingOut(Out):
    id = serializers.UUIDField()
    role = serializers.CharField()
    pending_role = serializers.CharField(
        read_only=True, default=None, allow_null=True, help_text="waits for a second superadmin"
    )
    status = TierOut(source="tier")
    status_until = MomentOut(source="tier_locked_until", allow_null=True)
    blocked_at = MomentOut(allow_null=True)


class AdminUsersViewSet(ApiViewSet):
    permission_classes = [
        Can(role="users.role", status="users.tier", block="users.block", unblock="users.unblock")
    ]

    @extend_schema(request=RoleIn, responses={200: StandingOut, 202: StandingOut}, tags=["admin"])
    def role(self, request: Request, pk: UUID) -> Response:
        """`admin` and `superadmin` want a second superadmin: 202 with `pendingRole`."""
        person, asked = _person(pk), self.read(RoleIn)
        waits = services.set_job(
            user=person, job=ROLES[asked["role"]], by=request.user, reason=asked["reason"]
        )
        return _standing(person, pending=waits.job if waits else None)

    @extend_schema(request=StatusIn, responses=StandingOut, tags=["admin"])
    def status(self, request: Request, pk: UUID) -> Response:
        """A tier by hand: until then neither purchases nor the clock move it."""
        person, asked = _person(pk), self.read(StatusIn)
        services.set_tier_by_hand(
            user=person,
            code=asked["status"],
            until=asked.get("until"),
            by=request.user,
            reason=asked["reason"],
            at=timezone.now(),
        )
        return _standing(person)

    @extend_schema(request=ReasonIn, responses=StandingOut, tags=["admin"])
    def block(self, request: Request, pk: UUID) -> Response:
        person, asked = _person(pk), self.read(ReasonIn)
        services.block_user(user=person, by=request.user, reason=asked["reason"], at=timezone.now())
        return _standing(person)

    @extend_schema(request=ReasonIn, responses=StandingOut, tags=["admin"])
    def unblock(self, request: Request, pk: UUID) -> Response:
        person, asked = _person(pk), self.read(ReasonIn)
        services.unblock_user(user=person, by=request.user, reason=asked["reason"])
        return _standing(person)


def _person(pk: UUID) -> User:
    found = User.objects.select_related("tier").filter(pk=pk, erased_at__isnull=True).first()
    if found is None:
        raise NotFound
    return found


def _standing(person: User, *, pending: str | None = None) -> Response:
    data: dict[str, Any] = dict(StandingOut(person).data) | {"pending_role": pending}
    return Response(data, status=202 if pending else 200)
