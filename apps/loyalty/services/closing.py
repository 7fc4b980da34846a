"""The end of a wallet: what is left when its member is erased."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Q

from apps.loyalty import moving_sql
from apps.loyalty.enums import Kind
from apps.loyalty.models import Hold, Journal, Wallet
from apps.loyalty.services.books import lock_wallet, write_journal
from apps.loyalty.services.spending import release_hold


@transaction.atomic
def close_wallet(*, member_id: UUID, at: datetime) -> int:
    """Forfeit everything that is left by a closing row: back to the issuers, holds released first.

    How many kopecks. A closed wallet is empty, so a second call changes nothing; what comes back
    later (a return of something spent) is forfeited by another closing row.
    """
    lock_wallet(member_id)
    holds = Hold.objects.filter(journal__wallet=member_id, journal__resolved_by__isnull=True)
    for hold_id in list(holds.order_by("pk").values_list("pk", flat=True)):
        release_hold(hold_id=hold_id, at=at, because="closed")
    wallet = Wallet.objects.get(pk=member_id)
    left = wallet.pending + wallet.available
    if not left:
        return 0
    before = Journal.objects.filter(wallet=member_id, kind=Kind.CLOSE).count()
    journal_id, _is_new = write_journal(
        kind=Kind.CLOSE,
        member_id=member_id,
        business_id=None,
        scope="close",
        key=f"{member_id}:{before + 1}",
        amount=left,
        occurred_at=at,
        posted_at=at,
    )
    values: dict[str, Any] = {"wallet": member_id, "journal": journal_id, "at": at}
    with connection.cursor() as cursor:
        cursor.execute(moving_sql.CLOSE, values)
    return left


def close_wallets_of_erased(*, at: datetime) -> int:
    """Whoever is erased and has something in her wallet; how many. Rung every night."""
    something = Q(pending__gt=0) | Q(available__gt=0) | Q(held__gt=0)
    erased = Wallet.objects.filter(something, member__erased_at__isnull=False)
    members = list(erased.order_by("pk").values_list("pk", flat=True))
    return sum(close_wallet(member_id=member_id, at=at) > 0 for member_id in members)
