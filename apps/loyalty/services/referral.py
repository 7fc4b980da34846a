"""Friends: an invitation, its reward after a first purchase, and its undoing."""

import secrets
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from django.db import IntegrityError, connection, transaction
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import Session, User
from apps.core import audit, outbox, sealing
from apps.core.errors import Invalid, Refused
from apps.core.facts import ReferralRewarded
from apps.loyalty import referral_queries, rules
from apps.loyalty.enums import ReferralState
from apps.loyalty.models import Counter, Referral, ReferralCode
from apps.loyalty.services.books import lock_wallet, lock_wallets
from apps.loyalty.services.rewards import give_reward, take_reward_back
from apps.loyalty.settings_queries import current as numbers

LETTERS = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"  # without look-alikes
KNOWN_DAYS = 365  # how long a number that joined is recognised
TAKE_PLACE = """
INSERT INTO loyalty_counter (scope, period, used) VALUES (%s, %s, 1)
ON CONFLICT (scope, period) DO UPDATE SET used = loyalty_counter.used + 1
WHERE loyalty_counter.used < %s
"""


class CodeUnknown(Invalid):
    field = "code"
    message = _("There is no such invitation code.")


class OwnCode(Invalid):
    field = "code"
    message = _("This code cannot be used by you.")


class AlreadyInvited(Refused):
    code = "ALREADY_USED"
    message = _("An invitation was accepted before.")


class InvitedTooLate(Refused):
    code = "WRONG_STATE"
    message = _("An invitation is accepted before the first purchase.")


def referral_code_of(member: User) -> str:
    """Her code, made when she first asks."""
    fresh = "".join(secrets.choice(LETTERS) for _ in range(8))
    row, _made = ReferralCode.objects.get_or_create(member=member, defaults={"code": fresh})
    return row.code


@transaction.atomic
def accept_invitation(*, member: User, code: str, at: datetime, device_hash: str = "") -> Referral:
    """Note who invited her, once and before her first purchase.

    A device or a number that was here before gives a refused invitation: it stays as a record and
    is never rewarded. Raises CodeUnknown, OwnCode (also when she invited the inviter),
    AlreadyInvited, InvitedTooLate.
    """
    lock_wallet(member.pk)
    if Referral.objects.filter(invited=member).exists():
        raise AlreadyInvited
    row = ReferralCode.objects.filter(code=code.strip().upper()).select_related("member").first()
    if row is None or not row.member.is_active:
        raise CodeUnknown
    if (
        row.member_id == member.pk
        or Referral.objects.filter(inviter=member, invited=row.member).exists()
    ):
        raise OwnCode
    if referral_queries.has_bought(member.pk):
        raise InvitedTooLate
    phone_hash = sealing.pepper_hash(member.phone, purpose="referral") if member.phone else ""
    why = _suspicion(member, device_hash=device_hash, phone_hash=phone_hash)
    try:
        with transaction.atomic():
            referral = Referral.objects.create(
                inviter=row.member,
                invited=member,
                state=ReferralState.REFUSED if why else ReferralState.WAITING,
                why=why,
                accepted_at=at,
                lapses_at=at + timedelta(days=numbers().referral_lapse_days),
                device_hash=device_hash,
                phone_hash=phone_hash,
            )
    except IntegrityError as raced:
        raise AlreadyInvited from raced
    audit.record(member, "loyalty.referral_accept", "referral", referral.pk, reason=why)
    return referral


def _suspicion(member: User, *, device_hash: str, phone_hash: str) -> str:
    if phone_hash and Referral.objects.filter(phone_hash=phone_hash).exists():
        return "phone"
    if not device_hash:
        return ""
    others = Session.objects.filter(device_key=device_hash).exclude(user=member)
    twins = Referral.objects.filter(device_hash=device_hash)
    return "device" if others.exists() or twins.exists() else ""


