"""Words of a broadcast's segment that need apps above notifications: word → narrowing of people."""

from datetime import timedelta
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from apps.accounts.models import User
from apps.analytics.enums import Band
from apps.analytics.models import ChurnRisk
from apps.businesses.models import Category
from apps.transactions.models import Transaction

CLINICS = (Category.DENTAL, Category.MEDICAL)


def bought_at(people: QuerySet[User], business_id: str) -> QuerySet[User]:
    """Who bought at a business in the last twelve months. At a clinic nobody did: that somebody is
    a patient is never a reason to write to her."""
    since = timezone.now() - timedelta(days=365)
    sales = Transaction.objects.filter(member=OuterRef("pk"), business_id=business_id)
    return people.filter(
        Exists(sales.filter(occurred_at__gte=since).exclude(business__category__in=CLINICS))
    )


def at_risk(people: QuerySet[User], _asked: bool) -> QuerySet[User]:
    """Whom to ask back: members at high risk of leaving the network by the newest night, but never
    the hold-out of it. One in ten is asked nothing for good; what she does tells what asking earns
    (`churn.rules.is_held_out`, read by `training.check_window`). Who bought at clinics alone is not
    asked either: that would be writing to her because she is a patient."""
    since = timezone.now() - timedelta(days=365)
    risks = ChurnRisk.objects.filter(
        member=OuterRef("pk"), business__isnull=True, band=Band.HIGH, held_out=False
    )
    elsewhere = Transaction.objects.filter(member=OuterRef("pk"), occurred_at__gte=since)
    return people.filter(Exists(risks), Exists(elsewhere.exclude(business__category__in=CLINICS)))


SEGMENTS: dict[str, Any] = {"bought_at": bought_at, "at_risk": at_risk}
