"""Paying a sale with bonuses. It needs the member: her hold, her shown card, a code by SMS; or
the owner, with a reason and within a daily limit."""

from dataclasses import dataclass
from datetime import datetime, time
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.conf import settings
from django.core import signing
from django.db import connection
from django.db.models import Sum
from django.utils.translation import gettext_lazy as _

from apps.accounts import rights
from apps.accounts.enums import Purpose
from apps.accounts.models import User
from apps.accounts.services import (
    CodeExpired,
    CodeInvalid,
    CodeSent,
    check_code,
    redeem_card_token,
    send_code,
    written_reason,
)
from apps.businesses.models import Business
from apps.core.errors import Invalid, NotFound, Refused
from apps.core.ids import new_id
from apps.core.money import from_kopecks
from apps.loyalty import settings_queries
from apps.loyalty.models import Hold
from apps.loyalty.queries import DEPOSIT
from apps.loyalty.rules import most_spendable
from apps.loyalty.services import Posted, capture_hold, spend_bonus
from apps.transactions import rules
from apps.transactions.models import Spending, Transaction, Way

SALT = "transactions.spend"


class SpendOverShare(Invalid):
    field = "spend"
    message = _("At most %(most)s bonuses can pay this bill: %(percent)s %% of it.")


class SpendUnconfirmed(Invalid):
    field = "spend"
    message = _(
        "Spending needs the guest: the code of her hold, her card in the app, or a code by SMS."
    )


class ProofInvalid(Invalid):
    field = "spend"
    message = _("The confirmation is out of date or was given for something else. Ask again.")


class ProofUsed(Refused):
    code = "ALREADY_USED"
    message = _("This confirmation already paid for another sale.")


class RedemptionCodeWrong(Invalid):
    field = "spend"
    message = _("There is no hold with this code here. Ask the guest to look at her app.")


class SpendCodeWrong(Invalid):
    """Not CODE_INVALID: 401 would make the till's own client sign in again."""

    field = "code"
    message = _("The code is wrong or no longer works. Ask the guest, or send a new one.")


class OwnerLimitReached(Refused):
    message = _("Without the guest's confirmation at most %(limit)s bonuses a day, %(left)s left.")


@dataclass(frozen=True, kw_only=True)
class Spend:
    """What is to be paid with bonuses, and by what she agreed: exactly one of `code` (of her
    hold; without `amount` all of it), `proof` (of `prove_by_card` or `prove_by_sms`) and `reason`
    (the owner's)."""

    amount: Decimal | None = None
    code: str = ""
    proof: str = ""
    reason: str = ""


@dataclass(frozen=True)
class Agreed:
    """A spending that may happen: how much, by what way, and the one-time thing that proves it."""

    amount: Decimal
    way: Way
    proof: UUID
    reason: str = ""


# --- proofs --------------------------------------------------------------------------------------
def prove_by_card(*, token: str, business: Business, by: User, at: datetime) -> tuple[User, str]:
    """Whose card is shown, its code used up, and the proof that she stands here: good for ten
    minutes and one sale. Raises CardTokenInvalid, CardTokenUsed."""
    member = redeem_card_token(token=token, at=at)
    return member, _proof(Way.CARD, member, business, by)


def ask_by_sms(
    *, member: User, business: Business, amount: Decimal, by: User, at: datetime
) -> CodeSent:
    """Send her a code that agrees to spend `amount` here. Outside of a transaction.

    Raises NotFound, and as `send_code`.
    """
    if not by.has_perm(rights.SELL, business):
        raise NotFound
    return send_code(
        phone=member.phone,
        at=at,
        purpose=Purpose.REDEMPTION,
        subject=_subject(business, amount),
    )


def prove_by_sms(
    *,
    code_id: UUID,
    code: str,
    member: User,
    business: Business,
    amount: Decimal,
    by: User,
    at: datetime,
) -> str:
    """The proof that she read this code out. Outside of a transaction: a wrong try stays counted.

    Raises NotFound, SpendCodeWrong, TooMany.
    """
    if not by.has_perm(rights.SELL, business):
        raise NotFound
    try:
        phone = check_code(
            code_id=code_id,
            code=code,
            purpose=Purpose.REDEMPTION,
            subject=_subject(business, amount),
            at=at,
        )
    except (CodeInvalid, CodeExpired) as wrong:
        raise SpendCodeWrong from wrong
    if phone != member.phone:
        raise ProofInvalid
    return _proof(Way.SMS, member, business, by, amount=amount)


def _subject(business: Business, amount: Decimal) -> str:
    return f"{business.pk}:{amount:.2f}"


def _proof(
    way: Way, member: User, business: Business, by: User, *, amount: Decimal | None = None
) -> str:
    return signing.dumps(
        {
            "id": str(new_id()),
            "way": way.value,
            "member": str(member.pk),
            "business": str(business.pk),
            "by": str(by.pk),
            "amount": f"{amount:.2f}" if amount is not None else None,
        },
        salt=SALT,
    )


def is_proven(proof: str, *, member: User, business: Business, by: User) -> bool:
    """Whether a proof still holds for this member here."""
    try:
        _read_proof(proof, member=member, business=business, by=by)
    except ProofInvalid:
        return False
    return True


