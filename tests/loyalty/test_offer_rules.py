"""Invariant 16: the result does not depend on the order of rows or the time of edits."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal as D
from uuid import UUID

import hypothesis.strategies as st
from hypothesis import given, settings

from apps.core.money import from_kopecks, to_kopecks
from apps.loyalty.offer_rules import (
    Effect,
    Rule,
    Terms,
    Visit,
    apply_bonus_multiplier,
    decide,
    reckon,
    split,
    take_back,
    terms_of,
)
from apps.loyalty.services import apply_bonus_multiplier as exported

SALON, CAFE, NETWORK = (str(UUID(int=n)) for n in (1, 2, 3))
values = {
    "multiplier": st.integers(101, 1000),
    "percent": st.integers(1, 5000),
    "fixed": st.integers(1, 100_000),
}


@st.composite
def rules(draw):
    """Offers of a salon and of the network: priorities unique in each."""
    made = []
    for programme, is_network in ((SALON, False), (NETWORK, True)):
        for priority in draw(st.sets(st.integers(1, 9), max_size=4)):
            kind = draw(st.sampled_from(sorted(values)))
            share = draw(st.integers(1, 9999))
            made.append(
                Rule(
                    offer=UUID(int=draw(st.integers(100, 2**100))),
                    version=UUID(int=1),
                    number=draw(st.integers(1, 9)),
                    name="",
                    programme=UUID(programme),
                    is_network=is_network,
                    kind=kind,
                    value=from_kopecks(draw(values[kind])),
                    priority=priority,
                    exclusive_group=draw(st.sampled_from(["", "", "a", "b"])),
                    tiers=draw(st.sampled_from([(), ("vip",), ("insider",)])),
                    min_amount=from_kopecks(draw(st.sampled_from([0, 0, 50_000]))),
                    funders=[(SALON, share), (CAFE, 10_000 - share)],
                )
            )
    return made


VISIT = Visit(
    member=UUID(int=9), paid=D("1000.00"), local=datetime(2026, 11, 22, tzinfo=UTC), tier="vip"
)
money = st.integers(0, 500_000)
caps = st.lists(st.none() | st.integers(0, 20_000), min_size=8, max_size=8)


def applied(found, limits) -> list[Terms]:
    won = [one.rule for one in decide(found, VISIT) if not one.why]
    return [replace(terms_of(rule), cap=cap) for rule, cap in zip(won, limits, strict=False)]


@given(found=rules(), order=st.randoms(), paid=money)
def test_rows_in_any_order_give_the_same(found, order, paid):
    shuffled = [replace(rule, number=rule.number + 1) for rule in found]  # edited since
    order.shuffle(shuffled)

    first, second = decide(found, VISIT), decide(shuffled, VISIT)

    assert [(one.rule.offer, one.why) for one in first] == [
        (one.rule.offer, one.why) for one in second
    ]
    results = [
        reckon(paid=paid, rate_bp=700, issuer=SALON, terms=applied(rows, [None] * 8))
        for rows in (found, shuffled)
    ]
    assert results[0] == results[1]


@given(found=rules())
def test_one_of_a_group_and_the_highest_of_those_that_match(found):
    verdicts = decide(found, VISIT)
    groups = [one.rule.exclusive_group for one in verdicts if not one.why]

    named = [group for group in groups if group]
    assert len(named) == len(set(named))
    for one in verdicts:
        if one.why == "exclusive_group":
            winner = next(
                v.rule
                for v in verdicts
                if not v.why and v.rule.exclusive_group == one.rule.exclusive_group
            )
            assert winner.priority >= one.rule.priority or winner.is_network != one.rule.is_network


@given(found=rules(), limits=caps, paid=money)
def test_parts_lots_and_total_agree(found, limits, paid):
    terms = applied(found, limits)

    done = reckon(paid=paid, rate_bp=700, issuer=SALON, terms=terms)

    cashback = paid * 700 // 10_000
    assert done.total == cashback + sum(part.granted for part in done.parts)
    assert done.total == sum(done.by_funder.values())
    for one, part in zip(terms, done.parts, strict=True):
        assert 0 <= part.granted <= part.wanted
        assert one.cap is None or part.granted <= one.cap


@given(found=rules(), paid=money)
def test_the_seed_function_gives_the_same_total(found, paid):
    terms = [one for one in applied(found, [None] * 8) if paid and paid >= one.min_amount]
    effects = [
        Effect(factor=D(one.value))
        if one.kind == "multiplier"
        else Effect(
            plus=from_kopecks(paid) * D(one.value) / 100 if one.kind == "percent" else D(one.value)
        )
        for one in terms
    ]
    base = from_kopecks(paid) * D("0.07")

    done = reckon(paid=paid, rate_bp=700, issuer=SALON, terms=terms)

    assert to_kopecks(apply_bonus_multiplier(base, effects)) == done.total
    assert exported is apply_bonus_multiplier


@settings(max_examples=300)
@given(
    found=rules(),
    limits=caps,
    paid=st.integers(1, 200_000),
    cuts=st.lists(st.integers(1, 200_000), max_size=6),
)
def test_any_split_of_a_return_takes_the_same_total_and_every_lot_whole(found, limits, paid, cuts):
    terms = applied(found, limits)
    born = reckon(paid=paid, rate_bp=700, issuer=SALON, terms=terms)
    terms = [replace(one, cap=one.cap) for one in terms]
    taken = dict.fromkeys(born.by_funder, 0)
    left = paid
    for cut in [*cuts, paid]:
        left -= min(cut, left)
        due = reckon(paid=left, rate_bp=700, issuer=SALON, terms=terms)
        owed = born.total - due.total - sum(taken.values())
        assert owed >= 0
        lots = [(born.by_funder[f], taken[f], due.by_funder[f]) for f in born.by_funder]
        for funder, part in zip(born.by_funder, take_back(owed, lots), strict=True):
            taken[funder] += part
        assert sum(taken.values()) == born.total - due.total
        assert all(taken[f] <= born.by_funder[f] for f in taken)
    assert taken == born.by_funder


@given(amount=st.integers(0, 10**9), share=st.integers(1, 9999))
def test_shares_sum_and_the_odd_kopeck_is_the_firsts(amount, share):
    (first, a), (_second, b) = split(amount, [(SALON, share), (CAFE, 10_000 - share)])

    assert a + b == amount
    assert (first, b) == (SALON, amount * (10_000 - share) // 10_000)


def test_rounding_down_once():
    assert apply_bonus_multiplier(D("61.7275"), [Effect(D(2))]) == D("123.45")
    assert apply_bonus_multiplier(D("0.009"), []) == D("0.00")
