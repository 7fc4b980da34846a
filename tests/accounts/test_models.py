"""What is at rest about a person, and what the database refuses."""

from datetime import date

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from apps.accounts import queries, rules
from apps.accounts.models import OneTimeCode, Session, StatusTier, User
from apps.core import outbox, sealing
from apps.core.ids import new_id
from apps.core.models import Delivery, Message
from apps.core.sealing import SealBroken
from tests.accounts.codes import last_code
from tests.factories.accounts import UserFactory
from tests.factories.transactions import sale

pytestmark = pytest.mark.django_db
PHONE, EMAIL = "+79161234567", "Anna.Kotova@Mail.ru"


@pytest.fixture
def anna():
    user = UserFactory(phone=PHONE, email=EMAIL, first_name="Анна", last_name="Котова")
    user.set_birth_date(date(1990, 5, 17))
    user.save()
    return User.objects.get(pk=user.pk)


# --- sealed fields -------------------------------------------------------------------------------
def test_what_was_sealed_reads_as_it_was_written(anna):
    assert (anna.phone, anna.email, anna.birth_date) == (PHONE, EMAIL, date(1990, 5, 17))


def test_columns_hold_nothing_in_clear(anna):
    columns = " ".join(str(value) for value in vars(anna).values())

    for secret in ("9161234567", "Kotova", "kotova", "1990-05-17"):
        assert secret not in columns


def test_the_same_phone_is_never_sealed_alike_but_has_one_index(anna):
    again = User(tier=anna.tier)
    again.set_phone(PHONE)

    assert again.phone_sealed != anna.phone_sealed
    assert again.phone_index == anna.phone_index


@pytest.mark.parametrize(("source", "target"), [("phone", "email"), ("email", "birth_date")])
def test_a_value_moved_to_another_column_does_not_open(anna, source, target):
    setattr(anna, f"{target}_sealed", getattr(anna, f"{source}_sealed"))

    with pytest.raises(SealBroken):
        getattr(anna, target)


def test_a_value_moved_to_another_row_does_not_open(anna):
    thief = UserFactory()
    User.objects.filter(pk=thief.pk).update(phone_sealed=anna.phone_sealed)
    with pytest.raises(SealBroken):
        assert User.objects.get(pk=thief.pk).phone

    User.objects.filter(pk=thief.pk).update(data_key=anna.data_key)  # the key with it
    with pytest.raises(SealBroken):
        assert User.objects.get(pk=thief.pk).phone


def test_without_her_key_nobody_reads_her_fields(anna):
    User.objects.filter(pk=anna.pk).update(data_key="")

    with pytest.raises(SealBroken):
        assert User.objects.get(pk=anna.pk).email


def test_reading_a_person_makes_no_keys(anna, django_assert_num_queries):
    with django_assert_num_queries(1):
        [partly] = User.objects.only("first_name")
        assert (partly.first_name, "data_key" in vars(partly)) == ("Анна", False)


def test_an_email_can_be_taken_away(anna):
    anna.set_email("")
    anna.save()

    anna.refresh_from_db()
    assert (anna.email, anna.email_sealed, anna.email_index) == ("", "", None)


# --- looking up ----------------------------------------------------------------------------------
@pytest.mark.parametrize("text", ["8 (916) 123-45-67", PHONE, "9161234567"])
def test_she_is_found_by_her_phone_in_any_form(anna, text):
    assert queries.find_member(text) == anna


def test_she_is_found_by_her_card(anna):
    number = anna.card_number

    assert queries.find_member(f"{number[:4]} {number[4:8]}\u00a0{number[8:]}") == anna


@pytest.mark.parametrize("text", ["", "89161234568", "123456789012", "Анна", "anna.kotova@mail.ru"])
def test_nobody_else_is_found(anna, text):
    assert queries.find_member(text) is None


@pytest.mark.parametrize("text", [EMAIL, "anna.kotova@mail.ru", " ANNA.KOTOVA@MAIL.RU "])
def test_an_email_is_found_whatever_its_case(anna, text):
    assert User.objects.with_email(text) == anna


@pytest.mark.parametrize(
    ("text", "like"), [("8916", False), ("89161", True), ("+7 (000) 1", True), ("Анна", False)]
)
def test_the_shape_of_a_phone_is_seen_before_it_is_right(text, like):
    assert queries.is_phone_like(text) is like


# --- how others see her --------------------------------------------------------------------------
def test_staff_see_first_name_initial_and_a_masked_phone(anna):
    assert (anna.short_name, anna.masked_phone, str(anna)) == (
        "Анна К.",
        "+7 916 ···-··-67",
        "Анна К.",
    )
    nameless = UserFactory(first_name="", last_name="")
    assert str(nameless) == f"№{nameless.card_number[-4:]}"


@pytest.mark.parametrize(
    ("job", "role", "is_staff", "second_factor"),
    [
        ("", "member", False, False),
        ("business_staff", "business_staff", False, False),
        ("business_owner", "business_owner", False, True),
        ("admin", "admin", True, True),
        ("superadmin", "superadmin", True, True),
    ],
)
def test_a_job_decides_role_admin_and_second_factor(job, role, is_staff, second_factor):
    user = User(job=job)

    assert (user.role, user.is_staff, user.needs_second_factor) == (role, is_staff, second_factor)
    assert user.is_superuser is False


