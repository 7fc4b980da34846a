"""The audit log's hash chain: whatever is done to it behind our back is found, with the first bad
number."""

import json
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from apps.core import audit, audit_chain, tasks
from apps.core.models import AuditEntry, AuditSeal
from tests.threads import race

pytestmark = pytest.mark.django_db
ROWS = 12
FORGED = {
    "at": "at + interval '1 second'",
    "actor_id": "gen_random_uuid()",
    "actor_job": "'admin'",
    "session_id": "'x'",
    "address": "'10.9.8.7'",
    "action": "'other'",
    "object_type": "'other'",
    "object_id": "'other'",
    "business_id": "gen_random_uuid()",
    "reason": "'another reason'",
    "digest": "repeat('0', 64)",
    "request_id": "gen_random_uuid()::text",
}


def record(count=ROWS):
    """Rows as the product writes them; their numbers."""
    with transaction.atomic():
        for n in range(count):
            audit.record(None, "test.done", "thing", n, reason=f"because {n}")
    return list(AuditEntry.objects.order_by("pk").values_list("pk", flat=True))[-count:]


def rolled_back(count):
    """Numbers that were taken and given up."""
    with transaction.atomic():
        record(count)
        transaction.set_rollback(True)


@pytest.fixture
def chain(settings):
    """Twelve sealed rows, anchored after the sixth and after the last; their numbers."""
    start = timezone.now()
    numbers = record(ROWS // 2)
    settle(start)
    audit_chain.anchor(path=settings.AUDIT_ANCHOR_FILE, at=start)
    numbers += record(ROWS // 2)
    settle(start)
    audit_chain.anchor(path=settings.AUDIT_ANCHOR_FILE, at=start)
    return numbers


def settle(at):
    """Seal everything, gaps left by other tests' rolled-back numbers included."""
    audit_chain.seal(at=at + timedelta(hours=1))


def behind_our_back(*statements):
    """What an insider with the rights of the owner of the tables can do."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for table in ("core_auditentry", "core_auditseal"):
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        for statement in statements:
            cursor.execute(statement)
        for table in ("core_auditentry", "core_auditseal"):
            cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")


def verdict(settings):
    return audit_chain.verify(path=settings.AUDIT_ANCHOR_FILE, at=timezone.now())


def test_an_untouched_chain_is_whole(chain, settings, capsys):
    call_command("verify_audit")

    assert verdict(settings).whole
    assert f"chain whole up to №{chain[-1]}" in capsys.readouterr().out


def test_sealing_again_seals_nothing(chain, at):
    assert audit_chain.seal(at=at) == 0


def test_rows_of_the_last_minute_wait_and_are_counted(chain, settings, capsys):
    record(2)

    call_command("verify_audit")

    assert "2 not sealed yet" in capsys.readouterr().out


# --- tampering -----------------------------------------------------------------------------------
@pytest.mark.parametrize("field", FORGED)
def test_a_changed_field_is_found(chain, settings, field):
    behind_our_back(f"UPDATE core_auditentry SET {field} = {FORGED[field]} WHERE id = {chain[4]}")

    found = verdict(settings)

    assert (found.upto, found.bad) == (chain[3], chain[4])


def test_every_column_of_a_row_is_in_the_chain():
    columns = {field.attname for field in AuditEntry._meta.concrete_fields}

    assert columns == set(audit_chain.COLUMNS) == {"id", *FORGED}


def test_a_deleted_row_is_found(chain, settings):
    behind_our_back(f"DELETE FROM core_auditentry WHERE id = {chain[4]}")

    found = verdict(settings)

    assert (found.bad, found.because) == (chain[4], "the row is gone")


def test_a_deleted_row_with_its_seal_is_found(chain, settings):
    behind_our_back(
        f"DELETE FROM core_auditentry WHERE id = {chain[4]}",
        f"DELETE FROM core_auditseal WHERE entry_id = {chain[4]}",
    )

    assert verdict(settings).bad == chain[4]


def test_a_row_put_into_a_gap_is_found(settings, at):
    rolled_back(1)
    after = record(1)[0]
    settle(at)
    behind_our_back(
        "INSERT INTO core_auditentry (id, at, actor_job, session_id, action, object_type,"
        " object_id, reason, digest, request_id)"
        f" VALUES ({after - 1}, now(), '', '', 'forged', 'thing', '1', '', '', '')"
    )

    found = verdict(settings)

    assert (found.bad, "given up" in found.because) == (after - 1, True)


def test_a_row_ahead_of_the_sequence_is_found(chain, settings):
    number = chain[-1] + 1000
    behind_our_back(
        "INSERT INTO core_auditentry (id, at, actor_job, session_id, action, object_type,"
        " object_id, reason, digest, request_id)"
        f" VALUES ({number}, now(), '', '', 'forged', 'thing', '1', '', '', '')"
    )

    assert verdict(settings).bad == number


def test_two_swapped_rows_are_found(chain, settings):
    one, two = chain[3], chain[7]
    behind_our_back(
        f"UPDATE core_auditentry SET id = -1 WHERE id = {one}",
        f"UPDATE core_auditentry SET id = {one} WHERE id = {two}",
        f"UPDATE core_auditentry SET id = {two} WHERE id = -1",
    )

    assert verdict(settings).bad == one


def test_a_cut_tail_is_found(chain, settings):
    behind_our_back(
        f"DELETE FROM core_auditentry WHERE id >= {chain[9]}",
        f"DELETE FROM core_auditseal WHERE entry_id >= {chain[9]}",
    )

    found = verdict(settings)

    assert (found.bad, "cut off" in found.because) == (chain[9], True)


def test_rows_deleted_after_the_last_seal_of_a_cut_are_found(chain, settings):
    """The rows stay, only seals are cut: the next sealing would write the same ones again."""
    behind_our_back(f"DELETE FROM core_auditseal WHERE entry_id >= {chain[9]}")
    assert verdict(settings).bad == chain[9]

    settle(timezone.now())

    assert verdict(settings).whole


def test_all_reckoned_anew_is_found_by_the_anchor(chain, settings):
    behind_our_back(
        f"UPDATE core_auditentry SET reason = 'nothing to see' WHERE id = {chain[2]}",
        "DELETE FROM core_auditseal",
    )
    settle(timezone.now())

    found = verdict(settings)

    assert (found.bad, "rewritten" in found.because) == (chain[5], True)


@pytest.mark.parametrize(
    ("change", "place"),
    [("hash = repeat('a', 64)", 4), ("entry_id = -5, last_id = -5", 4), ("kind = 'gap'", 4)],
)
def test_a_changed_seal_is_found(chain, settings, change, place):
    behind_our_back(f"UPDATE core_auditseal SET {change} WHERE entry_id = {chain[place]}")

    found = verdict(settings)

    assert not found.whole
    assert found.bad in (chain[place], 1)


def test_a_missing_anchor_file_is_an_alarm(chain, settings):
    settings.AUDIT_ANCHOR_FILE.unlink()
    behind_our_back("UPDATE core_auditseal SET sealed_at = sealed_at - interval '1 day'")

    assert "no anchor" in verdict(settings).because


def test_command_names_the_first_bad_row_and_fails(chain, settings):
    behind_our_back(f"DELETE FROM core_auditentry WHERE id = {chain[4]}")

    with pytest.raises(CommandError, match=f"first bad row №{chain[4]}: the row is gone"):
        call_command("verify_audit")


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE core_auditseal SET hash = repeat('0', 64)",
        "DELETE FROM core_auditseal",
        "UPDATE core_auditentry SET reason = ''",
        "DELETE FROM core_auditentry",
    ],
)
def test_the_database_refuses_changes(chain, statement):
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


# --- gaps, restores, jobs ------------------------------------------------------------------------
def test_a_missing_number_waits_ten_minutes_and_is_then_explained(chain, settings, at):
    rolled_back(3)
    [after] = record(1)

    assert audit_chain.seal(at=timezone.now()) == 0
    assert audit_chain.seal(at=timezone.now() + timedelta(minutes=11)) == 2

    gap, row = AuditSeal.objects.order_by("-entry_id")[:2][::-1]
    assert (gap.kind, gap.entry_id, gap.last_id) == ("gap", chain[-1] + 1, after - 1)
    assert row.entry_id == after
    assert verdict(settings).whole


def test_after_a_restore_later_anchors_no_longer_count(chain, settings, capsys):
    behind_our_back(
        f"DELETE FROM core_auditentry WHERE id >= {chain[9]}",
        f"DELETE FROM core_auditseal WHERE entry_id >= {chain[9]}",
    )

    call_command("verify_audit", after_restore="point in time 10:00, disk failure")

    assert "chain whole" in capsys.readouterr().out
    last = json.loads(settings.AUDIT_ANCHOR_FILE.read_text().splitlines()[-1])
    assert (last["entry"], last["restored"]) == (chain[8], "point in time 10:00, disk failure")
    assert AuditEntry.objects.filter(action="core.restored").count() == 1


def test_jobs_seal_anchor_and_cry(chain, settings, logs):
    tasks.seal_audit()
    tasks.anchor_audit()
    tasks.verify_audit()
    assert "audit.chain_whole" in logs.getvalue()

    behind_our_back(f"UPDATE core_auditentry SET reason = 'x' WHERE id = {chain[0]}")
    tasks.verify_audit()

    assert "audit.chain_broken" in logs.getvalue()


def test_reasons_hold_no_phones(member):
    with transaction.atomic():
        audit.record(member, "test.done", "thing", 1, reason="просила с +7 916 123-45-67, a@b.ru")

    assert AuditEntry.objects.latest("pk").reason == "просила с +7***, ***@***"


@pytest.mark.django_db(transaction=True)
def test_racing_sealers_write_one_chain(settings):
    record(300)

    outcomes = race(6, lambda _n: audit_chain.seal(at=timezone.now() + timedelta(hours=1)))

    assert not [failure for failure in outcomes if isinstance(failure, Exception)]
    assert AuditSeal.objects.filter(kind="row").count() == 300
    assert verdict(settings).whole
