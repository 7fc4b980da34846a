"""Arithmetic and yes/no answers about people: phones, card numbers, one-time codes."""

import hashlib
import hmac
import ipaddress
import re
import secrets
from collections.abc import Collection
from datetime import date

import phonenumbers

CARD_DIGITS = 12  # eleven random digits and a check digit, numeric for every scanner
CODE_DIGITS = 6
CODE_SHAPE = r"^[0-9]{6}$"
CODE_LIFE = 300  # seconds
CODE_TRIES = 5
# Seconds to the next sending: after the first code, the second, the third; then a longer rest.
RESEND_LADDER = [60, 120, 300]
RESEND_REST = 15 * 60
HOUR, DAY, YEAR = 3600, 86400, 365 * 86400
# (how many, in how many seconds) codes may be asked for: security.md part 4
SENDS_PER_NUMBER = [(3, 900), (5, HOUR), (8, DAY)]
SENDS_PER_ADDRESS = (10, HOUR)
SENDS_PER_NETWORK = (30, HOUR)
SENDS_PER_DEVICE = (6, DAY)
CHECKS_PER_ADDRESS = (30, HOUR)
FAILURES_PER_NUMBER = (15, DAY)
FAILURES_IN_A_ROW = 30  # then codes stop for the number: another way only
NEIGHBOURS = 10  # consecutive numbers asked by one network in an hour: pumping
NETWORK_PAUSE = HOUR
# The share of sent codes that come back, over the last 15 minutes: below it somebody pumps.
ALARM_WINDOW = 15 * 60
ALARM_OVERALL, ALARM_OVERALL_SENT = 40, 20  # percent, least number of codes to judge by
ALARM_PREFIX, ALARM_PREFIX_SENT = 20, 10
PREFIX_PAUSE = 15 * 60
PREFIX_DIGITS = 6
ACCESS_LIFE = 15 * 60  # seconds
REFRESH_LIFE = 30 * 86400  # seconds
REFRESHES = (30, HOUR)  # of one person, all devices together
REFRESH_GRACE = 60  # seconds in which a lost answer is given again
FREEZE_AFTER_PHONE = DAY  # seconds without spending or giving after a change of number
PHONE_MOVE = 3 * DAY  # seconds a new number waits when the old one is not at hand
NEW_DEVICE = DAY  # seconds after a sign-in on a new device in which spending is capped
FRESH_FOR = 15 * 60  # seconds a shown second factor counts as fresh
CONFIRM_TRIES = (10, DAY)  # wrong ones
SEEN_EVERY = 60  # seconds: "last seen" is written at most this often
WEB_IDLE = 30 * 60  # seconds without a request that end a browser session
WEB_IDLE_ADMIN = 15 * 60
WEB_ABSOLUTE = 12 * 3600  # seconds from sign-in to its end, however busy
PIN_SHAPE = re.compile(r"[0-9]{4,6}", re.ASCII)
PIN_TRIES = 5
TRUST_DAYS = 90  # a till's computer is trusted this long
CARD_STEP = 30  # seconds for which one card token is shown
CARD_CODE_DIGITS = 8
CARD_TOKEN_DIGITS = CARD_DIGITS - 1 + CARD_CODE_DIGITS + 1

PHONE_SHAPE = re.compile(r"\+?[\d\s()\-\u00a0\u2011.]{10,20}", re.ASCII)


def normalize_phone(text: str, *, countries: Collection[int] = ()) -> str | None:
    """E.164 (`+79161234567`) of a Russian mobile number in any usual form, else None.

    `countries` are calling codes besides Russia's whose mobile numbers are taken as well.
    """
    text = text.strip()
    if not PHONE_SHAPE.fullmatch(text):
        return None
    try:
        number = phonenumbers.parse(text, "RU")
    except phonenumbers.NumberParseException:
        return None
    if not _is_mobile(number):
        return None
    # Kazakhstan shares +7: the region tells, not the calling code.
    russian = phonenumbers.region_code_for_number(number) == "RU"
    if not russian and number.country_code not in countries:
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _is_mobile(number: phonenumbers.PhoneNumber) -> bool:
    return phonenumbers.number_type(number) in (
        phonenumbers.PhoneNumberType.MOBILE,
        phonenumbers.PhoneNumberType.FIXED_LINE_OR_MOBILE,
    )


def country_codes(text: str) -> frozenset[int]:
    """Calling codes of a list such as `375, +374`; what is not a number is left out."""
    return frozenset(int(code) for code in re.findall(r"[1-9][0-9]{0,2}", text))


def phone_prefix(phone: str) -> str:
    """The first six digits of an E.164 number: an operator's block, not a person."""
    return phone.lstrip("+")[:PREFIX_DIGITS]


def neighbours(phone: str) -> list[tuple[int, str]]:
    """(distance, number) of the numbers around an E.164 number, near enough to form a run."""
    number = int(phone)
    around = range(1 - NEIGHBOURS, NEIGHBOURS)
    return [(step, f"+{number + step}") for step in around if step]


def longest_run(steps: Collection[int]) -> int:
    """How many consecutive numbers there are around 0, itself included."""
    length = 1
    for direction in (1, -1):
        step = direction
        while step in steps:
            length, step = length + 1, step + direction
    return length


