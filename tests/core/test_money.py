from decimal import Decimal

import pytest
from django.utils import translation
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.core import money
from apps.core.money import (
    AmountInvalid,
    AmountNotPositive,
    AmountTooLong,
    format_number,
    format_rub,
    parse_amount,
)
from apps.core.templatetags.money import bonus, rub, rub_short

NBSP, NARROW, THIN = "\u00a0", "\u202f", "\u2009"
steady = settings(derandomize=True, deadline=None, database=None, max_examples=300)

GOOD = {
    # plain
    "1": "1.00",
    "12": "12.00",
    "123": "123.00",
    "1234": "1234.00",
    "12345": "12345.00",
    "123456": "123456.00",
    "1234567": "1234567.00",
    "12345678": "12345678.00",
    "99999999": "99999999.00",
    "99999999,99": "99999999.99",
    "99999999.99": "99999999.99",
    "007": "7.00",
    # kopecks after a comma or a point
    "1234,5": "1234.50",
    "1234,50": "1234.50",
    "1234.5": "1234.50",
    "1234.50": "1234.50",
    "1234,05": "1234.05",
    "0,01": "0.01",
    "0.01": "0.01",
    "0,1": "0.10",
    "00,10": "0.10",
    # groups of three between the spaces that people and spreadsheets use
    "1 234": "1234.00",
    "1 234,5": "1234.50",
    "1 234,50": "1234.50",
    "1 234.50": "1234.50",
    "12 345": "12345.00",
    "123 456": "123456.00",
    "1 234 567": "1234567.00",
    "12 345 678": "12345678.00",
    "12 345 678,99": "12345678.99",
    f"1{NBSP}234": "1234.00",
    f"1{NBSP}234,50": "1234.50",
    f"12{NBSP}345{NBSP}678,99": "12345678.99",
    f"1{NARROW}234": "1234.00",
    f"1{NARROW}234,50": "1234.50",
    f"1{THIN}234,50": "1234.50",
    f"1{NBSP}234 567": "1234567.00",
    # around the sum
    " 1234": "1234.00",
    "1234 ": "1234.00",
    "  1 234,50  ": "1234.50",
    f"{NBSP}1234{NBSP}": "1234.00",
    f"{NARROW}1234": "1234.00",
    "\t1234\n": "1234.00",
    "1234\r\n": "1234.00",
    # the sign of the rouble at the end
    "1234₽": "1234.00",
    "1234 ₽": "1234.00",
    "1 234,50 ₽": "1234.50",
    f"1{NBSP}234,50{NBSP}₽": "1234.50",
    f"1{NARROW}234,50{NARROW}₽": "1234.50",
    " 1234,5₽ ": "1234.50",
}

GOOD |= {
    f"{text}{tail}": amount
    for text, amount in GOOD.items()
    if text == text.strip() and "₽" not in text
    for tail in ("₽", " ₽", f"{NBSP}₽", f"{NARROW}₽ ")
}

BAD = [
    # nothing
    "",
    " ",
    NBSP,
    NARROW,
    "\n",
    "₽",
    " ₽ ",
    # words
    "abc",
    "сто",
    "true",
    "None",
    "null",
    "[1]",
    "{}",
    '"1234"',
    "1234x",
    "x1234",
    "🙂",
    "1🙂",
    # exponents and other notations of numbers
    "1e5",
    "1E5",
    "1е5",
    "1e+5",
    "1e-5",
    "12e",
    "e5",
    "0x10",
    "0b1",
    "0o7",
    "1_000",
    "1'234",
    "1’234",
    "NaN",
    "nan",
    "inf",
    "Infinity",
    "-inf",
    # signs
    "-1",
    "-1,50",
    "- 1",
    "\u22121",
    "\u22121 234,50",
    "\u20131",
    "+1",
    "1-",
    "1+",
    "(1)",
    "-0",
    # separators
    "1,2,3",
    "1.2.3",
    "1,234.50",
    "1.234,50",
    "1,234,567",
    "1.234.567",
    "1,,5",
    "1..5",
    "1,.5",
    ",50",
    ".5",
    "1234,",
    "1234.",
    ",",
    ".",
    "1;5",
    "1:5",
    "1/2",
    "1\u066b5",
    "1\u066c234",
    # more than two decimals
    "12,345",
    "12.345",
    "1234,500",
    "0,001",
    "0.005",
    "1 234,567",
    # grouped wrongly
    "1 23 4",
    "12 34",
    "1 2345",
    "1234 567",
    "1 234 56",
    "1 234 5678",
    "1  234",
    "1 , 50",
    "1, 50",
    "1 ,50",
    "1,5 0",
    f"1{NBSP}{NBSP}234",
    "1\t234",
    "1\n234",
    "1\u2003234",
    "1\u3000234",
    "1\u200b234",
    # what nobody sees
    "\u200b1234",
    "\ufeff1234",
    "1234\u200f",
    "\u202e1234",
    "\x001234",
    "1234\x00",
    "12\x0034",
    "\x1f1234",
    "1234\x1c",
    "\u30001234",
    # digits of other scripts
    "\u0661\u0662\u0663\u0664",
    "\u06f1\u06f2\u06f3",
    "\uff11\uff12\uff13",
    "\u0967\u0968",
    "1\u0662",
    "1,\u0665",
    "1\u00b2",
    "\u00bd",
    "\u2167",
    "\U0001d7d9",
    # the rouble elsewhere, other money
    "₽1234",
    "₽ 1234",
    "12₽34",
    "1234₽₽",
    "1234₽,50",
    "₽1234₽",
    "1234 руб",
    "1234 р.",
    "1234р",
    "$1234",
    "1234$",
    "1234 €",
    "RUB 1234",
    "1234%",
    "=1+1",
]
LONG = [
    "123456789",
    "100000000",
    "123 456 789",
    "1234567890",
    "999999999,99",
    "123456789.1",
    "123456789 ₽",
    "9" * 10_000,
]
ZERO = ["0", "0,0", "0.00", "00", "000 000,00", "0 ₽"]


