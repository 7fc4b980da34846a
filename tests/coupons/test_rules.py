"""Codes and arithmetic of coupons."""

import uuid
from decimal import Decimal
from itertools import permutations
from math import log2

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.coupons import rules
from apps.coupons.rules import Terms

money = st.decimals("0.01", "100000", places=2)
terms = st.builds(
    Terms,
    key=st.uuids().map(str),
    benefit=st.sampled_from(["percent", "fixed", "bonus", "gift"]),
    value=st.decimals("0.01", "100", places=2),
    max_discount=st.none() | money,
    group=st.sampled_from(["", "a", "b"]),
    priority=st.integers(1, 3),
    running=st.booleans(),
)


def test_a_code_carries_sixty_bits_and_no_lookalikes():
    assert rules.BODY * log2(len(rules.ALPHABET)) >= 60
    assert len(set(rules.ALPHABET)) == 30
    assert not set(rules.ALPHABET) & set("01OILU")


def test_every_mistyped_sign_is_found():
    for code in rules.new_codes(20):
        wrong = [
            code[:place] + sign + code[place + 1 :]
            for place in range(len(code))
            for sign in rules.ALPHABET
            if sign != code[place]
        ]
        assert rules.is_code(code)
        assert not any(rules.is_code(one) for one in wrong)


def test_codes_are_spread_evenly():
    signs = "".join(code[:-1] for code in rules.new_codes(5000))

    share = [signs.count(sign) / len(signs) for sign in rules.ALPHABET]

    assert max(abs(one - 1 / 30) for one in share) < 0.004


@pytest.mark.parametrize(
    "form", [str.lower, rules.grouped, lambda code: f" {code[:5]} {code[5:]} "]
)
def test_a_code_is_read_in_any_usual_form(form):
    [code] = rules.new_codes(1)

    assert code in rules.readings(form(code))


def test_a_scanner_on_a_russian_keyboard_is_understood():
    russian = {latin: cyrillic for cyrillic, latin in rules.LAYOUT.items()}

    for code in rules.new_codes(200):
        assert code in rules.readings(code.translate(russian))


def test_a_masked_code_shows_two_signs():
    [code] = rules.new_codes(1)

    assert [sign for sign in rules.masked(code) if sign in rules.ALPHABET] == list(code[-2:])


@given(st.lists(terms, max_size=5, unique_by=lambda one: one.key), money)
def test_discounts_never_exceed_the_bill(coupons, bill):
    given = rules.put_on_bill(coupons, bill=bill)

    assert all(one.discount >= 0 for one in given)
    assert sum(one.discount for one in given) <= bill


@given(st.lists(terms, max_size=4, unique_by=lambda one: one.key), money)
def test_the_order_of_naming_changes_nothing(coupons, bill):
    results = {tuple(rules.put_on_bill(order, bill=bill)) for order in permutations(coupons)}

    assert len(results) == 1


@given(st.lists(terms, max_size=5, unique_by=lambda one: one.key), money)
def test_one_coupon_of_a_group_applies(coupons, bill):
    taken = [one for one in rules.put_on_bill(coupons, bill=bill) if not one.beaten_by]

    groups = [one.terms.group for one in taken if one.terms.group]
    assert len(groups) == len(set(groups))


@pytest.mark.parametrize(
    ("base", "expected"), [(False, ["100.00", "50.00"]), (True, ["100.00", "45.00"])]
)
def test_a_percent_is_of_the_bill_or_of_what_is_left(base, expected):
    first = Terms("1", "fixed", Decimal(100), priority=1)
    second = Terms("2", "percent", Decimal(5), priority=2, running=base)

    given = rules.put_on_bill([second, first], bill=Decimal(1000))

    assert [f"{one.discount:.2f}" for one in given] == expected


@given(money, st.lists(st.integers(1, 100), min_size=1, max_size=5))
def test_shares_sum_exactly(amount, weights):
    shares = [weight * 100 // sum(weights) for weight in weights]
    shares[0] += 100 - sum(shares)

    parts = rules.split(amount, shares)

    assert sum(parts) == amount
    exact = [amount * share / 100 for share in shares]
    assert all(abs(part - one) < Decimal("0.01") for part, one in zip(parts, exact, strict=True))


def test_held_out_share_and_memory():
    members = [uuid.UUID(int=n) for n in range(20_000)]
    held = [rules.is_held_out(salt="v1", member_id=one, percent=10) for one in members]

    assert 0.09 < sum(held) / len(held) < 0.11
    assert held == [rules.is_held_out(salt="v1", member_id=one, percent=10) for one in members]
    assert held != [rules.is_held_out(salt="v2", member_id=one, percent=10) for one in members]
