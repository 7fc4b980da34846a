"""Words of a broadcast's segment that need apps above notifications: word → narrowing of people."""

from datetime import timedelta
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from apps.accounts.models import User
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


SEGMENTS: dict[str, Any] = {"bought_at": bought_at}