@transaction.atomic
def reward_referral(*, invited_id: UUID, sale: str, occurred_at: datetime, at: datetime) -> bool:
    """After the invited one's first purchase from 1 000 ₽ both get theirs, pending 14 days.

    The inviter at most ten times a month (Moscow); the invited one all the same. Says whether
    rewarded; twice is once.
    """
    invitations = Referral.objects.filter(invited__erased_at__isnull=True)
    waiting = invitations.filter(invited_id=invited_id, state=ReferralState.WAITING).first()
    if waiting is None or occurred_at < waiting.accepted_at:
        return False
    if referral_queries.kept_money(sale) < numbers().referral_least:
        return False
    lock_wallets({waiting.inviter_id, invited_id})
    rows = Referral.objects.filter(pk=waiting.pk, state=ReferralState.WAITING)
    if occurred_at >= waiting.lapses_at:
        rows.update(state=ReferralState.LAPSED)
        return False
    if not rows.update(state=ReferralState.REWARDED, sale=sale, rewarded_at=at):
        return False
    waiting.refresh_from_db()
    waiting.invited_journal_id = _give(
        waiting, "invited", invited_id, numbers().referral_invited, at=at
    )
    is_here = User.objects.filter(pk=waiting.inviter_id, erased_at__isnull=True).exists()
    if is_here and _takes_place(waiting.inviter_id, at=at):
        waiting.inviter_journal_id = _give(
            waiting, "inviter", waiting.inviter_id, numbers().referral_inviter, at=at
        )
    waiting.save(update_fields=["invited_journal", "inviter_journal"])
    return True


def _takes_place(inviter_id: UUID, *, at: datetime) -> bool:
    """One of her ten places of this month, by one conditional statement."""
    month = at.astimezone(rules.MOSCOW).strftime("%Y-%m")
    with connection.cursor() as cursor:
        cursor.execute(TAKE_PLACE, [f"referral:{inviter_id}", month, numbers().referral_a_month])
        return bool(cursor.rowcount)


def _give(referral: Referral, role: str, member_id: UUID, amount: Decimal, *, at: datetime) -> UUID:
    posted = give_reward(
        member_id=member_id,
        amount=amount,
        key=f"referral:{referral.pk}:{role}",
        because={
            "referral": str(referral.pk),
            "role": role,
            "least": str(numbers().referral_least),
        },
        pending_days=numbers().referral_pending_days,
        at=at,
    )
    outbox.publish(
        ReferralRewarded(
            referral_id=str(referral.pk),
            member_id=str(member_id),
            role=role,
            amount=f"{amount:.2f}",
            at=at.isoformat(),
        )
    )
    return posted.journal_id


@transaction.atomic
def revoke_referral(*, sale: str, at: datetime) -> bool:
    """The purchase came back so far that less than 1 000 ₽ is left of it: so do both rewards."""
    rewarded = Referral.objects.filter(sale=sale, state=ReferralState.REWARDED).first()
    if rewarded is None or referral_queries.kept_money(sale) >= _least_of(rewarded):
        return False
    lock_wallets({rewarded.inviter_id, rewarded.invited_id})
    rows = Referral.objects.filter(pk=rewarded.pk, state=ReferralState.REWARDED)
    if not rows.update(state=ReferralState.REVOKED):
        return False
    for journal_id in (rewarded.invited_journal_id, rewarded.inviter_journal_id):
        if journal_id:
            take_reward_back(journal_id=journal_id, at=at)
    return True


def _least_of(rewarded: Referral) -> Decimal:
    """₽ that the purchase had to reach on its day."""
    given = rewarded.invited_journal
    told = given.rule.get("least") if given else None
    return Decimal(told) if told else numbers().referral_least


def lapse_referrals(*, at: datetime) -> int:
    """Invitations not followed by a purchase in time (180 days); how many. Forgets old digests of
    numbers too. The reward tests the date itself."""
    old = at - timedelta(days=KNOWN_DAYS)
    Referral.objects.filter(accepted_at__lt=old).exclude(phone_hash="").update(
        phone_hash="", device_hash=""
    )
    due = Referral.objects.filter(state=ReferralState.WAITING, lapses_at__lte=at)
    return due.update(state=ReferralState.LAPSED)


@transaction.atomic
def forget_referrals(*, member_id: UUID) -> None:
    """An erased person has no code and no device; the digest of her number stays a year, so that
    leaving and joining again earns nothing."""
    ReferralCode.objects.filter(member_id=member_id).delete()
    Referral.objects.filter(Q(invited_id=member_id)).update(device_hash="")


def month_left(inviter_id: UUID, *, at: datetime) -> int:
    month = at.astimezone(rules.MOSCOW).strftime("%Y-%m")
    row = Counter.objects.filter(scope=f"referral:{inviter_id}", period=month).first()
    return max(0, numbers().referral_a_month - (row.used if row else 0))
