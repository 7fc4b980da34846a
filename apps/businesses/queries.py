"""Reads about partners that several callers need."""

from django.db.models import QuerySet

from apps.accounts.enums import Job
from apps.accounts.models import User
from apps.businesses.models import Business, Membership, Role, State


def partners() -> QuerySet[Business]:
    """All partners but the network's own row."""
    return Business.objects.filter(is_network=False)


def businesses_of(user: User, *, role: Role | None = None) -> QuerySet[Business]:
    """Active businesses where she works (or, with `role`, works as that). Admins see all."""
    if user.job in (Job.ADMIN, Job.SUPERADMIN):
        return partners()
    live = Membership.objects.live().filter(user=user)
    if role:
        live = live.filter(role=role)
    return partners().filter(pk__in=live.values("business"), state=State.ACTIVE)


def network() -> Business:
    """The network's own row: issuer of bonuses nobody else funds."""
    return Business.objects.get(is_network=True)
