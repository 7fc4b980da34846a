"""Consents: nothing by default, each purpose apart, a withdrawal holds at once, history stays."""

from datetime import timedelta

import pytest
from django.db import DatabaseError, connection, transaction

from apps.accounts import queries, services
from apps.accounts.enums import ConsentPurpose, RequestState
from apps.accounts.models import Consent, ConsentText, PrivacyRequest
from apps.accounts.models.privacy import text_digest
from apps.core.models import AuditEntry

pytestmark = pytest.mark.django_db
KEYS = ["personalData", "specialData", "marketingPush", "marketingSms", "marketingEmail"]


def put(api, body):
    return api.client.put(
        "/api/v1/users/me/consents", body, content_type="application/json", headers=api.headers
    )


def yes(member, *purposes, at):
    services.answer_consents(
        member=member,
        answers={purpose: services.Answer(given=True) for purpose in purposes},
        at=at,
        proof="session:test",
    )


def no(member, *purposes, at):
    services.answer_consents(
        member=member,
        answers={purpose: services.Answer(given=False) for purpose in purposes},
        at=at,
        proof="session:test",
    )


def test_nothing_is_agreed_to_by_default(api, member):
    data = api.as_(member).get("/users/me/consents").json()["data"]

    assert list(data) == KEYS
    for key in KEYS:
        assert (data[key]["given"], data[key]["version"], data[key]["at"]) == (False, None, None)
        assert data[key]["currentVersion"] == 1
        assert "юрист" in data[key]["text"]


def test_text_comes_in_the_callers_language(api, member):
    data = api.as_(member).get("/users/me/consents", **{"Accept-Language": "en"}).json()["data"]

    assert data["marketingSms"]["text"].startswith("[Draft: a lawyer approves")


def test_a_yes_keeps_version_hash_time_address_and_proof(api, member):
    mine = api.as_(member)

    answer = put(mine, {"marketingSms": {"given": True, "version": 1}})

    assert answer.status_code == 200, answer.content
    data = answer.json()["data"]
    assert data["marketingSms"]["given"] is True
    assert data["marketingSms"]["version"] == 1
    assert data["marketingPush"]["given"] is False
    text = ConsentText.objects.get(purpose="marketing_sms", version=1)
    row = Consent.objects.get(member=member)
    assert row.text_sha256 == text.sha256 == text_digest(text.text_ru, text.text_en)
    assert row.proof == f"session:{mine.session.pk}"
    assert (row.address, row.language) == ("127.0.0.1", "ru")
    assert AuditEntry.objects.filter(action="accounts.consent_given", actor_id=member.pk).exists()


@pytest.mark.parametrize(
    "body",
    [
        {"marketingSms": "yes please"},
        {"marketingSms": None},
        {"marketingSms": {"version": 1}},
        {"marketingSms": {"given": True, "version": 0}},
        {"marketingSms": {"given": True, "version": 2}},
        {"marketingFax": True},
        {"marketingSms": {"given": True, "because": "x"}},
    ],
)
def test_wrong_bodies_are_refused_and_write_nothing(api, member, body):
    answer = put(api.as_(member), body)

    assert answer.status_code == 422, answer.content
    assert not Consent.objects.exists()


def test_the_same_answer_twice_is_one_row(member, at):
    yes(member, ConsentPurpose.MARKETING_PUSH, at=at)
    yes(member, ConsentPurpose.MARKETING_PUSH, at=at)
    no(member, ConsentPurpose.MARKETING_SMS, at=at)

    assert Consent.objects.count() == 1


def test_withdrawal_holds_at_once_and_history_stays(member, at, django_assert_num_queries):
    yes(member, ConsentPurpose.MARKETING_SMS, at=at)
    with django_assert_num_queries(1):
        assert queries.has_consent(member.pk, ConsentPurpose.MARKETING_SMS)

    no(member, ConsentPurpose.MARKETING_SMS, at=at)

    assert not queries.has_consent(member.pk, ConsentPurpose.MARKETING_SMS)
    assert list(Consent.objects.order_by("id").values_list("given", flat=True)) == [True, False]


