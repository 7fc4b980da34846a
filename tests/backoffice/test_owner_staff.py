"""Staff of a business: invited, moved, sent home; PINs and computers; who may not."""

import pytest
from django.test import Client
from django.utils import timezone

from apps.accounts.models import StaffPin, TrustedDevice, User
from apps.accounts.services import set_pin, trust_device
from apps.businesses.models import Business, Membership
from apps.core.models import AuditEntry
from tests.backoffice.conftest import SignedIn
from tests.factories.businesses import staff_of

PAGE = "/biz/salon/staff/"


@pytest.fixture
def owner(olga: User, signed_in: SignedIn) -> Client:
    return signed_in(olga)


def test_a_colleague_is_invited_by_phone(owner: Client, salon: Business) -> None:
    wrong = owner.post(PAGE, {"act": "invite", "phone": "12-34", "role": "business_staff"})
    done = owner.post(
        PAGE, {"act": "invite", "phone": "8 916 000-00-77", "role": "business_staff"}, follow=True
    )
    again = owner.post(PAGE, {"act": "invite", "phone": "+79160000077", "role": "business_staff"})

    person = User.objects.with_phone("+79160000077")
    assert wrong.status_code == 422
    assert 'value="12-34"' in wrong.content.decode()
    assert person.job == "business_staff"
    assert "0077" not in done.content.decode()
    assert again.context["form"].errors["phone"]


def test_role_pin_and_leaving(owner: Client, salon: Business, vera: User) -> None:
    set_pin(user=vera, pin="4829", at=timezone.now())
    who = {"person": str(vera.pk)}

    owner.post(PAGE, who | {"act": "pin"})
    owner.post(PAGE, who | {"act": "role", "role": "business_owner"})
    owner.post(PAGE, who | {"act": "leave"})
    page = owner.get(PAGE).content.decode()
    owner.post(PAGE, who | {"act": "back"})

    assert not StaffPin.objects.exists()
    assert "Работали здесь" in page
    assert Membership.objects.live().get(user=vera).role == "business_staff"
    actions = AuditEntry.objects.filter(object_id=str(vera.pk)).values_list("action", flat=True)
    assert {"accounts.pin_reset", "businesses.role", "businesses.remove_staff"} <= set(actions)


def test_nobody_changes_her_own_role_or_a_stranger(
    owner: Client, olga: User, salon: Business, cafe: Business
) -> None:
    stranger = staff_of(cafe)

    own = [
        owner.post(PAGE, {"person": str(olga.pk), **act})
        for act in ({"act": "leave"}, {"act": "role", "role": "business_staff"})
    ]
    foreign = owner.post(PAGE, {"person": str(stranger.pk), "act": "leave"})

    assert [one.status_code for one in own] == [422, 422]
    assert "Свою роль никто не меняет" in own[0].content.decode()
    assert foreign.status_code == 422
    assert Membership.objects.live().count() == 2


def test_a_computer_is_forgotten(
    owner: Client, olga: User, salon: Business, cafe: Business
) -> None:
    at = timezone.now()
    given = trust_device(business_id=salon.pk, name="Касса у входа", by=olga, at=at)
    other = trust_device(business_id=cafe.pk, name="Чужая", by=olga, at=at)

    page = owner.get(PAGE).content.decode()
    owner.post(PAGE, {"act": "forget", "device": str(given.device.pk)})
    owner.post(PAGE, {"act": "forget", "device": str(other.device.pk)})

    assert "Касса у входа" in page
    assert "Чужая" not in page
    live = TrustedDevice.objects.filter(revoked_at__isnull=True)
    assert list(live.values_list("name", flat=True)) == ["Чужая"]


def test_the_list_costs_the_same_for_any_number(
    owner: Client, salon: Business, vera: User, django_assert_max_num_queries
) -> None:
    def cost() -> int:
        owner.get(PAGE)
        with django_assert_max_num_queries(16) as asked:
            owner.get(PAGE)
        return len(asked)

    one = cost()
    for _person in range(20):
        staff_of(salon)

    assert cost() == one
