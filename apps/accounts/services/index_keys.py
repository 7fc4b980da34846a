"""Changing the key of the blind indexes.

While INDEX_KEY_PREVIOUS is set, look-ups ask for the digests of both keys (`blind_indexes`), and
new rows are written under the new one; this fills the rest in. Afterwards INDEX_KEY_PREVIOUS goes.
One-time codes live minutes and are left alone.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

from django.db import transaction

from apps.accounts.models import User

BATCH = 500


@dataclass(frozen=True)
class Refilled:
    """One batch: how many people were looked at, how many got new digests, the last id seen."""

    seen: int
    changed: int
    last_id: UUID


def refill_indexes(*, after: UUID | None = None) -> Iterator[Refilled]:
    """Reckon everybody's digests anew under INDEX_KEY, in the order of ids, from `after` on.

    Safe to stop and start again: a digest that is right already stays.
    """
    while batch := _refill_batch(after):
        yield batch
        after = batch.last_id


@transaction.atomic
def _refill_batch(after: UUID | None) -> Refilled | None:
    people = User.objects.select_for_update(of=("self",)).filter(erased_at__isnull=True)
    if after:
        people = people.filter(pk__gt=after)
    batch = list(people.order_by("pk")[:BATCH])
    if not batch:
        return None
    changed = [person for person in batch if _refilled(person)]
    User.objects.bulk_update(changed, ["phone_index", "email_index"])
    return Refilled(len(batch), len(changed), batch[-1].pk)


def _refilled(person: User) -> bool:
    before = person.phone_index, person.email_index
    person.refill_indexes()
    return before != (person.phone_index, person.email_index)
