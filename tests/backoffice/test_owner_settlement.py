"""The owner's settlement: months, her yes or no to each line, papers, who may look."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.test import Client
from django.utils import timezone

from apps.accounts.freshness import CONFIRMED
from apps.accounts.models import User
from apps.businesses.models import Business, Requisites
from apps.loyalty import rules, services
from apps.loyalty.models import Statement, StatementLine
from tests.backoffice.conftest import SignedIn
from tests.factories.businesses import BusinessFactory

PAGE = "/biz/salon/settlement/"
WHY = "этих гостей у нас в октябре не было"


@pytest.fixture
def owner(olga: User, signed_in: SignedIn) -> Client:
    return signed_in(olga)


@pytest.fixture
def closed(salon: Business, cafe: Business, anna: User) -> Statement:
    """Last month the salon gave 70 bonuses; 20 were spent at the café, 5 at the salon itself."""
    first = rules.month_before(timezone.now())
    at = rules.month_bounds(first)[0] + timedelta(days=10)
    services.earn_for_purchase(
        member=anna, business=salon, paid=Decimal(1000), key="e", occurred_at=at, posted_at=at
    )
    for place, amount in ((cafe, 20), (salon, 5)):
        services.spend_bonus(
            member=anna,
            business=place,
            amount=Decimal(amount),
            key=f"s{amount}",
            at=at,
            posted_at=at,
        )
    return services.close_month(month=first, by=None, at=timezone.now())


def month_of(closed: Statement) -> str:
    return f"{PAGE}{closed.month:%Y-%m}/"


def between(closed: Statement, salon: Business) -> StatementLine:
    return StatementLine.objects.exclude(creditor=salon).get(statement=closed)


def test_a_month_says_who_owes_whom(owner: Client, closed: Statement, salon: Business) -> None:
    months = owner.get(PAGE).content.decode()
    page = owner.get(month_of(closed)).content.decode()
    paper = owner.get(f"{month_of(closed)}paper/").content.decode()
    file = owner.get(f"{month_of(closed)}csv/").content.decode("utf-8-sig")
    line = between(closed, salon)
    moves = owner.get(f"{PAGE}line/{line.pk}/csv/").content.decode("utf-8-sig")

    assert "ждёт вас 1 строка" in months
    assert "\u221220,00\u00a0₽" in page
    assert "5\u00a0бонусов ваших потратили у вас же" in page
    assert "Акт взаимных расчётов" in paper
    assert "Миндаль;Лисичкино" in file
    assert "доступно;потрачено" in moves


def test_all_lines_are_confirmed_at_once(owner: Client, closed: Statement, salon: Business) -> None:
    answer = owner.post(month_of(closed), {"act": "all"}, follow=True)

    assert "Акт подтверждён" in answer.content.decode()
    assert between(closed, salon).debtor_confirmed_at
    assert "партнёр ещё не ответил" in answer.content.decode()


def test_a_dispute_wants_a_reason_and_keeps_what_was_typed(
    owner: Client, closed: Statement, salon: Business
) -> None:
    line = between(closed, salon)
    said = {"act": "dispute", "line": str(line.pk)}

    short = owner.post(month_of(closed), said | {"reason": "нет"})
    told = owner.post(month_of(closed), said | {"reason": WHY}, follow=True)

    assert short.status_code == 422
    assert ">нет</textarea>" in short.content.decode()
    assert "не короче 10 знаков" in short.content.decode().lower()
    assert WHY in told.content.decode()
    line.refresh_from_db()
    assert line.state == "disputed"


def test_an_old_second_factor_is_asked_for_and_loses_nothing(
    owner: Client, closed: Statement, salon: Business
) -> None:
    session = owner.session
    fresh = session[CONFIRMED]
    session[CONFIRMED] = 0
    session.save()
    line = between(closed, salon)
    said = {"act": "dispute", "line": str(line.pk), "reason": WHY}

    away = owner.post(month_of(closed), said)
    session = owner.session
    session[CONFIRMED] = fresh
    session.save()
    back = owner.get(month_of(closed)).content.decode()

    assert away.url.startswith("/login/confirm/")
    assert f">{WHY}</textarea>" in back
    line.refresh_from_db()
    assert line.state == "open"


def test_lines_of_others_do_not_exist_and_a_clinics_movements_stay_closed(
    owner: Client, closed: Statement, salon: Business, cafe: Business
) -> None:
    line = between(closed, salon)
    foreign = StatementLine.objects.create(
        statement=closed,
        debtor=cafe,
        creditor=BusinessFactory(),
        bonuses=100,
        amount=100,
        postings=1,
        digest="0" * 64,
    )

    alien = owner.post(month_of(closed), {"act": "confirm", "line": str(foreign.pk)})
    Business.objects.filter(pk=cafe.pk).update(category="dental")
    hidden = owner.get(f"{PAGE}line/{line.pk}/csv/")

    foreign.refresh_from_db()
    assert alien.status_code == 422
    assert foreign.creditor_confirmed_at is None
    assert hidden.status_code == 404
    assert owner.get(f"{PAGE}2019-01/").status_code == 404
    assert owner.get(f"{PAGE}2026-13/").status_code == 404


def test_a_paper_of_two_names_them_with_what_was_confirmed(
    owner: Client, closed: Statement, salon: Business, cafe: Business
) -> None:
    said = {"legal_name": "ООО «Миндаль»", "inn": "7707083893", "account": "40702810900000000001"}
    Requisites.objects.create(business=salon, said=said, asked={"legal_name": "ООО «Чужое»"})

    paper = owner.get(f"{month_of(closed)}paper/?with={cafe.slug}").content.decode()

    assert all(one in paper for one in ("ИНН", *said.values()))
    assert "Чужое" not in paper
    assert paper.count("Реквизиты ещё не подтверждены") == 1  # the café's


def test_a_month_costs_the_same_for_any_number_of_lines(
    owner: Client, closed: Statement, salon: Business, django_assert_max_num_queries
) -> None:
    def cost(page: str) -> int:
        owner.get(page)
        with django_assert_max_num_queries(16) as asked:
            owner.get(page)
        return len(asked)

    few = [cost(page) for page in (PAGE, month_of(closed))]
    for place in BusinessFactory.create_batch(30):
        StatementLine.objects.create(
            statement=closed,
            debtor=salon,
            creditor=place,
            bonuses=100,
            amount=100,
            postings=1,
            digest="0" * 64,
        )

    assert [cost(page) for page in (PAGE, month_of(closed))] == few
