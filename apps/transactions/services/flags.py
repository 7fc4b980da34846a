"""Patterns that somebody should look at. They never stop a sale and never slow its caller."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection, transaction
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import User
from apps.accounts.services import written_reason
from apps.businesses.models import Business
from apps.core import audit, rows
from apps.core.errors import NotFound, Refused
from apps.transactions import rules
from apps.transactions.models import FlagKind, FraudFlag, Refund, Transaction

# One statement over one index: what this member and this person did here lately.
AROUND = """
SELECT
    (SELECT count(*) FROM transactions_transaction
     WHERE member_id = %(member)s AND business_id = %(business)s
       AND occurred_at > %(at)s - interval '1 hour'),
    (SELECT count(*) FROM transactions_transaction
     WHERE member_id = %(member)s AND business_id = %(business)s AND entered_by_id = %(staff)s
       AND occurred_at > %(at)s - interval '7 days'),
    (SELECT count(*) FROM transactions_transaction
     WHERE entered_by_id = %(staff)s AND business_id = %(business)s
       AND recorded_at > %(at)s - interval '1 hour'),
    (SELECT count(*) FROM transactions_transaction
     WHERE member_id = %(member)s AND business_id = %(business)s AND amount = %(amount)s
       AND occurred_at > %(at)s - interval '10 minutes'),
    EXISTS (SELECT 1 FROM businesses_membership
            WHERE user_id = %(member)s AND business_id = %(business)s AND ended_at IS NULL)
"""


class FlagSettled(Refused):
    code = "WRONG_STATE"
    message = _("Somebody has already looked into this.")


def flag_sale(sale: Transaction, *, by: User) -> None:
    """Write down the patterns that a sale fits, beside it in the same transaction."""
    values: dict[str, Any] = {
        "member": sale.member_id,
        "business": sale.business_id,
        "staff": by.pk,
        "amount": sale.amount,
        "at": sale.recorded_at,
    }
    with connection.cursor() as cursor:
        cursor.execute(AROUND, values)
        around = rules.Around(*cursor.fetchone())
    facts = rules.Facts(
        amount=sale.amount,
        limit=sale.business.max_sale,
        has_receipt=bool(sale.receipt_number),
        hour=sale.occurred_at.astimezone(ZoneInfo(sale.business.zone)).hour,
        late=sale.recorded_at - sale.occurred_at,
    )
    rows.insert_all(
        [
            _flag(FlagKind(kind), sale=sale, by=by, at=sale.recorded_at, **figures)
            for kind, figures in rules.suspicions(facts, around).items()
        ]
    )


def flag_refund(refund: Refund, *, sale: Transaction, by: User | None) -> None:
    """The same for a return."""
    if refund.bonus_owed:
        owed = f"{refund.bonus_owed:.2f}"
        _flag(FlagKind.SPENT_AND_RETURNED, sale=sale, by=by, at=refund.at, owed=owed).save()
    if refund.is_undo and by:
        since = refund.at.replace(hour=0, minute=0, second=0, microsecond=0)
        undone = Refund.objects.filter(entered_by=by, is_undo=True, at__gte=since).count()
        if undone >= rules.UNDONE_IN_DAY:
            _flag(FlagKind.UNDONE_OFTEN, sale=sale, by=by, at=refund.at, today=str(undone)).save()


def flag_owner_spend(sale: Transaction, *, by: User) -> None:
    """Every spending that no member confirmed."""
    spent = f"{sale.bonus_spent:.2f}"
    _flag(FlagKind.OWNER_SPEND, sale=sale, by=by, at=sale.recorded_at, spent=spent).save()


@transaction.atomic
def flag_self_sale(*, business: Business, by: User, at: datetime) -> None:
    """She tried to enter a sale to herself; it was refused, the attempt stays."""
    FraudFlag.objects.create(kind=FlagKind.SELF_SALE, business=business, staff=by, member=by, at=at)


def _flag(
    kind: FlagKind, *, sale: Transaction, by: User | None, at: datetime, **facts: str
) -> FraudFlag:
    return FraudFlag(
        kind=kind,
        business_id=sale.business_id,
        staff=by,
        member_id=sale.member_id,
        transaction=sale,
        facts=facts,
        at=at,
    )


@transaction.atomic
def settle_flag(*, flag: FraudFlag, verdict: str, by: User, at: datetime) -> FraudFlag:
    """Note what an admin found. Raises ReasonMissing, FlagSettled, NotFound."""
    row = FraudFlag.objects.select_for_update().filter(pk=flag.pk).first()
    if row is None:
        raise NotFound
    if row.settled_at:
        raise FlagSettled
    row.verdict = written_reason("flags.settle", verdict, by=by)[:300]
    row.settled_at, row.settled_by = at, by
    row.save(update_fields=["verdict", "settled_at", "settled_by"])
    audit.record(
        by,
        "transactions.flag_settled",
        "fraudflag",
        row.pk,
        business_id=row.business_id,
        reason=row.verdict,
    )
    return row
