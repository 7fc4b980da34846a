"""Reads of the ledger. Sums come back as Decimal roubles."""

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Q, Sum

from apps.accounts.models import User
from apps.core import rows
from apps.core.money import from_kopecks
from apps.loyalty import badge_queries, balance_cache, settlement_sql, sql
from apps.loyalty.enums import Kind
from apps.loyalty.models import Gift, Journal, Lot, Notice

ZERO = Decimal("0.00")
EXPORT_MOST = 1_000_000  # lines of a history: all of them, however long she has been here


DEPOSIT = "deposit"  # scope of a hold that neither a till nor its member resolves
KNOWN_DEVICE = "known_device"  # in the rule of a journal row: she confirmed it where she was before


@dataclass(frozen=True)
class Balance:
    """What a member has: `available` excludes what lapsed, whether the job swept it or not."""

    available: Decimal = ZERO
    pending: Decimal = ZERO
    held: Decimal = ZERO
    earned: Decimal = ZERO
    spent: Decimal = ZERO
    expiring_amount: Decimal = ZERO
    expiring_at: datetime | None = None


@dataclass(frozen=True)
class Line:
    """One operation in a member's history; `amount` is signed, `balance_after` what she could
    spend after it."""

    id: UUID
    type: str
    business_id: UUID | None
    business_name: str | None
    occurred_at: datetime
    posted_at: datetime
    amount: Decimal
    balance_after: Decimal


