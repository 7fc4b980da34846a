"""Erasure: the person is gone, the books are true, a restore does not bring her back."""

import csv
import io
import json
from datetime import date

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.utils import timezone
from django_otp.plugins.otp_static.models import StaticDevice
from guardian.models import UserObjectPermission

from apps.accounts import queries, services
from apps.accounts.enums import ConsentPurpose, Job
from apps.accounts.models import Consent, Erasure, OneTimeCode, Session, User
from apps.businesses.models import Membership
from apps.businesses.services import add_staff
from apps.core import clickhouse, outbox
from apps.core.models import AuditEntry, IdempotencyKey, Message
from apps.loyalty.queries import balance_of, ledger_faults
from apps.transactions.models import Transaction
from tests.factories.accounts import UserFactory
from tests.factories.businesses import staff_of
from tests.factories.transactions import sale

pytestmark = pytest.mark.django_db
PHONE, EMAIL = "+79161112233", "anna@example.com"


@pytest.fixture
def anna():
    user = UserFactory(
        first_name="Анна", last_name="Иванова", city="Тула", phone=PHONE, email=EMAIL
    )
    user.set_birth_date(date(1990, 5, 17))
    user.set_password("correct horse battery")
    user.save()
    return user


def erase(user, **given):
    return services.erase_person(user=user, at=timezone.now(), because="asked", by=user, **given)


def raw_row(user) -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_jsonb(u)::text FROM accounts_user u WHERE id = %s", [user.pk])
        return cursor.fetchone()[0]


def test_api_answers_202_and_the_session_is_over(api, anna):
    mine = api.as_(anna)

    answer = mine.client.delete("/api/v1/users/me", headers=mine.headers)

    assert answer.status_code == 202, answer.content
    assert mine.get("/users/me").status_code == 401
    assert User.objects.get(pk=anna.pk).erased_at is not None


def test_nothing_on_her_row_says_who_she_was(anna):
    before = json.loads(raw_row(anna))

    erase(anna)

    after = json.loads(raw_row(anna))
    for name in ("data_key", "phone_sealed", "email_sealed", "birth_date_sealed"):
        assert after[name] == "", name
    assert (after["phone_index"], after["email_index"]) == (None, None)
    assert (after["first_name"], after["last_name"], after["city"]) == ("", "", "")
    for name in ("card_number", "surrogate_salt", "password"):
        assert after[name] != before[name], name
    anna = User.objects.get(pk=anna.pk)
    assert (anna.phone, anna.email, anna.birth_date) == ("", "", None)
    assert not anna.is_active


def test_her_number_can_join_anew_as_somebody_else(anna, at):
    card = anna.card_number
    erase(anna)

    assert queries.find_member(PHONE) is None
    assert queries.find_member(card) is None
    assert User.objects.with_email(EMAIL) is None
    newcomer, is_new = services.get_or_create_member(phone=PHONE, at=at)
    assert (is_new, newcomer.pk != anna.pk) == (True, True)


def test_an_erased_person_takes_no_data(anna):
    erase(anna)
    gone = User.objects.get(pk=anna.pk)

    with pytest.raises(ValueError, match="erased"):
        gone.set_phone(PHONE)
    with pytest.raises(IntegrityError), transaction.atomic():
        User.objects.filter(pk=anna.pk).update(first_name="Анна")


def test_sessions_devices_rights_codes_and_repeats_are_gone(api, anna, business, at):
    add_staff(business=business, user=anna, role="business_staff", by=None, at=at)
    api.as_(anna)
    StaticDevice.objects.create(user=anna, name="backup")
    services.send_code(phone=PHONE, at=at)
    IdempotencyKey.objects.create(
        actor=str(anna.pk), route="POST /x", key="k", body_hash="h", status=201, answer="{}"
    )

    erase(anna)

    session = Session.objects.get(user=anna)
    assert (session.revoked_because, session.device_name, session.address) == ("erased", "", None)
    assert not StaticDevice.objects.filter(user=anna).exists()
    assert not UserObjectPermission.objects.filter(user=anna).exists()
    assert not OneTimeCode.objects.exists()
    assert not IdempotencyKey.objects.exists()
    assert outbox.drain() >= 1
    assert not Membership.objects.live().filter(user=anna).exists()


