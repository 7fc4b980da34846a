"""Bonuses for seats and for coming. The caller holds the event's lock."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import transaction

from apps.businesses.models import Business
from apps.businesses.queries import network
from apps.core.errors import Refused
from apps.events import rules
from apps.events.models import Event, EventRegistration
from apps.loyalty.services import (
    HoldResolved,
    capture_hold,
    give_lapsed_again,
    grant_bonus,
    hold_deposit,
    lock_wallets,
    refund_spend,
    release_hold,
    spend_bonus,
)


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
    """Spend the price, or set a deposit aside; the columns to be stored. Raises InsufficientBonus
    (nothing changed)."""
    price = event.price * registration.seats_wanted
    if price <= 0 or registration.member is None:
        return {}
    payment = registration.payment + 1
    key = f"event:{registration.pk}:{payment}"
    terms: dict[str, Any] = {
        "member": registration.member,
        "business": acceptor(event),
        "amount": price,
        "key": key,
        "at": at,
    }
    columns = {"paid": price, "returned": 0, "payment": payment}
    if event.deposit:
        until = event.final_at + timedelta(days=rules.DEPOSIT_SPARE_DAYS)
        return columns | {"journal_id": None, "hold_id": hold_deposit(until=until, **terms)}
    return columns | {"journal_id": spend_bonus(**terms).journal_id}


def pay_back(registration: EventRegistration, amount: Decimal, *, at: datetime) -> Decimal:
    """Return up to `amount` to the very lots it came from, with their old dates; what lapsed
    meanwhile lives for 14 days more. A deposit is settled by it: the rest is kept. What was
    returned."""
    amount = min(amount, registration.paid - registration.returned)
    if registration.hold_id is not None:
        return _settle(registration, registration.hold_id, amount, at=at)
    if amount <= 0 or registration.journal_id is None:
        return Decimal(0)
    posted = refund_spend(
        journal_id=registration.journal_id,
        amount=amount,
        key=f"event:{registration.pk}:{registration.payment}:back",
        at=at,
    )
    give_lapsed_again(journal_id=posted.journal_id, days=rules.LAPSED_AGAIN_DAYS, at=at)
    return amount


def _settle(
    registration: EventRegistration, hold_id: UUID, amount: Decimal, *, at: datetime
) -> Decimal:
    """Give `amount` of a deposit back and keep the rest. One that the ledger has timed out (an
    event put off by months) is hers already."""
    held = registration.paid - registration.returned
    kept, journal_id = held - amount, None
    if kept > 0:
        try:
            with transaction.atomic():
                posted = capture_hold(hold_id=hold_id, amount=kept, at=at)
                journal_id = posted.journal_id
        except HoldResolved:
            kept = Decimal(0)
    if kept <= 0:
        posted = release_hold(hold_id=hold_id, at=at)
    give_lapsed_again(journal_id=posted.journal_id, days=rules.LAPSED_AGAIN_DAYS, at=at)
    registration.hold_id, registration.journal_id = None, journal_id
    EventRegistration.objects.filter(pk=registration.pk).update(hold_id=None, journal_id=journal_id)
    return held - kept


def hold_again(event: Event, registration: EventRegistration, *, at: datetime) -> dict[str, Any]:
    """An annulled entry: the deposit that was given back at the door is set aside once more, as
    far as she still has it. Nothing is charged beyond what was held."""
    if not event.deposit or registration.hold_id or registration.paid <= 0:
        return {}
    try:
        with transaction.atomic():
            return pay(event, registration, at=at)
    except Refused:
        return {}


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
