"""Erasure: her phones, refusals and inbox go; that something was sent with her consent stays."""

from uuid import UUID

from django.db import transaction

from apps.notifications.enums import State
from apps.notifications.models import (
    Attempt,
    Device,
    Mute,
    Notification,
    StopCode,
    Suppression,
)


@transaction.atomic
def forget_member(*, member_id: UUID) -> None:
    """Clear what leads to her, and stop what has not left. Attempts stay as proof of the consent
    they relied on, without the provider's number, which would lead to her address there."""
    for model in (Device, Mute, StopCode, Suppression):
        model.objects.filter(member_id=member_id).delete()
    mine = Notification.objects.filter(member_id=member_id)
    mine.filter(state__in=[State.WAITING, State.SENDING]).update(state=State.CANCELLED)
    mine.update(values={}, in_app=False, business=None)
    Attempt.objects.filter(notification__member_id=member_id).update(reference="")