def test_a_block_makes_her_inactive(anna, at):
    anna.blocked_at = at

    assert (User().is_active, anna.is_active) == (True, False)


# --- what the database refuses -------------------------------------------------------------------
@pytest.mark.parametrize(
    ("change", "constraint"),
    [
        ({"is_superuser": True}, "nobody_is_django_superuser"),
        ({"job": "boss"}, "job_known"),
        ({"locale": "de"}, "locale_known"),
    ],
)
def test_nonsense_about_a_person_is_refused(anna, change, constraint):
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        User.objects.filter(pk=anna.pk).update(**change)


@pytest.mark.parametrize("what", ["phone", "email"])
def test_two_people_have_no_phone_and_no_email_in_common(anna, what):
    other = UserFactory()
    getattr(other, f"set_{what}")(getattr(anna, what))

    with pytest.raises(IntegrityError, match=f"{what}_index"), transaction.atomic():
        other.save()


@pytest.mark.parametrize(
    ("model", "values", "constraint"),
    [
        (StatusTier, {"rate_bp": 5001}, "tier_rate_sane"),
        (StatusTier, {"code": "gold"}, "tier_code_known"),
        (OneTimeCode, {"tries": 6}, "code_tries_bounded"),
        (Session, {"revoked_at": timezone.now()}, "ended_session_has_reason"),
    ],
)
def test_other_nonsense_is_refused_too(anna, model, values, constraint):
    Session.objects.create(user=anna)
    OneTimeCode.objects.create(purpose="sign_in", expires_at=timezone.now())
    row = model.objects.order_by("pk").first()

    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        model.objects.filter(pk=row.pk).update(**values)


def test_the_four_tiers_are_those_of_the_product():
    tiers = StatusTier.objects.order_by("position").values_list(
        "code", "rate_bp", "threshold", "min_partners", "vote_weight", "by_invitation"
    )

    assert list(tiers) == [
        ("insider", 500, 0, 1, 1, False),
        ("vip", 700, 60_000, 1, 1, False),
        ("elite", 1000, 180_000, 2, 3, False),
        ("inner_circle", 1000, None, 1, 3, True),
    ]
    assert queries.base_tier().code == "insider"


# --- the whole database --------------------------------------------------------------------------
def rows_with(*words):
    """(table, column) of every column of every table where one of these words stands in clear."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name, column_name FROM information_schema.columns "
            "WHERE table_schema = current_schema() ORDER BY 1, 2"
        )
        columns = cursor.fetchall()
        tables: dict[str, list[str]] = {}
        for table, column in columns:
            tables.setdefault(table, []).append(column)
        found = []
        for table, names in tables.items():
            hits = ", ".join(f'bool_or("{name}"::text ILIKE ANY(%(words)s))' for name in names)
            cursor.execute(f'SELECT {hits} FROM "{table}"', {"words": [f"%{w}%" for w in words]})
            found += [(table, n) for n, hit in zip(names, cursor.fetchone(), strict=True) if hit]
    return found


def test_a_dump_of_the_database_holds_no_phone_and_no_email(api, anna, staff, business, settings):
    """Members by every entrance, codes, sessions, sales, audit rows and failed deliveries."""
    asked = api.post("/auth/send-code", {"phone": "8 (916) 765-43-21"}).json()["data"]
    body = {"codeId": asked["codeId"], "code": last_code("+79167654321")}
    tokens = api.post("/auth/verify-code", body).json()["data"]
    bearer = {"Authorization": f"Bearer {tokens['accessToken']}"}
    api.patch("/users/me", {"email": "olga.belova@mail.ru", "birthDate": "1985-03-09"}, **bearer)
    bought = {"businessId": str(business.pk), "member": {"phone": "89165550011"}, "amount": "10"}
    assert api.as_(staff).post("/transactions", bought).status_code == 201
    sale(member=anna, business=business, by=staff)
    message = Message.objects.create(topic="MemberJoined", payload={"member_id": "m", "at": "now"})
    Delivery.objects.create(message=message, listener="tests.accounts.test_models.indiscreet")
    outbox.drain()

    clear = rows_with(
        "9161234567",
        "9167654321",
        "9165550011",
        "916%765%43%21",
        "kotova@",
        "belova@",
        "1990-05-17",
        "1985-03-09",
    )
    assert clear == []
    # the net has no holes: what is allowed in clear is found
    assert ("accounts_user", "first_name") in rows_with("Анна")


def indiscreet(fact, *, message_id):
    raise ValueError("no answer for +79161234567 (anna.kotova@mail.ru)")


def test_ids_of_people_grow_with_time():
    assert sorted([first := new_id(), second := new_id()]) == [first, second]


def test_a_new_person_gets_a_card_of_her_own(anna):
    assert rules.is_card_number(anna.card_number)


def test_blind_indexes_are_not_the_phones_digest(anna):
    assert anna.phone_index == sealing.blind_index(PHONE, purpose="phone")
    assert anna.phone_index != sealing.blind_index(PHONE, purpose="email")
