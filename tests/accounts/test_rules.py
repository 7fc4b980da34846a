"""Phones, card numbers and codes: plain arithmetic."""

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.accounts import rules

steady = settings(derandomize=True, deadline=None, database=None, max_examples=200)

FORMS = [
    "+79161234567",
    "79161234567",
    "89161234567",
    "9161234567",
    "8 916 123 45 67",
    "8 916 123-45-67",
    "8 (916) 123-45-67",
    "8(916)123-45-67",
    "8(916)1234567",
    "8-916-123-45-67",
    "8.916.123.45.67",
    "+7 916 123 45 67",
    "+7 (916) 123-45-67",
    "+7(916)1234567",
    "+7-916-123-45-67",
    "(916) 123-45-67",
    "916 123 45 67",
    "  +79161234567  ",
    "\t89161234567\n",
    "+7\u00a0916\u00a0123\u00a045\u00a067",
    "8\u00a0(916)\u00a0123\u201145\u201167",
]
NO_PHONES = [
    "",
    " ",
    "+",
    "7",
    "916123456",
    "91612345678",
    "8916123456",
    "891612345678",
    "+7916123456",
    "+791612345678",
    "+14155552671",
    "+380501234567",
    "+375291234567",
    "+77011234567",
    "84951234567",
    "88001234567",
    "+7 495 123-45-67",
    "+79161234567 доб. 5",
    "+79161234567,5",
    "++79161234567",
    "+7+9161234567",
    "+7916123456a",
    "телефон",
    "anna@mail.ru",
    "٨٩١٦١٢٣٤٥٦٧",
    "８９１６１２３４５６７",
    "\x0089161234567",
    "8916\x001234567",
    "89161234567\u200b",
    "8" * 21,
    "9" * 5000,
]


def test_every_usual_form_is_one_number():
    numbers = {text: rules.normalize_phone(text) for text in FORMS}

    assert numbers == dict.fromkeys(FORMS, "+79161234567")


def test_anything_else_is_no_phone():
    numbers = {text: rules.normalize_phone(text) for text in NO_PHONES}

    assert numbers == dict.fromkeys(NO_PHONES)


@steady
@given(st.integers(min_value=9_000_000_000, max_value=9_999_999_999))
def test_a_number_that_is_taken_is_taken_in_every_form_alike(national):
    written = f"{national}"
    groups = f"{written[:3]}) {written[3:6]}-{written[6:8]}-{written[8:]}"
    forms = {rules.normalize_phone(f"{start}{written}") for start in ("+7", "8", "7", "")}
    forms |= {rules.normalize_phone(f"{start} ({groups}") for start in ("+7", "8")}

    assert len(forms) == 1
    assert forms <= {None, f"+7{national}"}


@steady
@given(st.text(max_size=40))
def test_any_text_is_a_number_or_nothing(text):
    number = rules.normalize_phone(text)

    assert number is None or (number.isascii() and number.startswith("+79") and len(number) == 12)


def test_a_mask_shows_code_and_last_two_digits():
    assert rules.mask_phone("+79161234567") == "+7 916 ···-··-67"


# --- cards ---------------------------------------------------------------------------------------
def test_new_card_numbers_fit_their_check_digit():
    numbers = {rules.new_card_number() for _ in range(300)}

    assert len(numbers) == 300
    assert all(len(n) == 12 and n[0] != "0" and rules.is_card_number(n) for n in numbers)


@pytest.mark.parametrize("known", ["79927398713", "4539578763621486", "4111111111111111"])
def test_the_check_digit_is_luhns(known):
    assert rules.check_digit(known[:-1]) == known[-1]


@steady
@given(st.integers(min_value=10**10, max_value=10**11 - 1), st.data())
def test_any_one_wrong_digit_is_noticed(body, data):
    number = f"{body}{rules.check_digit(str(body))}"
    place = data.draw(st.integers(0, 11))
    digit = data.draw(st.sampled_from([d for d in "0123456789" if d != number[place]]))

    assert rules.is_card_number(number)
    assert not rules.is_card_number(number[:place] + digit + number[place + 1 :])


@pytest.mark.parametrize("write", ["{}", "{} ", " {}", "grouped", "nbsp"])
def test_a_card_is_read_however_it_is_spaced(write):
    number = rules.new_card_number()
    groups = [number[i : i + 4] for i in (0, 4, 8)]
    text = {"grouped": " ".join(groups), "nbsp": "\u00a0".join(groups)}.get(
        write, write.format(number)
    )

    assert rules.is_card_number(text)


@pytest.mark.parametrize(
    "text", ["", "0", "123456789012", "12345678901a", "١٢٣٤٥٦٧٨٩٠١٢", "1" * 13]
)
def test_anything_else_is_no_card(text):
    assert not rules.is_card_number(text)


# --- codes, ages, names --------------------------------------------------------------------------
def test_codes_are_six_digits_and_may_begin_with_zeros():
    codes = [rules.new_code() for _ in range(2000)]

    assert all(len(code) == 6 and code.isascii() and code.isdigit() for code in codes)
    assert any(code.startswith("0") for code in codes)
    assert len(set(codes)) > 1900


@pytest.mark.parametrize(
    ("born", "today", "adult"),
    [
        ((2008, 11, 21), (2026, 11, 21), True),
        ((2008, 11, 22), (2026, 11, 21), False),
        ((2008, 11, 21), (2026, 11, 20), False),
        ((1950, 1, 1), (2026, 11, 21), True),
        ((2026, 11, 21), (2026, 11, 21), False),
        ((2030, 1, 1), (2026, 11, 21), False),
        # whoever was born on a leap day, and whoever asks on one
        ((2008, 2, 29), (2026, 2, 28), False),
        ((2008, 2, 29), (2026, 3, 1), True),
        ((2010, 2, 28), (2028, 2, 29), True),
        ((2010, 3, 1), (2028, 2, 29), False),
    ],
)
def test_of_age_is_eighteen_years_to_the_day(born, today, adult):
    assert rules.is_adult(date(*born), today=date(*today)) is adult


@pytest.mark.parametrize(("name", "letter"), [("Иванова", "И."), ("", ""), ("Ё", "Ё.")])
def test_staff_see_one_letter_of_a_last_name(name, letter):
    assert rules.initial(name) == letter
