"""Stopping messages from outside of the app: a link in a letter, a provider's list."""

import hashlib
from datetime import datetime

from django.db import transaction

from apps.accounts.models import User
from apps.accounts.services import Answer, answer_consents
from apps.notifications.mailing import Leaving
from apps.notifications.models import Mute
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


def withdraw(*, member: User, channel: str, proof: str, at: datetime) -> None:
    """She said no to advertising on this channel, by `proof`."""
    purpose = {str(one): consent for one, consent in CONSENTS.items()}[channel]
    answer_consents(member=member, answers={purpose: Answer(given=False)}, at=at, proof=proof)