def test_a_new_version_asks_again_and_the_old_yes_stands(member, at):
    yes(member, ConsentPurpose.MARKETING_SMS, at=at)
    ConsentText.objects.create(
        purpose="marketing_sms", version=2, text_ru="Новый", text_en="New", sha256="2" * 64
    )

    with pytest.raises(services.TextOutdated):
        services.answer_consents(
            member=member,
            answers={ConsentPurpose.MARKETING_SMS: services.Answer(given=True, version=1)},
            at=at,
            proof="session:test",
        )
    assert queries.has_consent(member.pk, ConsentPurpose.MARKETING_SMS)
    yes(member, ConsentPurpose.MARKETING_SMS, at=at)

    assert list(Consent.objects.order_by("id").values_list("version", flat=True)) == [1, 2]


def test_withdrawal_names_the_text_that_was_agreed_to(member, at):
    yes(member, ConsentPurpose.MARKETING_SMS, at=at)
    ConsentText.objects.create(
        purpose="marketing_sms", version=2, text_ru="Новый", text_en="New", sha256="2" * 64
    )

    no(member, ConsentPurpose.MARKETING_SMS, at=at)

    given, withdrawn = Consent.objects.order_by("id")
    assert (withdrawn.version, withdrawn.text_sha256) == (1, given.text_sha256)


def test_withdrawing_personal_data_stops_everything_and_asks_for_erasure(member, at):
    yes(member, *ConsentPurpose, at=at)

    services.answer_consents(
        member=member,
        answers={
            ConsentPurpose.PERSONAL_DATA: services.Answer(given=False),
            ConsentPurpose.MARKETING_SMS: services.Answer(given=True),
        },
        at=at,
        proof="session:test",
    )

    assert not any(queries.has_consent(member.pk, purpose) for purpose in ConsentPurpose)
    request = PrivacyRequest.objects.get(member=member)
    assert (request.state, request.due_at) == (RequestState.OPEN, at + timedelta(days=30))


def test_giving_personal_data_again_takes_the_request_back(member, at):
    yes(member, ConsentPurpose.PERSONAL_DATA, at=at)
    no(member, ConsentPurpose.PERSONAL_DATA, at=at)

    yes(member, ConsentPurpose.PERSONAL_DATA, at=at)

    assert PrivacyRequest.objects.get().state == RequestState.TAKEN_BACK
    assert services.serve_due_requests(at=at + timedelta(days=31)) == 0
    no(member, ConsentPurpose.PERSONAL_DATA, at=at)
    assert PrivacyRequest.objects.filter(state=RequestState.OPEN).count() == 1


def test_due_request_erases_and_not_a_day_before(member, at):
    yes(member, ConsentPurpose.PERSONAL_DATA, at=at)
    no(member, ConsentPurpose.PERSONAL_DATA, at=at)

    assert services.serve_due_requests(at=at + timedelta(days=29)) == 0
    assert services.serve_due_requests(at=at + timedelta(days=30)) == 1
    assert services.serve_due_requests(at=at + timedelta(days=31)) == 0

    member.refresh_from_db()
    assert member.erased_at == at + timedelta(days=30)
    assert PrivacyRequest.objects.get().state == RequestState.DONE


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE accounts_consent SET given = NOT given",
        "UPDATE accounts_consent SET at = now()",
        "UPDATE accounts_consent SET text_sha256 = repeat('0', 64)",
        "UPDATE accounts_consent SET address = '10.0.0.1'",
        "UPDATE accounts_consent SET proof = 'session:forged'",
        "DELETE FROM accounts_consent",
        "UPDATE accounts_consenttext SET text_ru = 'другое'",
        "DELETE FROM accounts_consenttext",
    ],
)
def test_the_database_refuses_to_change_what_was_agreed(member, at, statement):
    yes(member, ConsentPurpose.MARKETING_SMS, at=at)

    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


def test_one_persons_answer_is_not_anothers(api, member, staff, at):
    yes(member, ConsentPurpose.MARKETING_SMS, at=at)

    assert not queries.has_consent(staff.pk, ConsentPurpose.MARKETING_SMS)
    data = api.as_(staff).get("/users/me/consents").json()["data"]
    assert data["marketingSms"]["given"] is False


def test_nobody_signed_out_reads_or_writes(api):
    assert api.get("/users/me/consents").status_code == 401
    assert put(api, {"marketingSms": True}).status_code == 401