def network_of(address: str) -> str:
    """The /24 of an IPv4 address, the /48 of an IPv6 one."""
    version = ipaddress.ip_address(address).version
    return str(ipaddress.ip_network(f"{address}/{24 if version == 4 else 48}", strict=False))


def host_of(address: str) -> str:
    """What counts as one address: IPv4 itself, but the /64 that one IPv6 customer gets."""
    if ipaddress.ip_address(address).version == 4:
        return address
    return str(ipaddress.ip_network(f"{address}/64", strict=False))


def is_loopback(address: str) -> bool:
    return ipaddress.ip_address(address).is_loopback


def resend_wait(sent: int) -> int:
    """Seconds before one may ask again after `sent` codes of the same attempt."""
    return RESEND_LADDER[sent - 1] if sent <= len(RESEND_LADDER) else RESEND_REST


def sms_parts(text: str) -> int:
    """How many messages the operator bills: 70 letters in Cyrillic (67 when split), 160 in Latin."""
    one, part = (160, 153) if text.isascii() else (70, 67)
    return 1 if len(text) <= one else -(-len(text) // part)


def is_weak_pin(pin: str) -> bool:
    """All the same digit, or digits in a row up or down: the first that anybody tries."""
    steps = {int(b) - int(a) for a, b in zip(pin, pin[1:], strict=False)}
    return len(steps) == 1 and steps <= {0, 1, -1}


def plain_recovery_code(text: str) -> str:
    """The ten letters of a recovery code, however they were typed."""
    return re.sub(r"[^A-Z0-9]", "", text.upper())


def browser_name(agent: str) -> str:
    """`Chrome, Windows`: enough to recognise one's own device in a list."""
    browsers = {"YaBrowser": "Yandex", "Edg/": "Edge", "OPR/": "Opera", "Firefox": "Firefox"}
    browsers |= {"Chrome": "Chrome", "Safari": "Safari"}
    systems = {"Windows": "Windows", "Android": "Android", "iPhone": "iOS", "iPad": "iOS"}
    systems |= {"Mac OS X": "macOS", "Linux": "Linux"}
    found = [
        next((name for sign, name in table.items() if sign in agent), "")
        for table in (browsers, systems)
    ]
    return ", ".join(name for name in found if name)


def card_step(seconds: float) -> int:
    """The number of the 30-second step in which a moment (Unix seconds) lies."""
    return int(seconds) // CARD_STEP


def card_code(secret: bytes, step: int) -> str:
    """The digits that prove the card at one step, a keyed hash cut to eight."""
    digest = hmac.new(secret, step.to_bytes(8, "big"), hashlib.sha256).digest()
    number = int.from_bytes(digest[:8], "big") % 10**CARD_CODE_DIGITS
    return f"{number:0{CARD_CODE_DIGITS}d}"


def card_token(card_number: str, code: str) -> str:
    """The digits of the QR: the card without its check digit, the code, one check digit over both."""
    body = card_number[:-1] + code
    return body + check_digit(body)


def is_card_token(text: str) -> bool:
    """Twenty digits of a QR whose check digit fits."""
    return split_card_token(text) is not None


def split_card_token(text: str) -> tuple[str, str] | None:
    """(card number, code) of a scanned token; None when its digits do not fit together."""
    digits = re.sub(r"[\s\u00a0]", "", text)
    if not re.fullmatch(rf"[0-9]{{{CARD_TOKEN_DIGITS}}}", digits, re.ASCII):
        return None
    if check_digit(digits[:-1]) != digits[-1]:
        return None
    reference = digits[: CARD_DIGITS - 1]
    return reference + check_digit(reference), digits[CARD_DIGITS - 1 : -1]


def mask_phone(phone: str) -> str:
    """`+7 912 ···-··-45`: enough to recognise one's own, not enough to call."""
    return f"+7 {phone[2:5]} ···-··-{phone[-2:]}"


def check_digit(digits: str) -> str:
    """Luhn's check digit: finds every single wrong digit and most swapped neighbours."""
    total = 0
    for place, sign in enumerate(reversed(digits)):
        value = int(sign) * (2 if place % 2 == 0 else 1)
        total += value - 9 if value > 9 else value
    return str(-total % 10)


def new_card_number() -> str:
    """A random card number that starts with a non-zero digit and ends with its check digit."""
    body = str(secrets.choice(range(1, 10))) + "".join(
        str(secrets.randbelow(10)) for _ in range(CARD_DIGITS - 2)
    )
    return body + check_digit(body)


def is_card_number(text: str) -> bool:
    """Twelve digits whose check digit fits."""
    digits = re.sub(r"[\s\u00a0]", "", text)
    return (
        len(digits) == CARD_DIGITS
        and digits.isascii()
        and digits.isdigit()
        and check_digit(digits[:-1]) == digits[-1]
    )


def new_code() -> str:
    """Six random digits, leading zeros allowed."""
    return f"{secrets.randbelow(10**CODE_DIGITS):0{CODE_DIGITS}d}"


def is_adult(born: date, *, today: date) -> bool:
    """18 years are over. Whoever was born on 29 February is of age on 1 March of a common year."""
    return (today.year - born.year, today.month, today.day) >= (18, born.month, born.day)


def initial(last_name: str) -> str:
    """`Иванова` → `И.`; empty stays empty. Staff never see more."""
    return f"{last_name[:1]}." if last_name else ""
