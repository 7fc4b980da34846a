import factory
from django.utils import timezone
from factory.django import DjangoModelFactory

from apps.accounts.models import User
from apps.businesses.models import Business, Location, Role
from apps.businesses.services import add_staff
from tests.factories.accounts import UserFactory


class BusinessFactory(DjangoModelFactory):
    class Meta:
        model = Business

    slug = factory.Sequence(lambda n: f"partner-{n}")
    name = factory.Sequence(lambda n: f"Партнёр {n}")
    category = "salon"
    city = "Москва"


class LocationFactory(DjangoModelFactory):
    class Meta:
        model = Location

    business = factory.SubFactory(BusinessFactory)
    name = factory.Sequence(lambda n: f"Зал {n}")


def staff_of(business: Business, role: str = "business_staff", **kwargs: object) -> User:
    """A person who works there, with the permissions that the real service gives."""
    user = UserFactory(**kwargs)
    add_staff(business=business, user=user, role=Role(role), by=None, at=timezone.now())
    return User.objects.get(pk=user.pk)
