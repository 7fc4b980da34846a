"""Arithmetic of coupons: codes, benefits on a bill, who pays which part.

Sums are Decimal roubles with two decimals, shares whole percents.
"""

import hashlib
import re
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import ROUND_DOWN, Decimal
from uuid import UUID

# 30 signs without look-alikes (0 O, 1 I L, U V): 13 of them are 63.8 bits, the last one checks.
ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
BODY, GROUPS = 13, (5, 5, 4)
PLACE = {sign: place for place, sign in enumerate(ALPHABET)}
# The same keys on a keyboard left in the Russian layout, and Cyrillic letters drawn like Latin.
LAYOUT = str.maketrans("ЙЦУКЕНГШЩЗФЫВАПРОЛДЯЧСМИТЬ", "QWERTYUIOPASDFGHJKLZXCVBNM")
LOOKS = str.maketrans("АВЕКМНРСТУХЗ", "ABEKMHPCTYX3")
ZERO, KOPECK = Decimal("0.00"), Decimal("0.01")
OWN = re.compile(r"[A-Z0-9]{8,14}", re.ASCII)
BILL = "bill"  # the group of a campaign that names none
GUESTS_DAYS = 90  # who counts as a guest of a business


# --- codes ---------------------------------------------------------------------------------------
def check_sign(body: str) -> str:
    """ISO 7064, the hybrid system MOD 31,30: finds every mistyped sign and nearly every swap."""
    product = len(ALPHABET)
    for sign in body:
        total = (product + PLACE[sign]) % 30 or 30
        product = total * 2 % 31
    return ALPHABET[(31 - product) % 30]


def new_codes(count: int) -> list[str]:
    """Random codes with their check signs. Each sign is uniform: bytes of 240 and more are
    thrown away."""
    need, signs = count * BODY, ""
    while len(signs) < need:
        random = secrets.token_bytes(int((need - len(signs)) * 1.1) + 16)
        signs += "".join(ALPHABET[byte % 30] for byte in random if byte < 240)
    bodies = (signs[start : start + BODY] for start in range(0, need, BODY))
    return [body + check_sign(body) for body in bodies]


def is_code(text: str) -> bool:
    """Whether this could be one of our codes: right signs, and the last one checks."""
    if len(text) != BODY + 1 or any(sign not in PLACE for sign in text):
        return False
    return check_sign(text[:-1]) == text[-1]


def plain(text: str) -> str:
    """Upper case, without separators."""
    return "".join(sign for sign in text.upper() if sign.isalnum())


def is_own(code: str) -> bool:
    """Whether an owner may have printed such a code herself: 8 to 14 Latin letters and digits, with
    a digit among them, so that no word is a coupon."""
    return bool(OWN.fullmatch(code)) and any(sign.isdigit() for sign in code)


def readings(text: str) -> list[str]:
    """What a person or a scanner may have meant: upper case without separators, as it stands, from
    a keyboard left in the Russian layout, with Cyrillic letters for Latin ones."""
    code = plain(text)
    return list(dict.fromkeys([code, code.translate(LAYOUT), code.translate(LOOKS)]))


def grouped(code: str) -> str:
    """`XXXXX-XXXXX-XXXX`, as it is printed; a promo word as it is."""
    if len(code) != BODY + 1:
        return code
    first, second, _third = GROUPS
    return f"{code[:first]}-{code[first : first + second]}-{code[first + second :]}"


def masked(code: str) -> str:
    """Enough to tell two codes apart on a screen, too little to use one."""
    if len(code) == BODY + 1:
        return f"•••••-•••••-••{code[-2:]}"
    return f"{'•' * (len(code) - 2)}{code[-2:]}" if is_own(code) else code


# --- who is held out ------------------------------------------------------------------------------
def is_held_out(*, salt: str, member_id: UUID, percent: int) -> bool:
    """The control arm, decided by hash before anything is shown: the same member and salt give
    the same answer for ever."""
    digest = hashlib.sha256(f"{salt}:{member_id}".encode()).digest()
    return int.from_bytes(digest[:8], "big") % 10_000 < percent * 100


# --- benefits ------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Terms:
    """What one coupon gives and how it stands beside others. `group`: at most one coupon of a
    group on a bill, "" stands with all. Lower `priority` is applied first. `running`: percent of
    what the others left, else of the whole bill."""

    key: str
    benefit: str
    value: Decimal
    max_discount: Decimal | None = None
    group: str = ""
    priority: int = 100
    running: bool = True


@dataclass(frozen=True)
class Given:
    """What a coupon does to a bill; `beaten_by` is the key of the one that took its group."""

    terms: Terms
    discount: Decimal = ZERO
    bonus: Decimal = ZERO
    beaten_by: str | None = None


def discount(terms: Terms, *, bill: Decimal, left: Decimal) -> Decimal:
    """Roubles off, rounded down, never more than is left of the bill."""
    if terms.benefit == "percent":
        base = left if terms.running else bill
        off = (base * terms.value / 100).quantize(KOPECK, rounding=ROUND_DOWN)
    elif terms.benefit == "fixed":
        off = terms.value
    else:
        return ZERO
    if terms.max_discount is not None:
        off = min(off, terms.max_discount)
    return max(ZERO, min(off, left))


def largest_cost(benefit: str, value: Decimal, max_discount: Decimal | None) -> Decimal | None:
    """The most that one coupon can cost, for reserving a budget; None when nothing bounds it."""
    if benefit == "percent":
        return max_discount
    if benefit == "gift":
        return ZERO
    return value if max_discount is None else min(value, max_discount)


def put_on_bill(coupons: Iterable[Terms], *, bill: Decimal) -> list[Given]:
    """All coupons on one bill, in the order they apply. The same for every order of `coupons`:
    priority first, then the larger discount, then the key."""
    ordered = sorted(
        coupons, key=lambda one: (one.priority, -discount(one, bill=bill, left=bill), one.key)
    )
    left, winners, given = bill, dict[str, str](), list[Given]()
    for terms in ordered:
        if terms.group and terms.group in winners:
            given.append(Given(terms, beaten_by=winners[terms.group]))
            continue
        winners[terms.group] = terms.key
        off = discount(terms, bill=bill, left=left)
        left -= off
        bonus = terms.value if terms.benefit == "bonus" else ZERO
        given.append(Given(terms, off, bonus))
    return given


def split(amount: Decimal, shares: Sequence[int]) -> list[Decimal]:
    """`amount` by whole percents that sum to 100, to the kopeck and exactly: the largest remainders
    get the left-over kopecks, the first of equals first."""
    kopecks = int(amount * 100)
    parts = [kopecks * share // 100 for share in shares]
    remainders = [kopecks * share % 100 for share in shares]
    order = sorted(range(len(shares)), key=lambda place: -remainders[place])
    for place in order[: kopecks - sum(parts)]:
        parts[place] += 1
    return [Decimal(part).scaleb(-2).quantize(KOPECK) for part in parts]
