"""A stand for the speed of the hot paths: data, the production server, a client, the raw SQL."""

import random


def begins(kind: int) -> str:
    """How the ids of one kind of made rows begin; their number follows as twelve digits."""
    return f"018f{kind:04x}-0000-7000-8000-"


MEMBER, MEMBER_SESSION, CASHIER, CASHIER_SESSION = map(begins, (1, 2, 3, 4))
# Places in the text of a request, as wide as what stands there when it is sent.
BUYER, SUM = "{buyer-----}", "{sums-}"


def filled(text: str, *, key: str, members: int) -> str:
    """The request as it is sent: a key of its own and, in a sale, anybody who buys for any sum. The
    same few guests over and over, for the same sum, would each be a suspicion to write down."""
    text = text.replace("{key}", key)
    if BUYER in text:
        text = text.replace(BUYER, f"{random.randrange(members):012x}")
        text = text.replace(SUM, f"{random.randrange(1000, 2000)}.00")
    return text
