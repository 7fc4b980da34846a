"""What an offer gave is counted in the transaction that gave it."""

from datetime import datetime
from uuid import UUID

from django.db import connection

from apps.core.ids import new_id
from apps.loyalty import offer_sql
from apps.loyalty.offer_queries import Outlook


def keep_uses(outlook: Outlook, *, member_id: UUID, journal_id: UUID, at: datetime) -> None:
    """Write what each offer gave and count it against its limits. Nothing when none applied.

    The counters were locked when the purchase was reckoned, so their one conditional update moves
    every row; fewer would be a broken limit, and the whole sale is undone (RuntimeError).
    """
    if not outlook.terms:
        return
    keys = {str(one.rule.offer): one.once_key for one in outlook.verdicts if not one.why}
    granted = {one.offer: one.granted for one in outlook.terms}
    with connection.cursor() as cursor:
        cursor.execute(
            offer_sql.USES,
            {
                "wallet": member_id,
                "journal": journal_id,
                "at": at,
                "ids": [new_id() for _ in outlook.terms],
                "offers": [one.offer for one in outlook.terms],
                "versions": [one.version for one in outlook.terms],
                "wanted": [one.wanted for one in outlook.terms],
                "granted": [one.granted for one in outlook.terms],
                "once_keys": [keys[one.offer] for one in outlook.terms],
            },
        )
        limits = [one for one in outlook.limits if granted[one.offer]]
        if not limits:
            return
        cursor.execute(
            offer_sql.USE_COUNTERS,
            {
                "scopes": [one.scope for one in limits],
                "periods": [one.period for one in limits],
                "amounts": [granted[one.offer] for one in limits],
                "limits": [one.most for one in limits],
            },
        )
        if cursor.rowcount != len(limits):
            raise RuntimeError("A limit of an offer would be broken.")
