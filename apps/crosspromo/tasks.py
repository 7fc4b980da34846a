"""What the clock asks of chains."""

from celery import shared_task
from django.utils import timezone

from apps.crosspromo import services


@shared_task
def hourly(**_: object) -> int:
    """Next steps of paths whose time has come; chains whose time is over end."""
    at = timezone.now()
    services.close_ended(at=at)
    return services.mint_next_steps(at=at)
