"""Reads about partners that several callers need."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Count, F, QuerySet

from apps.accounts.enums import Job
from apps.accounts.models import User
from apps.businesses.models import Business, Category, Membership, Role, State
from apps.core import rows


def partners() -> QuerySet[Business]:
    """All partners but the network's own row."""
    return Business.objects.filter(is_network=False)


_BUSINESS = rows.Columns(Business, "b")
_BUSINESS_BY_ID = f"SELECT {_BUSINESS.sql} FROM businesses_business b WHERE b.id = %s"  # noqa: S608


def partner(business_id: UUID) -> Business | None:
    """One of them by id, for hot paths."""
    row = rows.first(_BUSINESS_BY_ID + " AND NOT b.is_network", [business_id])
    return _BUSINESS.of(row) if row else None


def catalogue() -> QuerySet[Business]:
    """Partners that receive guests now, with their locations in one more statement."""
    return partners().filter(state=State.ACTIVE).prefetch_related("locations")


def categories() -> list[dict[str, Any]]:
    """Every category that has a partner now, with how many."""
    found = partners().filter(state=State.ACTIVE).order_by("category")
    return [
        {"code": row["category"], "name": Category(row["category"]).label, "businesses": row["n"]}
        for row in found.values("category").annotate(n=Count("pk"))
    ]


def team_of(business: Business) -> QuerySet[Membership]:
    """Who works there now."""
    return Membership.objects.live().filter(business=business).select_related("user")


def businesses_of(user: User, *, role: Role | None = None) -> QuerySet[Business]:
    """Active businesses where she works (or, with `role`, works as that). Admins see all."""
    if user.job in (Job.ADMIN, Job.SUPERADMIN):
        return partners()
    live = Membership.objects.live().filter(user=user)
    if role:
        live = live.filter(role=role)
    return partners().filter(pk__in=live.values("business"), state=State.ACTIVE)


_HERS = f"""{_BUSINESS_BY_ID}
  AND NOT b.is_network AND (%s OR b.state = 'active' AND EXISTS (
      SELECT 1 FROM businesses_membership m
      WHERE m.business_id = b.id AND m.user_id = %s AND m.role = %s AND m.ended_at IS NULL))
"""  # noqa: S608 - put together from columns of the model


def business_of(user: User, business_id: UUID, *, role: Role) -> Business | None:
    """One of `businesses_of`, for hot paths."""
    is_admin = user.job in (Job.ADMIN, Job.SUPERADMIN)
    row = rows.first(_HERS, [business_id, is_admin, user.pk, role.value])
    return _BUSINESS.of(row) if row else None


# The id of one of `businesses_of`, over the caller `u`.
_HERS_ALONG = """
(SELECT b.id FROM businesses_business b
 WHERE b.id = %s AND NOT b.is_network
   AND (u.job IN (%s, %s) OR b.state = 'active' AND EXISTS (
       SELECT 1 FROM businesses_membership m
       WHERE m.business_id = b.id AND m.user_id = u.id AND m.role = %s AND m.ended_at IS NULL)))
"""


def business_along(business_id: UUID, *, role: Role) -> tuple[str, list[Any]]:
    """Whether this is one of `businesses_of`, as an expression for the statement of the caller's
    session: its id, or nothing."""
    return _HERS_ALONG, [business_id, Job.ADMIN.value, Job.SUPERADMIN.value, role.value]


def staff_at(business: Business) -> QuerySet[User]:
    """Who works at a business now, by name."""
    live = Membership.objects.live().filter(business=business)
    people = User.objects.filter(pk__in=live.values("user"), blocked_at__isnull=True)
    return people.order_by("first_name", "last_name", "pk")


def network() -> Business:
    """The network's own row: issuer of bonuses nobody else funds."""
    return Business.objects.get(is_network=True)


def export_of(member: User, *, at: datetime) -> dict[str, Any]:
    """What businesses hold about her: where she works or worked."""
    rows = Membership.objects.filter(user=member).order_by("started_at")
    return {
        "memberships": list(
            rows.values("role", "started_at", "ended_at", place=F("business__name"))
        )
    }
