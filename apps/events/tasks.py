"""What the clock asks of events."""

from celery import shared_task
from django.utils import timezone

from apps.events import services


@shared_task
def sweep(**_: object) -> int:
    """Every 30 s: offers, votings, reminders, ends of events. Twice equals once."""
    return services.sweep(at=timezone.now())
