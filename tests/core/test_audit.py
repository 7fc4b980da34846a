"""No change without a row; no row ever changes."""

import pytest
from django.db import IntegrityError, InternalError, connection, transaction
from django.db.utils import DatabaseError

from apps.core import audit, context
from apps.core.ids import new_id
from apps.core.models import AuditEntry
from tests.factories.accounts import UserFactory

REFUSED = (IntegrityError, InternalError, DatabaseError)


@pytest.fixture
def entry(db):
    audit.record(None, "test.done", "thing", 7)
    return AuditEntry.objects.get()


@pytest.mark.django_db(transaction=True)
def test_a_row_outside_of_a_transaction_is_an_error():
    with pytest.raises(RuntimeError, match="open a transaction first"):
        audit.record(None, "test.done", "thing", 7)

    assert AuditEntry.objects.count() == 0


@pytest.mark.django_db(transaction=True)
def test_a_row_goes_with_the_change_that_rolled_back():
    with transaction.atomic():
        UserFactory()
        audit.record(None, "test.done", "thing", 7)
        transaction.set_rollback(True)

    assert AuditEntry.objects.count() == 0


@pytest.mark.django_db
def test_a_row_says_who_did_what_to_which_object_and_why(staff, business):
    request_id = str(new_id())
    context.bind(context.Caller(request_id, "session", "203.0.113.7"))
    try:
        audit.record(
            staff,
            "test.done",
            "thing",
            business.pk,
            business_id=business.pk,
            reason="she asked",
            changed={"amount": "10.00"},
        )
    finally:
        context.bind(context.NOBODY)

    row = AuditEntry.objects.get(action="test.done")
    assert {name: getattr(row, name) for name in ROW} == {
        "actor_id": staff.pk,
        "actor_job": "business_staff",
        "session_id": "session",
        "address": "203.0.113.7",
        "object_type": "thing",
        "object_id": str(business.pk),
        "business_id": business.pk,
        "reason": "she asked",
        "request_id": request_id,
    }
    assert len(row.digest) == 64


ROW = [
    "actor_id",
    "actor_job",
    "session_id",
    "address",
    "object_type",
    "object_id",
    "business_id",
    "reason",
    "request_id",
]


@pytest.mark.django_db
def test_a_job_has_no_name_and_nothing_changed_has_no_digest(entry):
    assert (entry.actor_id, entry.actor_job, entry.request_id, entry.digest) == (None, "", "", "")


@pytest.mark.django_db
def test_what_changed_enters_as_a_keyed_digest_only(settings):
    def digest(**changed):
        audit.record(None, "test.done", "thing", 7, changed=changed)
        return AuditEntry.objects.latest("id").digest

    first = digest(birth_date="1990-05-17", city="Тверь")

    assert digest(city="Тверь", birth_date="1990-05-17") == first
    assert digest(birth_date="1990-05-18", city="Тверь") != first
    settings.CODE_PEPPER = b"x" * 32
    assert digest(birth_date="1990-05-17", city="Тверь") != first  # nobody tries out all birthdays


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE core_auditentry SET reason = 'other'",
        "UPDATE core_auditentry SET at = now()",
        "UPDATE core_auditentry SET id = id + 1",
        "DELETE FROM core_auditentry",
    ],
)
def test_the_database_refuses_to_rewrite_history(entry, statement):
    refused = pytest.raises(REFUSED, match="Cannot update or delete")
    with refused, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)

    assert AuditEntry.objects.get() == entry


def test_the_orm_is_refused_too(entry):
    entry.reason = "other"
    for attempt in (entry.save, entry.delete, AuditEntry.objects.all().delete):
        with pytest.raises(REFUSED), transaction.atomic():
            attempt()

    assert AuditEntry.objects.get().reason == ""
