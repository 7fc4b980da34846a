"""The books as rows that can be compared: without made-up ids and moments of booking."""

from typing import Any

from apps.accounts.models import TierChange, User
from apps.core.models import AuditEntry, Delivery, Message
from apps.loyalty.models import Debt, Journal, Lot, Posting, Wallet
from apps.transactions.models import Transaction, TransactionItem

MADE_UP = ("transaction_id", "at")
BOXES = ("amount", "pending", "available", "held", "spent", "expired", "revoked", "clawed")


def books() -> dict[str, list[Any]]:
    """Everything a sale writes, member by member and in the order of writing."""
    sale_key = {str(sale.pk): sale.key for sale in Transaction.objects.all()}
    # Per member: batches may write members in another order, never one member's rows.
    lots = list(Lot.objects.order_by("wallet_id", "id").select_related("journal"))
    nth = {lot.pk: number for number, lot in enumerate(lots)}
    return {
        "sales": sorted(_sale(sale) for sale in Transaction.objects.select_related("member")),
        "items": sorted(
            (item.transaction.key, item.name, item.category, str(item.quantity), str(item.price))
            for item in TransactionItem.objects.select_related("transaction")
        ),
        "wallets": list(Wallet.objects.order_by("pk").values_list()),
        "journal": [
            _journal(row, sale_key)
            for row in Journal.objects.order_by("wallet_id", "posted_at", "id")
        ],
        "lots": [_lot(lot, sale_key) for lot in lots],
        "postings": sorted(
            (nth[row.lot_id], row.src, row.dst, row.amount, str(row.acceptor_id), row.journal.kind)
            for row in Posting.objects.select_related("journal")
        ),
        "debts": list(
            Debt.objects.order_by("wallet_id", "id").values_list("wallet", "amount", "repaid")
        ),
        "tiers": list(User.objects.order_by("pk").values_list("pk", "tier__code")),
        "changes": list(
            TierChange.objects.order_by("member_id", "id").values_list(
                "member", "before__code", "after__code", "reason"
            )
        ),
        "audit": sorted(
            (row.action, row.object_type, str(row.business_id), row.reason)
            for row in AuditEntry.objects.all()
        ),
        "facts": sorted(
            str({k: v for k, v in one.payload.items() if k not in MADE_UP} | {"topic": one.topic})
            for one in Message.objects.all()
        ),
        "deliveries": sorted(Delivery.objects.values_list("message__topic", "listener", "state")),
    }


def _sale(sale: Transaction) -> tuple[Any, ...]:
    sums = (sale.amount, sale.discount, sale.bonus_spent, sale.to_pay, sale.bonus_accrued)
    rest = (sale.receipt_number, sale.source, sale.status, str(sale.pending_until))
    return (sale.key, str(sale.member_id), *map(str, sums), *rest, str(sale.occurred_at))


def _journal(row: Journal, sale_key: dict[str, str]) -> tuple[Any, ...]:
    of_sale = row.scope == "earn"
    key, occurred = (sale_key.get(row.key, ""), row.occurred_at) if of_sale else ("", None)
    return (
        row.wallet_id, row.kind, row.scope, key, row.body_hash, row.business_id, row.amount,
        row.paid, row.rule, occurred,
    )  # fmt: skip


def _lot(lot: Lot, sale_key: dict[str, str]) -> tuple[Any, ...]:
    boxes = [getattr(lot, box) for box in BOXES]
    rest = (lot.rate_bp, lot.activates_at, lot.expires_at, lot.scope_id)
    return (lot.wallet_id, lot.issuer_id, sale_key.get(lot.journal.key, ""), *boxes, *rest)