def _read_proof(proof: str, *, member: User, business: Business, by: User | None) -> dict[str, Any]:
    try:
        said: dict[str, Any] = signing.loads(proof, salt=SALT, max_age=rules.PROOF_LIFE)
    except signing.BadSignature as broken:
        raise ProofInvalid from broken
    whose = {"member": str(member.pk), "business": str(business.pk), "by": str(by.pk if by else "")}
    if any(said.get(name) != value for name, value in whose.items()):
        raise ProofInvalid
    return said


# --- the spending itself -------------------------------------------------------------------------
def share_of_bill(business: Business) -> int:
    """Percent of a bill that may be paid with bonuses here: the stricter of partner and network."""
    return settings_queries.share_of_bill(business.max_bonus_share)


def most_of(business: Business, bill: Decimal) -> Decimal:
    """How many bonuses a bill (₽ after coupons) takes here."""
    return most_spendable(bill=bill, share_percent=share_of_bill(business))


def agree(
    spend: Spend,
    *,
    business: Business,
    member: User,
    bill: Decimal,
    by: User | None,
    at: datetime,
    only_quote: bool = False,
) -> Agreed:
    """Check what she agreed to against the bill. A quote asks for no proof yet.

    Raises SpendOverShare (above the cap with the number: nothing is cut silently),
    SpendUnconfirmed, ProofInvalid, ProofUsed, RedemptionCodeWrong, OwnerLimitReached,
    ReasonMissing.
    """
    if spend.code:
        agreed = _by_hold(spend, business=business, member=member, at=at)
    elif spend.amount is None:
        raise SpendUnconfirmed
    elif spend.proof:
        agreed = _by_proof(spend, spend.amount, business=business, member=member, by=by)
    elif spend.reason:
        agreed = _by_owner(spend, spend.amount, business=business, by=by, at=at)
    elif only_quote:
        agreed = Agreed(spend.amount, Way.OWNER, new_id())
    else:
        raise SpendUnconfirmed
    most = most_of(business, bill)
    if agreed.amount > most:
        raise SpendOverShare(most=f"{most:.2f}", percent=str(share_of_bill(business)))
    if Spending.objects.filter(proof=agreed.proof).exists():
        raise ProofUsed
    return agreed


def _by_hold(spend: Spend, *, business: Business, member: User, at: datetime) -> Agreed:
    hold = (
        Hold.objects.select_related("journal")
        .filter(
            code=spend.code.strip(),
            journal__wallet_id=member.pk,
            journal__business=business,
            journal__resolved_by__isnull=True,
            expires_at__gt=at,
        )
        .exclude(journal__scope=DEPOSIT)
        .order_by("-expires_at")
        .first()
    )
    if hold is None:
        raise RedemptionCodeWrong
    amount = from_kopecks(hold.journal.amount) if spend.amount is None else spend.amount
    return Agreed(amount, Way.HOLD, hold.pk)


def _by_proof(
    spend: Spend, amount: Decimal, *, business: Business, member: User, by: User | None
) -> Agreed:
    said = _read_proof(spend.proof, member=member, business=business, by=by)
    if said["amount"] is not None and amount > Decimal(said["amount"]):
        raise ProofInvalid
    return Agreed(amount, Way(said["way"]), UUID(said["id"]))


def _by_owner(
    spend: Spend, amount: Decimal, *, business: Business, by: User | None, at: datetime
) -> Agreed:
    if by is None or not by.has_perm(rights.MANAGE, business):
        raise SpendUnconfirmed
    reason = written_reason("transactions.spend_unconfirmed", spend.reason, by=by)
    with connection.cursor() as cursor:  # two owners at once share one day's limit
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"spend:{business.pk}"]
        )
    local = at.astimezone(ZoneInfo(business.zone))
    midnight = datetime.combine(local.date(), time(), tzinfo=local.tzinfo)
    today = Spending.objects.filter(business=business, way=Way.OWNER, at__gte=midnight)
    spent = today.aggregate(total=Sum("amount", default=Decimal(0)))["total"]
    limit = Decimal(settings.OWNER_SPEND_DAILY)
    if spent + amount > limit:
        raise OwnerLimitReached(limit=f"{limit:.0f}", left=f"{max(limit - spent, Decimal(0)):.2f}")
    return Agreed(amount, Way.OWNER, new_id(), reason[:300])


def take(
    agreed: Agreed, *, business: Business, member: User, sale_id: UUID, at: datetime
) -> Posted:
    """Move the bonuses. Raises InsufficientBonus, BonusInvalid, MoreThanHeld, HoldResolved."""
    if agreed.way == Way.HOLD:
        return capture_hold(hold_id=agreed.proof, amount=agreed.amount, at=at)
    return spend_bonus(
        member=member, business=business, amount=agreed.amount, key=f"sale:{sale_id}", at=at
    )


def note(agreed: Agreed, *, sale: Transaction, posted: Posted, at: datetime) -> Spending:
    """How this sale was paid, beside it."""
    return Spending.objects.create(
        transaction=sale,
        journal_id=posted.journal_id,
        way=agreed.way,
        proof=agreed.proof,
        amount=agreed.amount,
        reason=agreed.reason,
        business_id=sale.business_id,
        at=at,
    )
