"""What two years of trade leave in the books beside sales: statements of closed months, gifts,
returns that leave a debt, adjustments that wait for a second person, invitations, a segment."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import ROUND_DOWN, Decimal

from django.db.models import F
from django.utils import timezone

from apps.accounts.models import User
from apps.backoffice.demo.world import World
from apps.businesses.models import Business
from apps.core.errors import Refused
from apps.loyalty.models import Adjustment, Debt, Referral, SegmentEntry, Statement, StatementLine
from apps.loyalty.queries import balance_of
from apps.loyalty.rules import month_bounds
from apps.loyalty.services import (
    accept_invitation,
    adjust_balance,
    close_month,
    confirm_line,
    decide_adjustment,
    dispute_line,
    fill_segment,
    give,
    hold_bonus,
    referral_code_of,
    refresh_exposure,
    reward_referral,
    spend_bonus,
    warn_of_expiry,
)
from apps.transactions.models import Status, Transaction
from apps.transactions.services import refund_purchase

INVITED, GIFTS, DEBTORS, HOLDS = 4, 4, 2, 2
SEGMENT = "gold_brunch"
WORDS = ("С днём рождения", "Спасибо за вечер", "На кофе", "")
ADJUSTED = [  # (bonuses, why, what becomes of it)
    (300, "Компенсация за ожидание в салоне", "done"),
    (7500, "Приз фестиваля, протокол № 14", "waiting"),
    (6000, "Перенос бонусов со старой карты", "waiting"),
    (9000, "Ошибка в сумме, заявка задвоена", "declined"),
]
DISPUTE = "Списание провели дважды: сверяем чеки кассы"


def invite(world: World, members: Sequence[User]) -> None:
    """Before the sales: friends who came by a code of the cast."""
    newest = sorted(range(4, len(world.guests)), key=lambda n: world.guests[n].since)[-INVITED:]
    for place, n in enumerate(newest):
        inviter = members[1 + place % 3]
        if Referral.objects.filter(invited=members[n]).exists():
            continue
        try:
            code = referral_code_of(inviter)
            accept_invitation(member=members[n], code=code, at=world.guests[n].since)
        except Refused:  # an interrupted load: she has bought already
            continue


def reward_friends() -> None:
    """What the listener would have done at each first purchase."""
    for referral in Referral.objects.filter(state="waiting").order_by("pk"):
        bought = Transaction.objects.filter(member=referral.invited).order_by("occurred_at", "pk")
        for sale in bought[:5]:
            moment = {"occurred_at": sale.occurred_at, "at": sale.occurred_at}
            if reward_referral(invited_id=referral.invited_id, sale=str(sale.pk), **moment):
                break


def fill(
    places: Mapping[str, Business], members: Sequence[User], admins: Sequence[User], *, at: datetime
) -> None:
    """Everything once, however often it is called. `admins`: who asks, who decides."""
    _close_months(since=_first_month(), at=at)
    _give_gifts(members, at=at)
    _adjust(members, admins, at=at)
    _hold(members, places, at=at)
    if not SegmentEntry.objects.filter(code=SEGMENT).exists():
        cards = ", ".join(member.card_number for member in members[4:16])
        fill_segment(code=SEGMENT, cards=cards, by=None, reason="Гостьи бранча в октябре", at=at)
    warn_of_expiry(at=at)
    refresh_exposure(at=at)


# --- settlement ----------------------------------------------------------------------------------
def _first_month() -> date:
    first = Transaction.objects.order_by("occurred_at").values_list("occurred_at", flat=True)[0]
    return timezone.localtime(first).date().replace(day=1)


def _close_months(*, since: date, at: datetime) -> None:
    """Every month that is over, each on the second day of the next; both sides agreed with all but
    the last that has lines, of which one is disputed and others wait."""
    month = since
    while month_bounds(month)[1] + timedelta(days=1) < at:
        over = month_bounds(month)[1] + timedelta(days=1)
        close_month(month=month, by=None, at=over)
        month = month_bounds(month)[1].date()
    between = StatementLine.objects.exclude(debtor=F("creditor"))  # own bonuses owe nobody
    statements = list(Statement.objects.filter(lines__in=between).distinct().order_by("month"))
    for statement in statements[:-1]:
        for line in between.filter(statement=statement).order_by("pk"):
            agreed = statement.closed_at + timedelta(days=2)
            for side in (line.debtor, line.creditor):
                confirm_line(line_id=line.pk, business=side, by=None, at=agreed)
    for statement in statements[-1:]:
        pairs = between.filter(statement=statement).select_related("creditor", "debtor")
        lines = list(pairs.order_by("-amount", "pk"))
        if not any(line.disputed_at for line in lines):
            said, line = statement.closed_at + timedelta(days=4), lines[0]
            dispute_line(
                line_id=line.pk, business=line.debtor, by=None, reason=DISPUTE, at=min(said, at)
            )
        for line in lines[1:3]:
            confirm_line(line_id=line.pk, business=line.creditor, by=None, at=at)


# --- wallets -------------------------------------------------------------------------------------
def _rich(members: Sequence[User], *, at: datetime, least: int) -> list[User]:
    """Those who can afford it, the cast last: their balances are what one looks at first."""
    found = [one for one in members[4:] if balance_of(one.pk, at=at).available >= least]
    return found + [one for one in members[:4] if balance_of(one.pk, at=at).available >= least]


def _give_gifts(members: Sequence[User], *, at: datetime) -> None:
    rich = _rich(members, at=at, least=200)[: GIFTS * 2]
    for n, (sender, receiver) in enumerate(zip(rich, reversed(rich), strict=True)):
        if n < GIFTS and sender.pk != receiver.pk:
            day = at - timedelta(hours=2 * (GIFTS - n))
            amount = Decimal(50 * (n + 1))
            give(
                sender=sender,
                receiver=receiver,
                amount=amount,
                key=f"demo:gift:{n}",
                at=day,
                message=WORDS[n],
            )


def leave_debts(members: Sequence[User], places: Mapping[str, Business], *, at: datetime) -> None:
    """She spent all she had, then the goods came back: what she earned on them is owed. Called
    last of all: whatever comes in, a badge or an event, pays a debt at once."""
    late = Transaction.objects.filter(
        status=Status.COMPLETED, bonus_accrued__gte=50, occurred_at__gte=at - timedelta(days=80)
    ).exclude(business=places["lisichkino"])
    kitchen, cast = places["lisichkino"], {one.pk for one in members[:4]}
    sales = list(late.select_related("member", "business").order_by("-occurred_at", "pk"))
    sales.sort(key=lambda sale: sale.member_id in cast)  # the cast last: one looks at it first
    for made, sale in enumerate(sales[: 4 * DEBTORS]):
        if Debt.objects.count() >= DEBTORS:  # one with an open hold may owe nothing
            break
        purse = balance_of(sale.member_id, at=at).available
        whole = purse.quantize(Decimal("0.01"), rounding=ROUND_DOWN)
        if whole > 0:
            spend_bonus(
                member=sale.member,
                business=kitchen,
                amount=whole,
                key=f"demo:all:{made}",
                at=at,
                posted_at=at,
            )
        refund_purchase(
            sale=sale,
            amount=None,
            reason="Товар вернули: не подошёл",
            by=None,
            key=f"demo:return:{made}",
            at=at,
        )


def _adjust(members: Sequence[User], admins: Sequence[User], *, at: datetime) -> None:
    asks, decides = admins[0], admins[1]
    others = members[4:] or members
    for n, (bonuses, why, outcome) in enumerate(ADJUSTED):
        asked: Adjustment = adjust_balance(
            member=others[n % len(others)],
            amount=Decimal(bonuses),
            reason=why,
            by=asks,
            key=f"demo:adjust:{n}",
            at=at,
        )
        if outcome == "declined":
            decide_adjustment(adjustment_id=asked.pk, is_confirmed=False, by=decides, at=at)


def _hold(members: Sequence[User], places: Mapping[str, Business], *, at: datetime) -> None:
    for n, member in enumerate(_rich(members, at=at, least=300)[:HOLDS]):
        hold_bonus(
            member=member,
            business=places["mindal"],
            amount=Decimal(150),
            key=f"demo:hold:{n}",
            at=at,
        )
