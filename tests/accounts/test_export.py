"""Her copy: everything held about her, nobody else, no secrets."""

import json
from datetime import date

import pytest

from apps.accounts import services
from apps.accounts.enums import ConsentPurpose
from apps.core.models import AuditEntry
from tests.factories.accounts import UserFactory
from tests.factories.transactions import sale

pytestmark = pytest.mark.django_db


@pytest.fixture
def anna(at):
    user = UserFactory(first_name="Анна", phone="+79161112233", email="anna@example.com")
    user.set_birth_date(date(1990, 5, 17))
    user.save()
    services.answer_consents(
        member=user,
        answers={ConsentPurpose.MARKETING_SMS: services.Answer(given=True)},
        at=at,
        proof="session:test",
    )
    return user


def test_export_holds_a_part_of_every_app(api, anna, business, staff):
    bought = sale(member=anna, business=business, amount="2500.00", by=staff)

    answer = api.as_(anna).get("/users/me/export")

    assert answer.status_code == 200, answer.content
    data = answer.json()["data"]
    assert set(data) >= {"exportedAt", "memberId", "account", "businesses", "loyalty"}
    profile = data["account"]["profile"]
    assert (profile["phone"], profile["email"]) == ("+79161112233", "anna@example.com")
    assert profile["birthDate"] == "1990-05-17"
    [given] = data["account"]["consentHistory"]
    assert (given["purpose"], given["given"], given["version"]) == ("marketing_sms", True, 1)
    assert [row["purpose"] for row in data["account"]["consents"]][0] == "personal_data"
    assert len(data["account"]["sessions"]) == 1
    assert "accounts.consent_given" in {row["action"] for row in data["account"]["actions"]}
    [purchase] = data["transactions"]["purchases"]
    assert (purchase["id"], purchase["amount"]) == (str(bought.pk), "2500.00")
    assert purchase["occurredAt"].endswith("Z")
    assert data["loyalty"]["balance"]["available"] == "125.00"
    assert [line["amount"] for line in data["loyalty"]["history"]] == ["125.00"]
    assert [lot["issuer"] for lot in data["loyalty"]["lots"]] == [business.name]
    assert data["businesses"] == {"memberships": []}


def test_export_of_staff_names_where_she_works(api, staff, business):
    data = api.as_(staff).get("/users/me/export").json()["data"]

    [place] = data["businesses"]["memberships"]
    assert (place["place"], place["role"], place["endedAt"]) == (
        business.name,
        "business_staff",
        None,
    )


def test_export_holds_nobody_else_and_no_secrets(api, anna, business, staff):
    other = UserFactory(first_name="Чужая", phone="+79169998877")
    sale(member=other, business=business, by=staff)
    sale(member=anna, business=business, by=staff)

    text = json.dumps(api.as_(anna).get("/users/me/export").json(), ensure_ascii=False)

    for secret in (
        "Чужая",
        other.phone,
        str(other.pk),
        staff.first_name,
        anna.data_key,
        anna.phone_index,
        anna.phone_sealed,
        anna.surrogate_salt,
    ):
        assert secret not in text


def test_taking_a_copy_is_noted_and_needs_a_session(api, anna):
    assert api.get("/users/me/export").status_code == 401

    api.as_(anna).get("/users/me/export")

    assert AuditEntry.objects.filter(action="accounts.export", actor_id=anna.pk).count() == 1


def test_export_costs_the_same_for_any_number_of_purchases(
    api, anna, business, django_assert_max_num_queries
):
    for _ in range(3):
        sale(member=anna, business=business)
    mine = api.as_(anna)

    with django_assert_max_num_queries(40):
        assert mine.get("/users/me/export").status_code == 200