def _rows(statement: str, values: dict[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return list(cursor.fetchall())


def balance_of(member_id: UUID, *, at: datetime) -> Balance:
    """The balance at a moment, in one statement. A member without a wallet has zeros."""
    return _balance(_asked(member_id, at=at))


def shown_balance_of(member_id: UUID, *, at: datetime) -> Balance:
    """The balance now, for the eye: from the cache while nothing has moved. What decides about
    money asks `balance_of`."""
    return _balance(balance_cache.through(member_id, at=at, ask=lambda: _asked(member_id, at=at)))


def _asked(member_id: UUID, *, at: datetime) -> balance_cache.Row:
    rows = _rows(sql.BALANCE, {"member": member_id, "at": at})
    if not rows:
        return 0, 0, 0, 0, 0, 0, None
    pending, available, held, earned, spent, soon, soon_at = rows[0]
    return int(pending), int(available), int(held), int(earned), int(spent), int(soon), soon_at


def _balance(row: balance_cache.Row) -> Balance:
    pending, available, held, earned, spent, soon, soon_at = row
    return Balance(
        available=from_kopecks(available),
        pending=from_kopecks(pending),
        held=from_kopecks(held),
        earned=from_kopecks(earned),
        spent=from_kopecks(spent),
        expiring_amount=from_kopecks(soon),
        expiring_at=soon_at,
    )


def history_of(
    member_id: UUID,
    *,
    kind: str | None = None,
    business_id: UUID | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    cursor: tuple[datetime, UUID] | None = None,
    limit: int = 20,
) -> list[Line]:
    """Operations of a member, newest first."""
    values = {
        "member": member_id,
        "kind": kind,
        "business": business_id,
        "since": since,
        "until": until,
        "cursor_at": cursor[0] if cursor else None,
        "cursor_id": cursor[1] if cursor else None,
        "limit": limit,
    }
    return [Line(*row[:-2], *map(from_kopecks, row[-2:])) for row in _rows(sql.HISTORY, values)]


def shown_history_of(member_id: UUID, *, make: Callable[[], bytes]) -> bytes:
    """The first page of her history for the eye, as `make` writes it: from the cache while nothing
    has moved."""
    return balance_cache.page_through(member_id, ask=make)


def expiring_of(member_id: UUID, *, at: datetime) -> list[tuple[datetime, Decimal]]:
    """The ladder: (first moment it can no longer be spent, amount), nearest first."""
    rows = _rows(sql.EXPIRING, {"member": member_id, "at": at})
    return [(moment, from_kopecks(amount)) for moment, amount in rows]


def paid_for(sale_ids: Iterable[UUID]) -> tuple[int, Decimal]:
    """Accruals booked for these sales, and the money they were reckoned from."""
    [(count, kopecks)] = _rows(sql.PAID_FOR, {"keys": [str(sale) for sale in sale_ids]})
    return count, from_kopecks(int(kopecks))


@dataclass(frozen=True)
class HoldView:
    """A hold as its member sees it; `state` is held, captured, released or expired."""

    id: UUID
    code: str
    amount: Decimal
    captured: Decimal
    business_id: UUID | None
    expires_at: datetime
    state: str


def hold_of(member_id: UUID, hold_id: UUID, *, at: datetime) -> HoldView | None:
    """One of the member's own holds; None for anybody else's. Past its time it reads as expired
    even before the job has released it."""
    found = rows.first(sql.HOLD, {"hold": hold_id, "member": member_id, "deposit": DEPOSIT})
    if found is None:
        return None
    code, expires_at, amount, business_id, resolved, captured, because = found
    if resolved is None:
        state = "held" if expires_at > at else "expired"
    else:
        state = "captured" if resolved == Kind.CAPTURE else because
    return HoldView(
        id=hold_id,
        code=code,
        amount=from_kopecks(amount),
        captured=from_kopecks(captured or 0),
        business_id=business_id,
        expires_at=expires_at,
        state=state,
    )


def left_since(member_id: UUID, *, since: datetime) -> int:
    """Kopecks spent, held or given since a moment, without what one of her own devices confirmed.
    A hold that was given back does not count; one that was used counts whole."""
    left = Journal.objects.filter(wallet_id=member_id, posted_at__gte=since)
    ours = left.filter(Q(kind__in=[Kind.SPEND, Kind.HOLD]) | Q(kind=Kind.GIFT, scope="gift"))
    doubtful = ours.exclude(rule__has_key=KNOWN_DEVICE).exclude(resolved_by__kind=Kind.RELEASE)
    return int(doubtful.aggregate(total=Sum("amount", default=0))["total"])


def ledger_faults() -> dict[str, str]:
    """What must never be: the name of each broken invariant with the first row that shows it.
    Empty when the books are true."""
    found = {}
    for name, statement in (sql.AUDITS | settlement_sql.AUDITS).items():
        rows = _rows(statement, {})
        if rows:
            found[name] = rows[0][0]
    return found


def export_of(member: User, *, at: datetime) -> dict[str, Any]:
    """What the ledger holds about her: the balance, every line of its history, her lots."""
    lots = Lot.objects.filter(wallet_id=member.pk).select_related("issuer", "journal")
    balance = asdict(balance_of(member.pk, at=at))
    gifts = Gift.objects.filter(Q(sender=member) | Q(receiver=member)).order_by("at")
    warned = Notice.objects.filter(member=member).order_by("pk")
    return {
        "balance": {name: _text(value) for name, value in balance.items()},
        "history": [_exported(line) for line in history_of(member.pk, limit=EXPORT_MOST)],
        "lots": [_exported_lot(lot) for lot in lots.order_by("pk")],
        "gifts": [_exported_gift(gift, member) for gift in gifts],
        "rewards": badge_queries.export_of(member),
        "warnings": list(warned.values("kind", "due_at", "days", "at")),
    }


def _exported_gift(gift: Gift, member: User) -> dict[str, Any]:
    """A gift on her side; the words that came with it only if they were for her."""
    is_hers = gift.receiver_id == member.pk
    return {
        "direction": "received" if is_hers else "sent",
        "amount": f"{from_kopecks(gift.amount):.2f}",
        "message": member.open_own("gift", gift.message_sealed) if is_hers else "",
        "at": gift.at,
    }


def _text(value: Any) -> Any:
    return f"{value:.2f}" if isinstance(value, Decimal) else value


def _exported(line: Line) -> dict[str, Any]:
    return {name: _text(value) for name, value in asdict(line).items()}


def _exported_lot(lot: Lot) -> dict[str, Any]:
    boxes = ("amount", "pending", "available", "held", "spent", "expired", "revoked")
    # A gift does not say where its giver was a guest: it may have been a clinic.
    return {
        "issuer": "" if lot.journal.kind == Kind.GIFT else lot.issuer.name,
        **{box: f"{from_kopecks(getattr(lot, box)):.2f}" for box in boxes},
        "activates_at": lot.activates_at,
        "expires_at": lot.expires_at,
    }
