"""Keys change while people go on: everything stays readable and findable."""

import base64
import importlib
from datetime import date

import pytest
from django.apps import apps
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection

from apps.accounts import queries, services
from apps.accounts.models import OneTimeCode, TOTPDevice, User
from apps.core import key_rotation, sealing
from tests.factories.accounts import UserFactory
from tests.factories.transactions import sale

pytestmark = pytest.mark.django_db
NEW, OTHER = bytes(range(32)), bytes(range(32, 64))
PHONE, EMAIL = "+79161112233", "Anna@Example.com"


@pytest.fixture
def anna():
    user = UserFactory(first_name="Анна", phone=PHONE, email=EMAIL)
    user.set_birth_date(date(1990, 5, 17))
    user.save()
    return user


@pytest.fixture
def new_first(settings):
    """The new field key stands first, the old one behind it."""

    def put() -> None:
        settings.FIELD_KEYS = {"k2": NEW} | settings.FIELD_KEYS

    return put


def again(user) -> User:
    return User.objects.get(pk=user.pk)


# --- field keys ----------------------------------------------------------------------------------
def test_everything_is_sealed_with_the_new_key_and_opens_without_the_old(
    anna, at, settings, new_first, capsys
):
    services.send_code(phone=PHONE, at=at)
    device = TOTPDevice.objects.create(user=anna, name="app")
    seed, old = device.bin_key, settings.FIELD_KEYS
    new_first()

    call_command("rotate_field_keys")

    out = capsys.readouterr().out
    assert "accounts_user.data_key: 1 of 1" in out
    assert "Everything is sealed with k2." in out
    settings.FIELD_KEYS = {"k2": NEW}
    assert (again(anna).phone, again(anna).birth_date) == (PHONE, date(1990, 5, 17))
    code = OneTimeCode.objects.get()
    assert sealing.unseal(code.phone_sealed, context=f"code.phone:{code.pk}").decode() == PHONE
    assert TOTPDevice.objects.get().bin_key == seed
    settings.FIELD_KEYS = old
    with pytest.raises(sealing.SealBroken):
        _ = again(anna).phone


def test_rotation_goes_on_where_it_stopped(settings, new_first, monkeypatch):
    people = [UserFactory() for _ in range(5)]
    new_first()
    monkeypatch.setattr(key_rotation, "BATCH", 2)
    place = key_rotation.columns()[0]

    assert next(key_rotation.rotate(place)) == 2  # the process dies here
    assert key_rotation.left(place) == 3
    assert all(again(person).phone for person in people)

    assert list(key_rotation.rotate(place)) == [2, 1]
    assert list(key_rotation.rotate(place)) == []


def test_new_people_are_sealed_with_the_first_key(new_first):
    new_first()

    assert UserFactory().data_key.startswith("k2.")


def test_a_value_that_does_not_open_stops_the_command(anna, settings, new_first):
    User.objects.filter(pk=anna.pk).update(data_key="k1.AAAA" + "A" * 80)
    new_first()

    with pytest.raises(CommandError, match="does not open"):
        call_command("rotate_field_keys")


def test_erased_people_are_left_alone(anna, at, settings, new_first):
    services.erase_person(user=anna, at=at, because="asked")
    new_first()

    call_command("rotate_field_keys")

    assert again(anna).data_key == ""


def test_two_devices_of_one_person_keep_their_own_seeds(anna, settings, new_first):
    seeds = [TOTPDevice.objects.create(user=anna, name=name).bin_key for name in ("a", "b")]
    new_first()

    call_command("rotate_field_keys")

    assert [device.bin_key for device in TOTPDevice.objects.order_by("id")] == seeds


def test_listed_columns_exist():
    for place in key_rotation.columns():
        assert key_rotation.left(place) == 0, place


# --- seeds of code apps --------------------------------------------------------------------------
def test_seed_is_sealed_and_bound_to_its_person(anna, member):
    device = TOTPDevice.objects.create(user=anna, name="app")
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_jsonb(d)::text FROM accounts_totpdevice d")
        row = cursor.fetchone()[0]

    assert device.bin_key.hex() not in row
    assert base64.b32encode(device.bin_key).decode() not in row
    TOTPDevice.objects.filter(pk=device.pk).update(user=member)
    with pytest.raises(sealing.SealBroken):
        _ = TOTPDevice.objects.get().bin_key


def test_seeds_in_clear_move_into_the_sealed_table(anna):
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TABLE otp_totp_totpdevice (id serial PRIMARY KEY, user_id uuid, name text,"
            " confirmed bool, key text, drift int, last_t bigint)"
        )
        cursor.execute(
            "INSERT INTO otp_totp_totpdevice (user_id, name, confirmed, key, drift, last_t)"
            " VALUES (%s, 'app', true, '00112233445566778899', 1, 77)",
            [anna.pk],
        )
    with connection.schema_editor() as editor:
        moving = importlib.import_module("apps.accounts.migrations.0008_move_second_factors")
        moving.move(apps, editor)

    device = TOTPDevice.objects.get()
    assert (device.user, device.confirmed, device.last_t) == (anna, True, 77)
    assert device.bin_key.hex() == "00112233445566778899"
    assert "otp_totp_totpdevice" not in connection.introspection.table_names()


# --- the index key -------------------------------------------------------------------------------
def test_people_are_found_before_during_and_after(api, anna, staff, business, settings, capsys):
    sale(member=anna, business=business, by=staff)

    def all_ways() -> list[bool]:
        query = {"businessId": str(business.pk), "phone": PHONE}
        listed = api.as_(staff).get("/transactions", query).json()["data"]
        return [
            queries.find_member("8 (916) 111-22-33") == anna,
            User.objects.with_email(EMAIL) == anna,
            len(listed) == 1,
        ]

    settings.INDEX_KEY_PREVIOUS, settings.INDEX_KEY = settings.INDEX_KEY, OTHER
    assert all_ways() == [True] * 3

    call_command("rotate_index_key")

    assert "Done: 2 of 2 changed" in capsys.readouterr().out
    assert all_ways() == [True] * 3
    settings.INDEX_KEY_PREVIOUS = b""
    assert all_ways() == [True] * 3


def test_nobody_joins_twice_while_the_index_key_changes(anna, at, settings):
    settings.INDEX_KEY_PREVIOUS, settings.INDEX_KEY = settings.INDEX_KEY, OTHER

    same, is_new = services.get_or_create_member(phone=PHONE, at=at)

    assert (same.pk, is_new) == (anna.pk, False)
    with pytest.raises(services.EmailTaken):
        services.update_profile(user=UserFactory(), changes={"email": EMAIL})


def test_refilling_again_changes_nothing_and_can_continue(anna, settings, capsys):
    other = UserFactory()
    settings.INDEX_KEY_PREVIOUS, settings.INDEX_KEY = settings.INDEX_KEY, OTHER
    first = min(anna.pk, other.pk)

    call_command("rotate_index_key", after=first)
    assert "1 people, 1 changed" in capsys.readouterr().out

    call_command("rotate_index_key")
    assert "2 people, 1 changed" in capsys.readouterr().out


def test_without_the_old_key_the_command_refuses(settings):
    with pytest.raises(CommandError, match="INDEX_KEY_PREVIOUS"):
        call_command("rotate_index_key")