def test_consents_end_and_their_proof_stays_without_address(anna, at):
    services.answer_consents(
        member=anna,
        answers={ConsentPurpose.MARKETING_SMS: services.Answer(given=True)},
        at=at,
        proof="session:1",
    )

    erase(anna)

    assert not queries.has_consent(anna.pk, ConsentPurpose.MARKETING_SMS)
    rows = list(Consent.objects.order_by("id").values_list("given", "version", "address", "proof"))
    assert rows == [(True, 1, None, ""), (False, 1, None, "")]


def test_the_books_stay_true(anna, business, at):
    sale(member=anna, business=business, amount="2500.00")

    erase(anna)
    outbox.drain()

    assert Transaction.objects.filter(member_id=anna.pk).count() == 1
    assert balance_of(anna.pk, at=at).available == 0  # her wallet is closed, the rows stay
    assert ledger_faults() == {}


def test_facts_of_before_and_after_stand_under_different_surrogates(facts, anna, business):
    from apps.analytics import loader  # noqa: PLC0415 - needs the engine of the fixture

    sale(member=anna, business=business, amount="100.00")
    loader.load_waiting()
    before = queries.surrogates_of([str(anna.pk)])

    erase(anna)

    after = queries.surrogates_of([str(anna.pk)])
    stored = {row[0] for row in clickhouse.read("test", "SELECT member FROM transaction_facts")}
    assert stored == set(before.values())
    assert stored.isdisjoint(after.values())


def test_erasing_twice_is_erasing_once(anna):
    first = erase(anna)
    second = erase(anna)

    assert first.pk == second.pk
    assert Message.objects.filter(topic="MemberErased").count() == 1
    assert AuditEntry.objects.filter(action="accounts.erased").count() == 1


def test_hearing_of_it_twice_ends_nothing_twice(anna, business, at):
    add_staff(business=business, user=anna, role="business_staff", by=None, at=at)
    erase(anna)
    outbox.drain()
    ended = Membership.objects.get(user=anna).ended_at
    delivery = Message.objects.get(topic="MemberErased").deliveries.get(
        listener="apps.businesses.consumers.member_erased"
    )

    assert outbox.deliver(delivery)

    assert Membership.objects.get(user=anna).ended_at == ended
    assert AuditEntry.objects.filter(action="businesses.remove_staff").count() == 1


# --- who must not go -----------------------------------------------------------------------------
def test_the_only_owner_hands_over_first(api, business, at):
    owner = staff_of(business, role="business_owner")
    mine = api.as_(owner)

    answer = mine.client.delete("/api/v1/users/me", headers=mine.headers)

    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "WRONG_STATE")
    assert User.objects.get(pk=owner.pk).erased_at is None
    staff_of(business, role="business_owner")
    erase(owner)
    assert User.objects.get(pk=owner.pk).erased_at is not None


def test_an_owner_erased_before_is_no_heir(business):
    first = staff_of(business, role="business_owner")
    second = staff_of(business, role="business_owner")
    erase(first)

    with pytest.raises(services.OwnsBusiness):
        erase(second)


def test_the_last_superadmin_stays():
    one, two = UserFactory(job=Job.SUPERADMIN), UserFactory(job=Job.SUPERADMIN)

    erase(one)

    with pytest.raises(services.LastSuperadmin):
        erase(two)


# --- the journal ---------------------------------------------------------------------------------
def test_journal_names_person_time_and_digest_only(
    anna, settings, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True):
        erasure = erase(anna)

    [line] = settings.ERASURE_JOURNAL.read_text().splitlines()
    assert json.loads(line) == {
        "person": str(anna.pk),
        "at": erasure.at.isoformat(),
        "digest": erasure.digest,
    }
    assert services.file_erasures() == 0  # nothing is written twice


