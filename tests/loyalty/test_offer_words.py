"""An offer in one Russian sentence, and what an edit changed."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from apps.businesses.models import Business
from apps.loyalty import services
from apps.loyalty.models import OfferVersion
from apps.loyalty.offer_words import changes_between, sentence
from tests.factories.offers import draft_of

MOSCOW = "Europe/Moscow"
NOW = datetime(2026, 3, 10, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("terms", "said"),
    [
        ({}, "Все гостьи получат бонусы."),
        (
            {"kind": "percent", "value": "2.50", "segment": "Любят кофе"},
            "Все гостьи из списка «Любят кофе» получат 2,5 % с чека бонусами.",
        ),
        (
            {"kind": "bonus", "value": "1", "away_days": 1, "first_purchase": True},
            "Все гостьи, которых не было 1 день и дольше, получат 1 бонус за первую покупку.",
        ),
        (
            {"kind": "bonus", "value": "1.50", "every_nth": 5, "birthday_days": 0},
            "Все гостьи получат 1,50 бонуса за каждую 5-ю покупку в день рождения.",
        ),
        (
            {"kind": "bonus", "value": "300", "birthday_days": 7, "weekdays": [7, 6]},
            "Все гостьи получат 300 бонусов по выходным за 7 дней до и после дня рождения.",
        ),
        (
            {"kind": "multiplier", "value": "3", "weekdays": [5, 1], "hour_from": 9, "hour_to": 12},
            "Все гостьи получат кешбэк × 3 по понедельникам и по пятницам с 9:00 до 12:00.",
        ),
        (
            {
                "kind": "multiplier", "value": "3", "weekdays": [1, 2, 3, 4, 5, 6, 7],
                "hour_from": 18, "hour_to": 24, "cap_member": Decimal(500), "cap_day": Decimal(5000),
            },
            "Все гостьи получат кешбэк × 3 с 18:00, не больше 500 бонусов одной гостье, "
            "не больше 5 000 бонусов в день всем вместе.",
        ),
        (
            {"tiers": ["vip", "elite"], "kind": "percent", "value": "5", "hour_from": 9},
            "VIP и Elite получат 5 % с чека бонусами.",  # the other hour is not typed yet
        ),
    ],
)  # fmt: skip
def test_the_sentence_of_an_offer(terms: dict[str, Any], said: str) -> None:
    typed = terms | ({"value": Decimal(terms["value"])} if "value" in terms else {})

    assert sentence(typed, zone=MOSCOW, at=NOW).replace("\u00a0", " ") == said


def test_days_are_those_of_the_business_and_the_last_one_is_whole() -> None:
    terms = {
        "starts_at": datetime(2026, 3, 31, 21, tzinfo=UTC),  # 1 April in Moscow
        "ends_at": datetime(2026, 4, 30, 21, tzinfo=UTC),  # the midnight after 30 April
    }

    moscow = sentence(terms, zone=MOSCOW, at=NOW)
    begun = sentence(terms, zone=MOSCOW, at=NOW + timedelta(days=30))

    assert moscow.endswith(", с 1 апреля 2026 до 30 апреля 2026.")
    assert begun.endswith("бонусы, до 30 апреля 2026.")


@pytest.mark.django_db
def test_what_an_edit_changed_in_words(business: Business, owner: Any) -> None:
    offer = draft_of(business, by=owner, tiers=["vip"], weekdays=[6, 7], cap_member=Decimal(500))
    changes = {
        "kind": "percent",
        "value": Decimal("7.50"),
        "tiers": ["vip", "elite"],
        "weekdays": [],
        "first_purchase": True,
        "categories": ["волосы", "брови"],
        "ends_at": datetime(2027, 1, 31, 21, tzinfo=UTC),
        "cap_member": None,
        "min_amount": Decimal(3000),
        "name": "Весна",
    }
    old_name = offer.version.name

    services.edit_offer(offer_id=offer.pk, changes=changes, by=owner, at=datetime.now(UTC))

    before, after = OfferVersion.objects.order_by("number")
    told = [(was, now) for _label, was, now in changes_between(before, after, zone=MOSCOW)]
    ended = (before.ends_at - timedelta(microseconds=1)).astimezone(UTC)
    assert told[:5] == [
        (old_name, "Весна"),
        ("умножает кешбэк", "добавляет процент от оплаченной суммы"),
        ("2", "7,5"),
        ("VIP", "VIP, Elite"),
        ("нет", "да"),
    ]
    assert ("—", "волосы, брови") in told
    assert ("по выходным", "—") in told
    assert ("500", "—") in told
    assert ("0", "3 000") in [(was, now.replace("\u00a0", " ")) for was, now in told]
    assert [now for was, now in told if str(ended.year) in was] == ["31 января 2027"]
