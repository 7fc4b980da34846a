"""What the clock asks of accounts."""

from celery import shared_task
from django.utils import timezone

from apps.accounts import services


@shared_task
def serve_privacy_requests(**_: object) -> int:
    """Every night: erase those whose day has come. Safe to ring twice."""
    return services.serve_due_requests(at=timezone.now())


@shared_task
def serve_phone_moves(**_: object) -> int:
    """Every quarter of an hour: numbers whose 72 hours are over. Safe to ring twice."""
    return services.serve_phone_moves(at=timezone.now())


@shared_task
def watch_codes(**_: object) -> str:
    """Every minute: too few of the sent codes come back, and somebody pumps."""
    return services.judge_conversion(at=timezone.now())


@shared_task
def forget_old(**_: object) -> None:
    """Retention: codes one day, ended browser sessions 90 days."""
    now = timezone.now()
    services.forget_codes(at=now)
    services.forget_sessions(at=now)