def test_what_the_disk_refused_is_filed_later(anna, settings, tmp_path):
    erase(anna)  # the callback did not run: as after a crash
    assert not settings.ERASURE_JOURNAL.exists()

    assert services.file_erasures() == 1


def test_replay_after_a_restore_erases_again(anna, member, settings, capsys):
    sale(member=anna)
    with connection.cursor() as cursor:  # the backup: her rows as they were
        cursor.execute(
            "CREATE TEMP TABLE was AS SELECT * FROM accounts_user WHERE id = %s", [anna.pk]
        )
    erase(anna)
    services.file_erasures()
    gone = Erasure.objects.get()
    restore(anna)
    back = User.objects.get(pk=anna.pk)
    assert (back.phone, back.erased_at) == (PHONE, None)

    call_command("replay_erasures")

    assert "erased again: 1, already erased: 0, not in this database: 0" in capsys.readouterr().out
    again = User.objects.get(pk=anna.pk)
    assert (again.phone, again.erased_at, again.data_key) == ("", gone.at, "")
    assert User.objects.get(pk=member.pk).erased_at is None
    assert ledger_faults() == {}
    call_command("replay_erasures", str(settings.ERASURE_JOURNAL))
    assert "erased again: 0, already erased: 1, not in this database: 0" in capsys.readouterr().out


def restore(person):
    """What a restore of an older backup does to one person."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE accounts_erasure DISABLE TRIGGER USER")
        cursor.execute("DELETE FROM accounts_erasure")
        cursor.execute("ALTER TABLE accounts_erasure ENABLE TRIGGER USER")
        cursor.execute(
            "UPDATE accounts_user u SET data_key = w.data_key, phone_sealed = w.phone_sealed,"
            " phone_index = w.phone_index, first_name = w.first_name, erased_at = NULL"
            " FROM was w WHERE u.id = w.id AND u.id = %s",
            [person.pk],
        )


def test_replay_does_not_ask_owners_to_hand_over(business, settings):
    owner = staff_of(business, role="business_owner")
    settings.ERASURE_JOURNAL.write_text(
        json.dumps({"person": str(owner.pk), "at": "2026-01-02T03:04:05+00:00", "digest": "d"})
        + "\n"
        + json.dumps(
            {
                "person": "00000000-0000-7000-8000-000000000000",
                "at": "2026-01-02T03:04:05+00:00",
                "digest": "d",
            }
        )
        + "\n"
    )

    call_command("replay_erasures")

    assert User.objects.get(pk=owner.pk).erased_at.isoformat() == "2026-01-02T03:04:05+00:00"


def test_broken_or_missing_journal_is_a_sentence(settings, tmp_path):
    settings.ERASURE_JOURNAL.write_text("{not json\n")

    with pytest.raises(CommandError, match="not JSON"):
        call_command("replay_erasures")
    with pytest.raises(CommandError, match="does not exist"):
        call_command("replay_erasures", str(tmp_path / "nowhere.jsonl"))


def test_act_names_fields_and_no_values(anna, capsys):
    erase(anna)
    services.file_erasures()

    call_command("erasure_act", str(anna.pk))
    text = capsys.readouterr().out
    call_command("erasure_act", str(anna.pk), "--csv")
    rows = list(csv.reader(io.StringIO(capsys.readouterr().out)))

    assert str(anna.pk) in text
    assert "phone, email, birth_date, first_name, last_name, city, data_key" in text
    assert len(rows) == 9  # the eight lines of the act and one of the event log
    for secret in ("Анна", "Иванова", "Тула", PHONE, EMAIL, "1990"):
        assert secret not in text
    with pytest.raises(CommandError, match="Nobody"):
        call_command("erasure_act", "00000000-0000-7000-8000-000000000000")


@pytest.mark.parametrize(
    "statement", ["UPDATE accounts_erasure SET at = now()", "DELETE FROM accounts_erasure"]
)
def test_erasures_are_append_only(anna, statement):
    erase(anna)

    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)