def test_the_table_is_as_long_as_the_page_asks():
    assert len(GOOD) + len(BAD) + len(LONG) + len(ZERO) >= 300


def outcome(text, **options):
    """The amount as it is written, or the name of the refusal."""
    try:
        return str(parse_amount(text, **options))
    except AmountInvalid as refused:
        return type(refused).__name__


def test_a_good_text_is_an_amount_with_two_decimals():
    assert {text: outcome(text) for text in GOOD} == GOOD


def test_a_bad_text_is_refused():
    assert {text: outcome(text) for text in BAD} == dict.fromkeys(BAD, "AmountInvalid")


def test_more_than_eight_digits_have_a_sentence_of_their_own():
    assert {text: outcome(text) for text in LONG} == dict.fromkeys(LONG, "AmountTooLong")


def test_zero_is_refused_unless_it_is_asked_for():
    asked = {text: outcome(text, zero_allowed=True) for text in ZERO}

    assert {text: outcome(text) for text in ZERO} == dict.fromkeys(ZERO, "AmountNotPositive")
    assert asked == dict.fromkeys(ZERO, "0.00")


@pytest.mark.parametrize("kind", [AmountInvalid, AmountTooLong, AmountNotPositive])
def test_a_refusal_is_words_about_the_field(kind):
    with translation.override("ru"):
        words = str(kind())

    assert (kind.code, kind.field) == ("VALIDATION_ERROR", "amount")
    assert words
    assert not words.isascii()


amounts = st.decimals(min_value="0.01", max_value="99999999.99", places=2)


@steady
@given(amounts, st.booleans())
def test_what_is_shown_can_be_typed_back(amount, kopecks):
    assert parse_amount(format_rub(amount, always_kopecks=kopecks)) == amount
    assert parse_amount(format_number(amount, always_kopecks=kopecks)) == amount


@steady
@given(amounts, st.sampled_from(" \u00a0\u202f\u2009"), st.sampled_from(",."))
def test_any_allowed_space_and_separator_mean_the_same(amount, space, separator):
    text = f"{amount:,.2f}".replace(".", separator).replace(",", space, text_groups(amount))

    assert parse_amount(text) == amount


def text_groups(amount: Decimal) -> int:
    """How many spaces stand between the groups of this amount."""
    return f"{amount:,.2f}".count(",")


@steady
@given(st.text(alphabet="0123456789 ,.-+eE₽\u00a0\u202f\u2212\u0661\x00x", max_size=14))
def test_any_text_is_an_amount_or_a_refusal(text):
    try:
        amount = parse_amount(text)
    except AmountInvalid:
        return
    assert Decimal("0.01") <= amount <= Decimal("99999999.99")
    assert amount.as_tuple().exponent == -2
    assert (
        "".join(sign for sign in text if sign.isdigit())
        .lstrip("0")
        .startswith(str(int(amount)).lstrip("0"))
    )


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        ("0", f"0,00{NBSP}₽"),
        ("1234.5", f"1{NBSP}234,50{NBSP}₽"),
        ("-1234.5", f"\u22121{NBSP}234,50{NBSP}₽"),
        ("99999999.99", f"99{NBSP}999{NBSP}999,99{NBSP}₽"),
    ],
)
def test_roubles_are_written_the_russian_way(amount, text):
    assert format_rub(Decimal(amount)) == text


def test_whole_roubles_may_lose_their_kopecks():
    assert rub_short(Decimal("1234.00")) == f"1{NBSP}234{NBSP}₽"
    assert rub_short(Decimal("1234.50")) == f"1{NBSP}234,50{NBSP}₽"


def test_missing_is_not_zero():
    assert [rub(None), rub_short(None), bonus(None)] == ["—", "—", "—"]


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        ("0", "0 бонусов"),
        ("1", "1 бонус"),
        ("2", "2 бонуса"),
        ("5", "5 бонусов"),
        ("11", "11 бонусов"),
        ("21", "21 бонус"),
        ("111", "111 бонусов"),
        ("1234", "1 234 бонуса"),
        ("1.50", "1,50 бонуса"),
        ("-5", "\u22125 бонусов"),
    ],
)
def test_bonuses_are_counted_in_russian(amount, text):
    with translation.override("ru"):
        assert bonus(Decimal(amount)) == text.replace(" ", NBSP)


def test_kopecks_are_whole():
    assert money.to_kopecks(Decimal("1234.50")) == 123450
    assert money.from_kopecks(123450) == Decimal("1234.50")
    with pytest.raises(ValueError, match="more than two decimals"):
        money.to_kopecks(Decimal("0.001"))


def test_a_part_of_a_kopeck_is_never_promised():
    assert money.round_down(Decimal("61.729")) == Decimal("61.72")
