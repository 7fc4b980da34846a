"""Arithmetic and yes/no answers about people: phones, card numbers, one-time codes."""

import re
import secrets

import phonenumbers

CARD_DIGITS = 12  # eleven random digits and a check digit, numeric for every scanner
CODE_DIGITS = 6
CODE_LIFE = 300  # seconds
CODE_TRIES = 5
RESEND_AFTER = 60  # seconds
# (how many, in how many seconds) codes one number may ask for: security.md part 4
SENDS_PER_NUMBER = [(3, 900), (5, 3600), (8, 86400)]
ACCESS_LIFE = 15 * 60  # seconds
REFRESH_LIFE = 30 * 86400  # seconds
REFRESH_GRACE = 60  # seconds in which a lost answer is given again

PHONE_SHAPE = re.compile(r"\+?[\d\s()\-\u00a0\u2011.]{10,20}", re.ASCII)


def normalize_phone(text: str) -> str | None:
    """E.164 (`+79161234567`) of a Russian mobile number in any usual form, else None."""
    text = text.strip()
    if not PHONE_SHAPE.fullmatch(text):
        return None
    try:
        number = phonenumbers.parse(text, "RU")
    except phonenumbers.NumberParseException:
        return None
    if number.country_code != 7 or not str(number.national_number).startswith("9"):
        return None
    if len(str(number.national_number)) != 10:
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


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


def initial(last_name: str) -> str:
    """`Иванова` → `И.`; empty stays empty. Staff never see more."""
    return f"{last_name[:1]}." if last_name else ""
