"""Phones that take push."""

from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import User
from apps.core import sealing
from apps.core.errors import NotFound, Refused
from apps.notifications.models import Device

MOST = 20


class TooManyDevices(Refused):
    message = _("Too many devices. Sign out of some of them.")


@transaction.atomic
def add_device(
    *, member: User, token: str, platform: str, session_id: UUID | None, at: datetime
) -> Device:
    """Her phone from now on, whoever had it before: one token belongs to one person. Raises
    TooManyDevices."""
    index = sealing.blind_index(token, purpose="push")
    person = User.objects.select_for_update(of=("self",)).get(pk=member.pk)
    mine = Device.objects.filter(member=person)
    if not mine.filter(token_index=index).exists() and mine.count() >= MOST:
        raise TooManyDevices
    device, _made = Device.objects.update_or_create(
        token_index=index,
        defaults={
            "member": person,
            "session_id": session_id,
            "platform": platform,
            "token_sealed": person.seal_own("push", token),
        },
        create_defaults={
            "member": person,
            "session_id": session_id,
            "platform": platform,
            "token_sealed": person.seal_own("push", token),
            "created_at": at,
        },
    )
    return device


@transaction.atomic
def drop_device(*, member: User, device_id: UUID) -> None:
    """Raises NotFound for a phone that is not hers."""
    gone, _rows = Device.objects.filter(member=member, pk=device_id).delete()
    if not gone:
        raise NotFound
