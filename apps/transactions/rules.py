"""Yes/no answers and arithmetic about sales."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import ROUND_DOWN, Decimal
from uuid import UUID

from apps.accounts.rules import check_digit

EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
CLOCK_SLACK = timedelta(minutes=5)  # a till's clock may run ahead this much
UNDO_FOR = timedelta(minutes=5)  # the person who entered a sale may take it back this long
PROOF_LIFE = timedelta(minutes=10)  # from a shown card or a right code to the sale
MOST_LINES = 200  # of one receipt
MOST_COUPONS = 10  # of one receipt
KOPECK = Decimal("0.01")
CODE_SIGNS = 10  # signs of the id that stand in the number for scanners
CODE_DIGITS = 13  # the same as digits, without the check digit


def is_believable_moment(occurred_at: datetime, *, now: datetime) -> bool:
    """A sale is neither in the future nor older than any partner."""
    return EARLIEST <= occurred_at <= now + CLOCK_SLACK


def may_undo(*, recorded_at: datetime, at: datetime) -> bool:
    """Whether her own sale is fresh enough to be taken back by whoever entered it."""
    return at - recorded_at <= UNDO_FOR


def share_of(part: Decimal, *, returned: Decimal, amount: Decimal) -> Decimal:
    """What of `part` (money or bonuses of a receipt of `amount` ₽) has come back when `returned`
    ₽ of it have, rounded down; all of it when all has. Differences of this telescope: however a
    return is split, the parts add up."""
    if returned >= amount:
        return part
    return (part * returned / amount).quantize(KOPECK, rounding=ROUND_DOWN)


def sale_code(sale_id: UUID) -> str:
    """14 digits that a slip carries for scanners: the end of the id and a check digit."""
    digits = f"{int(sale_id.hex[-CODE_SIGNS:], 16):0{CODE_DIGITS}d}"
    return digits + check_digit(digits)


def end_of_id(text: str) -> str | None:
    """The last signs of a sale's id from its number (six signs) or its code (14 digits); None
    when the text is neither."""
    plain = text.strip().lstrip("№#").strip().lower()
    if len(plain) == CODE_DIGITS + 1 and plain.isascii() and plain.isdigit():
        if check_digit(plain[:-1]) != plain[-1] or int(plain[:-1]) >= 16**CODE_SIGNS:
            return None
        return f"{int(plain[:-1]):0{CODE_SIGNS}x}"
    if len(plain) == 6 and all(sign in "0123456789abcdef" for sign in plain):
        return plain
    return None


# --- patterns that somebody should look at (security.md T3) --------------------------------------
@dataclass(frozen=True)
class Around:
    """What happened around a sale at the same business, this one included."""

    member_in_hour: int
    pair_in_week: int
    staff_in_hour: int
    twins_in_10_min: int
    is_colleague: bool


@dataclass(frozen=True)
class Facts:
    """What a flag is judged by: sums in ₽, the hour by the business's own clock."""

    amount: Decimal
    limit: Decimal
    has_receipt: bool
    hour: int
    late: timedelta  # from the sale to its entry


MEMBER_IN_HOUR, PAIR_IN_WEEK, STAFF_IN_HOUR = 4, 6, 90
LARGE_WITHOUT_RECEIPT = Decimal(10_000)
NEAR_LIMIT_PERCENT = 80
NIGHT = range(6)  # hours
LATE = timedelta(hours=25)  # a till's queue lives 24 hours
UNDONE_IN_DAY = 5


def suspicions(facts: Facts, around: Around) -> dict[str, dict[str, str]]:
    """Patterns that a sale fits, each with its figures."""
    found = {
        "colleague": around.is_colleague,
        "member_often": around.member_in_hour >= MEMBER_IN_HOUR,
        "pair_often": around.pair_in_week >= PAIR_IN_WEEK,
        "staff_often": around.staff_in_hour >= STAFF_IN_HOUR,
        "repeated": around.twins_in_10_min >= 2,
        "no_receipt": not facts.has_receipt and facts.amount >= LARGE_WITHOUT_RECEIPT,
        "near_limit": facts.amount * 100 >= facts.limit * NEAR_LIMIT_PERCENT,
        "at_night": facts.hour in NIGHT,
        "backdated": facts.late > LATE,
    }
    figures = {
        "amount": f"{facts.amount:.2f}",
        "memberInHour": str(around.member_in_hour),
        "pairInWeek": str(around.pair_in_week),
        "staffInHour": str(around.staff_in_hour),
    }
    return {kind: figures for kind, fits in found.items() if fits}
