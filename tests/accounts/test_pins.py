"""Staff on a trusted computer: a PIN, its lock, who may have one."""

import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from apps.accounts import services
from apps.accounts.models import StaffPin, TrustedDevice
from apps.core.errors import Forbidden
from apps.core.models import AuditEntry
from tests.factories.accounts import UserFactory
from tests.threads import race

pytestmark = pytest.mark.django_db


@pytest.fixture
def device(staff: Any, business: Any) -> TrustedDevice:
    return _trust(staff, business.pk).device


def _trust(by: Any, business_id: Any) -> services.TrustGiven:
    return services.trust_device(
        business_id=business_id, name="Касса у входа", by=by, at=timezone.now()
    )


def _enter(device: TrustedDevice, user: Any, pin: str) -> Any:
    return services.sign_in_with_pin(device=device, user=user, pin=pin, at=timezone.now())


def test_right_pin_signs_in_and_is_in_the_audit(staff: Any, device: TrustedDevice) -> None:
    services.set_pin(user=staff, pin="4816", at=timezone.now())

    assert _enter(device, staff, "4816") == staff
    row = AuditEntry.objects.get(action="accounts.pin_sign_in")
    assert (row.actor_id, row.business_id) == (staff.pk, device.business_id)


def test_pin_is_stored_hashed(staff: Any) -> None:
    services.set_pin(user=staff, pin="481623", at=timezone.now())

    assert "481623" not in StaffPin.objects.get().pin_hash


@pytest.mark.parametrize("pin", ["481", "4816231", "48a6", "", "7777", "1234", "654321", "٤٨١٦"])
def test_bad_pins_are_refused(staff: Any, pin: str) -> None:
    with pytest.raises(services.PinInvalid):
        services.set_pin(user=staff, pin=pin, at=timezone.now())


@pytest.mark.parametrize("job", ["", "business_owner", "admin", "superadmin"])
def test_only_staff_have_pins(job: str) -> None:
    with pytest.raises(Forbidden):
        services.set_pin(user=UserFactory(job=job), pin="4816", at=timezone.now())


def test_promoted_person_cannot_use_her_old_pin(staff: Any, device: TrustedDevice) -> None:
    services.set_pin(user=staff, pin="4816", at=timezone.now())
    staff.job = "business_owner"

    with pytest.raises(services.PinWrong):
        _enter(device, staff, "4816")


def test_five_wrong_pins_lock_until_a_full_sign_in(staff: Any, device: TrustedDevice) -> None:
    services.set_pin(user=staff, pin="4816", at=timezone.now())
    for _try in range(4):
        with pytest.raises(services.PinWrong) as wrong:
            _enter(device, staff, "9999")
        assert not isinstance(wrong.value, services.PinLocked)
    with pytest.raises(services.PinLocked):
        _enter(device, staff, "9999")

    with pytest.raises(services.PinLocked):
        _enter(device, staff, "4816")
    services.unlock_pin(user=staff)
    assert _enter(device, staff, "4816") == staff


def test_right_pin_forgets_the_wrong_ones(staff: Any, device: TrustedDevice) -> None:
    services.set_pin(user=staff, pin="4816", at=timezone.now())
    for _day in range(3):
        for _try in range(4):
            with pytest.raises(services.PinWrong):
                _enter(device, staff, "9999")
        assert _enter(device, staff, "4816")


def test_parallel_guesses_are_five(transactional_db: None, staff: Any, business: Any) -> None:
    device = _trust(staff, business.pk).device
    services.set_pin(user=staff, pin="4816", at=timezone.now())
    guesses = ["9999"] * 30

    outcomes = race(30, lambda n: _enter(device, staff, guesses[n]))

    assert all(isinstance(one, services.PinWrong) for one in outcomes)
    assert StaffPin.objects.get().tries == 5


def test_nobody_without_a_pin_gets_in(staff: Any, device: TrustedDevice) -> None:
    with pytest.raises(services.PinWrong):
        _enter(device, staff, "0000")


def test_cookie_names_the_device_until_it_is_forgotten(staff: Any, business: Any) -> None:
    given = _trust(staff, business.pk)

    def found(secret: str = given.secret, days: int = 0) -> TrustedDevice | None:
        at = timezone.now() + timedelta(days=days)
        return services.trusted_device(device_id=str(given.device.pk), secret=secret, at=at)

    assert found() == given.device
    assert found(secret="x" + given.secret) is None
    assert found(days=89) == given.device
    assert found(days=90) is None
    services.forget_device(device=given.device, by=staff, at=timezone.now())
    assert found() is None


@pytest.mark.parametrize("device_id", ["", "x", str(uuid.UUID(int=7))])
def test_unknown_device_is_not_trusted(db: None, device_id: str) -> None:
    assert services.trusted_device(device_id=device_id, secret="s", at=timezone.now()) is None


def test_pin_is_reset_once(staff: Any, owner: Any, business: Any, device: TrustedDevice) -> None:
    services.set_pin(user=staff, pin="4071", at=timezone.now())

    done = [services.reset_pin(user=staff, business_id=business.pk, by=owner) for _ in range(2)]

    assert done == [True, False]
    assert AuditEntry.objects.filter(action="accounts.pin_reset").count() == 1
    with pytest.raises(services.PinWrong):
        _enter(device, staff, "4071")


def test_device_is_forgotten_once(staff: Any, device: TrustedDevice) -> None:
    for _ in range(2):
        services.forget_device(device=device, by=staff, at=timezone.now())

    assert AuditEntry.objects.filter(action="accounts.device_forgotten").count() == 1
