"""A salon, a café and the people of the page tests."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from apps.accounts.models import User
from apps.businesses.models import Business
from apps.transactions.models import Transaction
from tests.factories.accounts import UserFactory
from tests.factories.businesses import BusinessFactory, staff_of
from tests.factories.transactions import sale
from tests.signed_in import enter

PASSWORD = "верба-сойка-71"

Person = Callable[..., User]
SignedIn = Callable[[User], Client]
Sell = Callable[..., Transaction]


@pytest.fixture
def person(db: None) -> Person:
    """`person("Анна", "Котова", phone="+7912…", tier_code="vip", job="admin")`."""

    def make(first: str, last: str, **given: str) -> User:
        return UserFactory(first_name=first, last_name=last, password=PASSWORD, **given)

    return make


@pytest.fixture
def salon(db: None) -> Business:
    return BusinessFactory(slug="salon", name="Миндаль")


@pytest.fixture
def cafe(db: None) -> Business:
    return BusinessFactory(slug="cafe", name="Лисичкино", category="gastro")


@pytest.fixture
def anna(person: Person) -> User:
    """A member, VIP: 7 %."""
    return person("Анна", "Котова", phone="+79123456789", tier_code="vip")


@pytest.fixture
def vera(salon: Business) -> User:
    """Stands at the salon's till."""
    return staff_of(
        salon, first_name="Вера", last_name="Лисина", phone="+79160000001", password=PASSWORD
    )


@pytest.fixture
def olga(salon: Business) -> User:
    """Owns the salon."""
    return staff_of(
        salon,
        role="business_owner",
        first_name="Ольга",
        last_name="Белова",
        phone="+79160000002",
        password=PASSWORD,
    )


@pytest.fixture
def signed_in() -> SignedIn:
    """A browser of this person, with her second factor where her job asks for one."""

    return lambda user: enter(Client(), user, second_factor=user.needs_second_factor)


@pytest.fixture
def irina(person: Person) -> User:
    """An admin."""
    return person("Ирина", "Санина", phone="+79160000009", job="admin")


@pytest.fixture
def desk(signed_in: SignedIn, irina: User) -> Client:
    """The admin's browser."""
    return signed_in(irina)


@pytest.fixture
def sell() -> Sell:
    """`sell(salon, anna, "1500.50", days_ago=1)`: a sale from the machine room."""

    def record(business: Business, member: User, amount: str, *, days_ago: int = 0) -> Transaction:
        return sale(
            business=business,
            member=member,
            amount=amount,
            occurred_at=timezone.now() - timedelta(days=days_ago),
            source="import",
        )

    return record


@pytest.fixture
def till(vera: User, signed_in: SignedIn) -> Client:
    return signed_in(vera)


@pytest.fixture
def rich(anna: User, salon: Business, sell: Sell) -> User:
    sell(salon, anna, "20000")  # 1400 bonuses at 7 %
    return anna
