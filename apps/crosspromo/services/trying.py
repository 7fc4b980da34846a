"""A chain that nobody has proposed yet, tried out."""

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction as db

from apps.accounts.models import User
from apps.core.errors import NotFound
from apps.crosspromo.services.chains import create_chain
from apps.crosspromo.services.drafts import ChainDraft
from apps.crosspromo.services.replaying import Replayed, replay_chain
from apps.crosspromo.services.simulating import Played, guest_to_play, play_chain


@dataclass(frozen=True)
class Tried:
    """A chain that nobody has proposed yet: a guest's path through it, past purchases replayed."""

    played: list[Played]
    replayed: list[Replayed]


@db.atomic
def try_chain(*, draft: ChainDraft, by: User, at: datetime) -> Tried:
    """Write the chain, play and replay it, undo everything. Without a guest of hers only the replay
    is answered. Raises what `create_chain` does."""
    with db.atomic():
        chain = create_chain(draft=draft, by=by, at=at)
        version = chain.versions.get()
        replayed = replay_chain(version=version, at=at)
        try:
            guest = guest_to_play(chain=chain, by=by, member_id=None)
        except NotFound:
            played = []
        else:
            played = play_chain(version=version, member=guest, at=at)
        db.set_rollback(True)
    return Tried(played, replayed)
