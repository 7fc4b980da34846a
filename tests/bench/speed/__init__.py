"""A stand for the speed of the hot paths: data, the production server, a client, the raw SQL."""

import random

# How the ids of made people and of their sessions begin; their number follows.
MEMBER, MEMBER_SESSION = "018f0001-0000-7000-8000-", "018f0002-0000-7000-8000-"
STAFF, STAFF_SESSION = "018f0003-0000-7000-8000-", "018f0004-0000-7000-8000-"
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
