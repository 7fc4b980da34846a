"""Arithmetic and yes/no answers of the CRM hub."""

import hashlib
import ipaddress
import random
from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any

KOPECK = Decimal("0.01")
MOST = Decimal("9999999.99")  # a single sale above is nonsense, whatever the partner's own limit
# Five failures in a row: a pause of 1, then 5, then 15 minutes.
FAILURES_BEFORE_PAUSE = 5
PAUSES = [timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=15)]
# A read that misses more than this part of what was there is not believed.
VANISHED_AT_LEAST, VANISHED_PART = 10, 0.3
OVERLAP = timedelta(hours=2)
# What one address may never reach: besides what `ipaddress` knows as not global.
FORBIDDEN = [
    ipaddress.ip_network(text)
    for text in (
        "100.64.0.0/10",  # carrier NAT
        "192.0.0.0/24",
        "192.88.99.0/24",  # 6to4 relay
        "198.18.0.0/15",  # benchmarks
        "168.63.129.16/32",  # a cloud's own platform
        "64:ff9b::/96",  # translated IPv4
        "64:ff9b:1::/48",
        "100::/64",
        "2001::/23",  # Teredo and protocol assignments
        "2002::/16",  # 6to4
        "fec0::/10",  # site-local
        "fc00::/7",
        "3fff::/20",
        "5f00::/16",
    )
]


def is_public(address: str) -> bool:
    """Whether an IP address lies in the open internet: not private, loopback, link-local,
    multicast, carrier NAT, unique-local, mapped or translated IPv4, reserved or a cloud's own."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(ip, ipaddress.IPv6Address) and (
        ip.scope_id or ip.ipv4_mapped or ip.packed[:12] == bytes(12)
    ):
        return False
    if not ip.is_global or ip.is_multicast or ip.is_reserved or ip.is_unspecified:
        return False
    return not any(ip in network for network in FORBIDDEN if network.version == ip.version)


def host_fits(host: str, patterns: Iterable[str]) -> bool:
    """`patterns` are whole hosts or `*.domain` for its subdomains."""
    host = host.lower().rstrip(".")
    return any(
        host.endswith(pattern[1:]) and len(host) > len(pattern) - 1
        if pattern.startswith("*.")
        else host == pattern
        for pattern in patterns
    )


def roubles(value: Any) -> Decimal:
    """Roubles of what a system wrote: int, float, Decimal or text. Raises ValueError."""
    try:
        amount = Decimal(str(value).replace("\u00a0", "").replace(" ", "").replace(",", "."))
    except InvalidOperation as wrong:
        raise ValueError("no amount") from wrong
    if not amount.is_finite() or abs(amount) > 10 * MOST:
        raise ValueError("no amount")
    return amount.quantize(KOPECK, rounding=ROUND_HALF_UP)


def digits(phone: Any) -> str:
    """The last ten digits: how phones of different systems are compared."""
    return "".join(sign for sign in str(phone or "") if "0" <= sign <= "9")[-10:]


def same_phone(one: Any, other: Any) -> bool:
    return len(digits(one)) == 10 and digits(one) == digits(other)


def believable_amount(amount: Decimal) -> bool:
    return Decimal(0) <= amount <= MOST


def fingerprint(*parts: object) -> str:
    """What tells one value of a document from another."""
    return hashlib.sha256("\x1f".join(str(part) for part in parts).encode()).hexdigest()


def pause_after(pauses: int) -> timedelta:
    """How long the n-th pause in a row lasts."""
    return PAUSES[min(pauses, len(PAUSES) - 1)]


def back_off(attempt: int, *, asked: float | None, dice: random.Random) -> float:
    """Seconds before the next attempt: what the system asked for, else 0.5, 1, 2 … with jitter."""
    if asked is not None:
        return asked + dice.uniform(0, 0.5)
    return float(0.5 * 2**attempt * dice.uniform(0.75, 1.5))


def vanished_too_many(*, known: int, missing: int) -> bool:
    """Whether a window that lost so many records was rather read wrongly."""
    return missing > VANISHED_AT_LEAST and missing > known * VANISHED_PART


def window(
    *, cursor: datetime | None, reread_at: datetime | None, lookback: timedelta, at: datetime
) -> tuple[datetime, bool]:
    """(from when to read, whether it is the long read). Usually from the cursor with an overlap;
    every six hours all the days that may still change."""
    if cursor is None or reread_at is None or at - reread_at >= timedelta(hours=6):
        return min(at - lookback, cursor or at), True
    return cursor - OVERLAP, False
