"""People and places of the faults, made by the real services, with tokens that outlive a run."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.utils import timezone

from apps.accounts.models import Session, User
from apps.accounts.tokens import AccessToken
from apps.businesses.models import Business
from apps.coupons.models import Coupon
from apps.events.models import Event
from apps.loyalty.models import LoyaltySettings
from tests.factories import coupons, events
from tests.factories.accounts import UserFactory
from tests.factories.businesses import BusinessFactory, staff_of
from tests.factories.transactions import sale

PLACES, TILLS, GUESTS, COUPONS = 4, 10, 150, 1500


@dataclass(frozen=True)
class Person:
    id: str
    phone: str
    token: str
    address: str
    business: str = ""


@dataclass
class World:
    businesses: list[Business]
    owners: dict[str, Person]
    tills: list[Person]
    guests: list[Person]
    codes: dict[str, list[str]]
    events: list[Event]


def token_of(user: User, *, at: datetime) -> str:
    """A token for the length of a run: fifteen minutes would end in the middle of it."""
    session = Session.objects.create(user=user, device_name="faults")
    token = AccessToken()
    token.set_exp(from_time=at + timedelta(days=2))
    token.set_iat(at_time=at - timedelta(hours=1))
    token["sub"], token["sid"] = str(user.pk), str(session.pk)
    token["role"], token["status"] = user.role, user.tier.code
    return str(token)


def build() -> World:
    at = timezone.now()
    LoyaltySettings.objects.update(gift_a_day=Decimal(1_000_000))
    places = [BusinessFactory() for _ in range(PLACES)]
    tills = [
        _person(staff_of(place), at=at, business=str(place.pk))
        for place in places
        for _ in range(TILLS)
    ]
    owners = {
        str(place.pk): _person(staff_of(place, role="business_owner"), at=at) for place in places
    }
    guests = []
    for number in range(GUESTS):
        phone = f"+7900{number:07d}"
        guest = UserFactory(phone=phone)
        sale(member=guest, business=places[number % PLACES], amount="200000.00")
        guests.append(_person(guest, at=at, phone=phone))
    codes = {str(place.pk): _codes(place) for place in places}
    evenings = [events.published(capacity=5) for _ in range(6)]
    return World(places, owners, tills, guests, codes, evenings)


def _codes(place: Business) -> list[str]:
    made = coupons.campaign(place, quantity=COUPONS)
    return list(Coupon.objects.filter(campaign=made).values_list("code", flat=True))


_addresses = iter(f"11.1.{number // 250}.{number % 250 + 1}" for number in range(60_000))


def _person(user: User, *, at: datetime, **given: Any) -> Person:
    given = {"phone": "", **given}
    return Person(str(user.pk), token=token_of(user, at=at), address=next(_addresses), **given)
