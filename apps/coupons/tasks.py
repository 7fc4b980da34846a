"""What the clock asks of coupons."""

from celery import shared_task
from django.utils import timezone

from apps.coupons import services


@shared_task
def expire_due(**_: object) -> int:
    """Coupons past their day expire and give back what they reserved."""
    return services.expire_due(at=timezone.now())
