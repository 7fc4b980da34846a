"""Chains in Russian: what a coupon gives, after which purchase, what the figures allow to say."""

from decimal import Decimal
from typing import Any

import pytest

from apps.businesses.models import Business
from apps.crosspromo.services.index import PairFigures
from apps.crosspromo.winwin import Counters, Index, Uplift
from apps.crosspromo.words import benefit_words, pair_words, trigger_words

UPLIFT = Uplift(
    value=0.1, deviation=0.03, low=0.05, high=0.155, treated=0.2, control=0.1, expected=10
)


@pytest.mark.parametrize(
    ("benefit", "value", "given", "said"),
    [
        ("gift", 0, {"gift": "десерт"}, "подарок: десерт"),
        ("gift", 0, {}, "подарок: …"),  # while it is being typed
        ("bonus", 300, {}, "+300 бонусов"),
        ("fixed", 1500, {}, "−1 500 ₽"),
        ("percent", 15, {}, "−15 %"),
        ("percent", 15, {"max_discount": Decimal(700)}, "−15 %, не больше 700 ₽"),
    ],
)
def test_what_a_coupon_gives(benefit: str, value: int, given: dict[str, Any], said: str) -> None:
    assert benefit_words(benefit, Decimal(value), **given).replace("\u00a0", " ") == said


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "покупки"),
        ({"first_visit": True, "min_amount": Decimal(3000)}, "первой покупки от 3 000 ₽"),
        ({"every_nth": 3}, "каждой 3-й покупки"),
        (
            {"min_amount": Decimal("1500.50"), "category": "брови"},
            "покупки от 1 500,50 ₽ с «брови»",
        ),
    ],
)
def test_after_which_purchase(given: dict[str, Any], said: str) -> None:
    usual = {"min_amount": Decimal(0), "category": "", "every_nth": None, "first_visit": False}

    assert trigger_words(**(usual | given)).replace("\u00a0", " ") == said


def told(words: str, value: float, *exposed: int) -> list[str]:
    index = Index(
        value=value, low=0, high=0, gain_a=0, gain_b=0, balance=0, probability=0.5, words=words,
        ab=UPLIFT, ba=UPLIFT, sample=sum(exposed), unit=1,
    )  # fmt: skip
    there, back = (Counters(exposed=guests) for guests in exposed)
    salon, cafe = Business(name="Миндаль"), Business(name="Лисичкино")
    return pair_words(PairFigures(salon, cafe, index, there, back))


def test_few_guests_allow_to_say_nothing_of_the_pair() -> None:
    assert told("few", 70, 400, 3) == [
        "Пока рано судить: нужно по 30 гостей с купоном и без него в каждую сторону."
    ]


@pytest.mark.parametrize(
    ("words", "value", "verdict"),
    [
        ("none", 0, "Вместе вы пока ничего не выигрываете. Индекс 0 из 100."),
        ("likely", 37.6, "Похоже, выигрывают оба. Индекс 38 из 100."),
        ("proven", 80, "Выигрывают оба, и это не случайность. Индекс 80 из 100."),
    ],
)
def test_the_verdict_stands_before_each_direction_with_guests(
    words: str, value: float, verdict: str
) -> None:
    assert told(words, value, 41, 5) == [
        verdict,
        "41 гостья «Миндаль» получила купон в «Лисичкино»: "
        "из 100 таких гостей пришло на 5,0–15,5 больше, чем без купона.",
        "5 гостей «Лисичкино» получили купон в «Миндаль»: "
        "из 100 таких гостей пришло на 5,0–15,5 больше, чем без купона.",
    ]
    assert len(told(words, value, 41, 0)) == 2
