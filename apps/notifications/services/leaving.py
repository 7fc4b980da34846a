"""Stopping messages from outside of the app: a link in a letter, a provider's list."""

import hashlib
from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from django.db import transaction

from apps.accounts.models import User
from apps.accounts.services import Answer, answer_consents
from apps.notifications.enums import Channel
from apps.notifications.mailing import Leaving
from apps.notifications.models import Mute, StopCode
from apps.notifications.segments import CONSENTS


@transaction.atomic
def leave(*, leaving: Leaving, token: str, at: datetime) -> None:
    """Withdraw the consent, or mute the topic; a second time changes nothing. It holds for every
    message that has not left. An erased person has nothing to stop."""
    member = User.objects.filter(pk=leaving.member_id, erased_at__isnull=True).first()
    if member is None:
        return
    if leaving.topic:
        Mute.objects.get_or_create(member=member, topic=leaving.topic, channel=leaving.channel)
        return
    proof = f"link:{hashlib.sha256(token.encode()).hexdigest()[:32]}"
    withdraw(member=member, channel=leaving.channel, proof=proof, at=at)


def stop_codes(member_ids: Iterable[UUID]) -> dict[UUID, str]:
    """Member → the end of her address for stopping adverts by SMS; made when first asked for."""
    ids = sorted(set(member_ids))
    found = dict(StopCode.objects.filter(member__in=ids).values_list("member_id", "code"))
    missing = [StopCode(member_id=one) for one in ids if one not in found]
    if missing:
        StopCode.objects.bulk_create(missing, ignore_conflicts=True)
        rows = StopCode.objects.filter(member__in=[one.member_id for one in missing])
        found |= dict(rows.values_list("member_id", "code"))
    return found


def leaving_of(code: str) -> Leaving | None:
    """What the address at the end of an SMS stops; None when there is no such code."""
    found = StopCode.objects.filter(code=code).first()
    return Leaving(found.member_id, Channel.SMS.value, "") if found else None


def withdraw(*, member: User, channel: str, proof: str, at: datetime) -> None:
    """She said no to advertising on this channel, by `proof`."""
    purpose = {str(one): consent for one, consent in CONSENTS.items()}[channel]
    answer_consents(member=member, answers={purpose: Answer(given=False)}, at=at, proof=proof)
