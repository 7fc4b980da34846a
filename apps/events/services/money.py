"""Bonuses for seats and for coming. The caller holds the event's lock."""

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from apps.businesses.models import Business
from apps.businesses.queries import network
from apps.events.models import Event, EventRegistration
from apps.loyalty.services import grant_bonus, lock_wallets, refund_spend, spend_bonus


def acceptor(event: Event) -> Business:
    """Who takes the bonuses paid for seats: the host partner, else the network."""
    return event.business or network()


def lock_payers(event: Event, members: set[UUID | None], *, always: bool = False) -> None:
    """All wallets that this transaction may touch, in one order, before the first of them."""
    if always or event.price > 0 or event.attendance_bonus > 0:
        known = {member for member in members if member}
        if known:
            lock_wallets(known)


def pay(event: Event, registration: EventRegistration, *, at: datetime) -> dict[str, Any]:
    """Spend the price; the columns to be stored. Raises InsufficientBonus (nothing changed)."""
    price = event.price * registration.seats_wanted
    if price <= 0 or registration.member is None:
        return {}
    payment = registration.payment + 1
    posted = spend_bonus(
        member=registration.member,
        business=acceptor(event),
        amount=price,
        key=f"event:{registration.pk}:{payment}",
        at=at,
    )
    return {"paid": price, "returned": 0, "journal_id": posted.journal_id, "payment": payment}


def pay_back(registration: EventRegistration, amount: Decimal, *, at: datetime) -> Decimal:
    """Return up to `amount` to the very lots it came from. What was returned."""
    amount = min(amount, registration.paid - registration.returned)
    if amount <= 0 or registration.journal_id is None:
        return Decimal(0)
    refund_spend(
        journal_id=registration.journal_id,
        amount=amount,
        key=f"event:{registration.pk}:{registration.payment}:back",
        at=at,
    )
    return amount


def console(
    event: Event, registrations: list[EventRegistration], amount: Decimal, *, at: datetime
) -> None:
    """Bonuses for an evening that does not take place, once for each of these people."""
    host = acceptor(event)
    for registration in registrations:
        if registration.member_id is None:
            continue
        grant_bonus(
            member_id=registration.member_id,
            business_id=host.pk,
            parts=[(host.pk, amount)],
            scope="event.comfort",
            key=str(registration.pk),
            at=at,
        )
