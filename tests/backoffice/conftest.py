"""People and partners for the page tests, made by the same services as in life."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

import pytest
from django.test import Client
from django.utils import timezone
from django_otp import DEVICE_ID_SESSION_KEY
from django_otp.plugins.otp_totp.models import TOTPDevice

from apps.accounts.models import StatusTier, User
from apps.businesses import services as businesses
from apps.businesses.models import Business, Role
from apps.core.ids import new_id
from apps.transactions import services as transactions
from apps.transactions.models import Transaction

PASSWORD = "верба-сойка-71"

Person = Callable[..., User]
SignedIn = Callable[[User], Client]
Sell = Callable[..., Transaction]


@pytest.fixture
def person(db: None) -> Person:
    """`person("Анна", "Котова", phone="+7912…", tier="vip", job="admin")`."""

    def make(first: str, last: str, *, phone: str, tier: str = "insider", job: str = "") -> User:
        user = User(
            first_name=first, last_name=last, tier=StatusTier.objects.get(code=tier), job=job
        )
        user.set_phone(phone)
        user.set_password(PASSWORD)
        user.save()
        return user

    return make


@pytest.fixture
def salon(db: None) -> Business:
    return businesses.open_business(
        slug="salon", name="Миндаль", category="salon", city="Москва", by=None
    )


@pytest.fixture
def cafe(db: None) -> Business:
    return businesses.open_business(
        slug="cafe", name="Лисичкино", category="gastro", city="Москва", by=None
    )


@pytest.fixture
def anna(person: Person) -> User:
    """A member, VIP: 7 %."""
    return person("Анна", "Котова", phone="+79123456789", tier="vip")


@pytest.fixture
def vera(person: Person, salon: Business) -> User:
    """Stands at the salon's till."""
    user = person("Вера", "Лисина", phone="+79160000001")
    businesses.add_staff(business=salon, user=user, role=Role.STAFF, by=None, at=timezone.now())
    return user


@pytest.fixture
def olga(person: Person, salon: Business) -> User:
    """Owns the salon."""
    user = person("Ольга", "Белова", phone="+79160000002")
    businesses.add_staff(business=salon, user=user, role=Role.OWNER, by=None, at=timezone.now())
    return user


@pytest.fixture
def signed_in() -> SignedIn:
    """A browser of this person, with her second factor where her job asks for one."""

    def enter(user: User) -> Client:
        client = Client()
        client.force_login(user, backend="apps.accounts.auth.LoginBackend")
        if user.needs_second_factor:
            device = TOTPDevice.objects.create(user=user, name="app", confirmed=True)
            session = client.session
            session[DEVICE_ID_SESSION_KEY] = device.persistent_id
            session.save()
        return client

    return enter


@pytest.fixture
def sell() -> Sell:
    """`sell(salon, anna, "1500.50", days_ago=1)`: a sale from the machine room."""

    def record(business: Business, member: User, amount: str, *, days_ago: int = 0) -> Transaction:
        return transactions.record_purchase(
            business=business,
            member=member,
            amount=Decimal(amount),
            occurred_at=timezone.now() - timedelta(days=days_ago),
            by=None,
            key=str(new_id()),
            source="import",
        )

    return record
