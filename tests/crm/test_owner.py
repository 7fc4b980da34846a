"""What an owner does on her page of the CRM: records put aside, purchases that came twice, keys."""

import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.accounts.freshness import CONFIRMED
from apps.accounts.models import StatusTier, User
from apps.accounts.services.tiers import change_tier
from apps.core import outbox
from apps.core.ids import new_id
from apps.core.models import AuditEntry, Delivery
from apps.crm import queries, services
from apps.crm.enums import Reason, RecordState
from apps.crm.models import CRMIntegration, DuplicateMerge, ExternalRecord, SyncRun
from apps.loyalty.queries import ledger_faults
from apps.transactions.models import Transaction
from tests.architecture.conftest import admin_client, admin_user, desk  # noqa: F401
from tests.backoffice.conftest import SignedIn
from tests.crm.world import Stand
from tests.factories.businesses import staff_of
from tests.factories.transactions import sale as sold

pytestmark = pytest.mark.django_db


def sync(integration: CRMIntegration) -> int:
    since = datetime.now(UTC) - timedelta(days=35)
    return services.sync_transactions(integration.business_id, since)


def act(client: Client, row: CRMIntegration, action: str, **given: object) -> str:
    """Press a button of the page; what the page says then."""
    where = f"/biz/{row.business.slug}/crm/"
    answer = client.post(
        where, {"action": action, "system": row.system, **given}, follow=True, secure=True
    )
    assert answer.status_code == 200
    return answer.content.decode()


# --- put aside -----------------------------------------------------------------------------------
def test_retry_reads_the_document_again(stand: Stand, salon: CRMIntegration, owner: Client) -> None:
    [guest] = stand.members(1)
    wrong = stand.world.sell("yclients", guest, "1500000")
    sync(salon)
    record = ExternalRecord.objects.get()
    assert record.reason == Reason.OVER_LIMIT
    assert "Сумма" in act(owner, salon, "retry", record=record.pk)
    assert not Transaction.objects.exists()

    wrong.amount = Decimal(1500)  # mended there, and nobody has asked since
    said = act(owner, salon, "retry", record=record.pk)

    assert "Запись учтена." in said
    assert Transaction.objects.get().amount == 1500
    again = act(owner, salon, "retry", record=record.pk)  # a second press is refused
    assert str(services.mending.AlreadyApplied.message) in again
    assert Transaction.objects.count() == 1


def test_retry_of_all_that_were_put_aside_for_a_reason(
    stand: Stand, salon: CRMIntegration, owner: Client
) -> None:
    [guest] = stand.members(1)
    for _n in range(3):
        stand.world.sell("yclients", guest, "1500000").amount = Decimal(1500000)
    sync(salon)
    for one in stand.world.of("yclients")[:2]:
        one.amount = Decimal(700)

    act(owner, salon, "retry_all", reason=Reason.OVER_LIMIT)

    assert [one.amount for one in Transaction.objects.all()] == [700, 700]
    assert ExternalRecord.objects.get(state=RecordState.QUARANTINE).attempts == 1


def test_matched_by_hand_stays_hers(stand: Stand, salon: CRMIntegration, owner: Client) -> None:
    [hers] = stand.members(1)
    nameless = stand.world.add_guest("")
    sale = stand.world.sell("yclients", nameless, "2000")
    sync(salon)
    record = ExternalRecord.objects.get()
    assert (record.state, record.reason) == (RecordState.QUARANTINE, Reason.NO_PHONE)

    assert str(services.mending.NoSuchMember.message) in act(
        owner, salon, "match", record=record.pk, phone="+7 916 999-99-99"
    )
    act(owner, salon, "match", record=record.pk, phone=hers.phone)
    stand.world.edit(sale, "1800")
    sync(salon)

    member = User.objects.with_phone(hers.phone)
    bought = Transaction.objects.get()
    assert (bought.member, bought.amount_left) == (member, 1800)
    assert AuditEntry.objects.filter(action="crm.match").exists()


def test_left_out_is_left_alone(stand: Stand, salon: CRMIntegration, owner: Client) -> None:
    [guest] = stand.members(1)
    sale = stand.world.sell("yclients", guest, "1500000")
    sync(salon)
    record = ExternalRecord.objects.get()

    act(owner, salon, "ignore", record=record.pk)
    stand.world.edit(sale, "900")
    sync(salon)

    assert not Transaction.objects.exists()
    assert ExternalRecord.objects.get().state == RecordState.IGNORED


def test_a_record_of_another_partner_does_not_exist(
    stand: Stand,
    salon: CRMIntegration,
    signed_in: SignedIn,
) -> None:
    [guest] = stand.members(1)
    stand.world.sell("yclients", guest, "1500000")
    sync(salon)
    record = ExternalRecord.objects.get()
    other = stand.connect("iiko")
    stranger = signed_in(staff_of(other.business, role="business_owner"))

    for action in ("retry", "match", "ignore", "unmerge"):
        act(stranger, other, action, record=record.pk, phone=guest.phone)

    record.refresh_from_db()
    assert (record.state, record.attempts) == (RecordState.QUARANTINE, 0)


# --- one purchase that came twice ----------------------------------------------------------------
def test_a_merge_leaves_a_trace_follows_the_crm_and_is_undone_once(
    stand: Stand, salon: CRMIntegration, owner: Client
) -> None:
    [guest] = stand.members(1)
    member = User.objects.with_phone(guest.phone)
    at = timezone.now() - timedelta(minutes=20)
    by_till = sold(business=salon.business, member=member, amount="1500", occurred_at=at)
    bought = stand.world.sell("yclients", guest, "1500", at + timedelta(minutes=7))
    far = stand.world.sell("yclients", guest, "1500", at - timedelta(hours=3))
    sync(salon)
    assert Transaction.objects.count() == 3

    assert [services.reconcile_duplicates() for _n in range(3)] == [1, 0, 0]
    merge = DuplicateMerge.objects.get()
    assert (merge.kept, merge.dropped.amount_left) == (by_till, 0)
    assert AuditEntry.objects.filter(action="crm.merge").count() == 1
    stand.world.edit(bought, "1200")  # the CRM now changes the one that stayed
    sync(salon)
    by_till.refresh_from_db()
    assert by_till.amount_left == 1200
    stand.world.edit(bought, "1500")
    sync(salon)

    said = act(owner, salon, "unmerge", record=merge.pk)
    again = act(owner, salon, "unmerge", record=merge.pk)

    assert "Это снова две продажи." in said
    assert str(services.duplicates.AlreadyUndone.message) in again
    by_till.refresh_from_db()
    assert by_till.amount_left == 1200
    assert money() == 3 * 1500  # what the CRM had taken from the till's sale came back
    assert services.reconcile_duplicates() == 0
    assert sync(salon) == 0
    stand.world.cancel(far)
    stand.world.delete(bought)
    sync(salon)
    assert money() == 1500
    assert ledger_faults() == {}


def money() -> Decimal:
    return sum((one.amount_left for one in Transaction.objects.all()), Decimal(0))


# --- keys ----------------------------------------------------------------------------------------
def test_keys_want_a_fresh_second_factor_and_never_come_out(
    stand: Stand, salon: CRMIntegration, owner: Client
) -> None:
    page = f"/biz/{salon.business.slug}/crm/"
    keys = {"action": "connect", "system": "yclients", "key.partner_token": "pt_another-token-77"}
    before = salon.credentials_sealed
    session = owner.session
    session[CONFIRMED] = time.time() - 16 * 60
    session.save()

    answer = owner.post(page, keys, secure=True)

    assert answer.status_code == 302
    assert answer["Location"].startswith("/login/confirm/?next=%2Fbiz%2F")
    shut = owner.get(page, secure=True).content.decode()
    assert "/webhooks/crm/" not in shut
    assert 'name="key.partner_token"' not in shut
    salon.refresh_from_db()
    assert salon.credentials_sealed == before

    session[CONFIRMED] = time.time()
    session.save()
    late = keys | {"seen": "what somebody else had before", "option.company_id": "777"}
    refused = owner.post(page, late, secure=True)
    salon.refresh_from_db()
    assert salon.credentials_sealed == before
    told = refused.content.decode()
    assert refused.status_code == 409
    assert 'value="777"' in told
    assert f"<b>{salon.options['company_id']}</b>" in told  # what stands there now
    assert "pt_another-token-77" not in told
    keys["seen"] = owner.get(page, secure=True).context["seen"]
    owner.post(page, keys, secure=True)
    salon.refresh_from_db()
    shown = owner.get(page, secure=True).content.decode()
    assert salon.credentials_sealed != before
    assert salon.credentials_hint == "n-77"
    assert "n-77" in shown
    assert "pt_another-token-77" not in shown


# --- the tier in the guest's card there ----------------------------------------------------------
@pytest.fixture
def raised(stand: Stand) -> User:
    """A guest of a salon who is told of a new tier by the ledger's own fact."""
    [guest] = stand.members(1)
    member = User.objects.with_phone(guest.phone)
    stand.world.sell("yclients", guest, "1000")
    return member


def tell(member: User, *, tier: str) -> None:
    row = StatusTier.objects.get(code=tier)
    change_tier(member_id=member.pk, tier=row, reason="test", at=timezone.now())


def test_the_tier_is_written_back_only_when_it_is_asked_for(
    stand: Stand, salon: CRMIntegration, raised: User
) -> None:
    sync(salon)
    outbox.drain()
    tell(raised, tier="vip")
    outbox.drain()
    assert stand.world.notes == []  # off by default

    services.connect(business=salon.business, system="yclients", by=None, writes_back=True)
    stand.system("yclients").faults.plan(*["error_500"] * 4)  # the outbox tries again
    tell(raised, tier="elite")
    outbox.drain()
    assert stand.world.notes == []
    Delivery.objects.filter(state="waiting").update(due_at=timezone.now())
    outbox.drain()

    [note] = stand.world.notes
    assert note["guest"] == stand.world.of("yclients")[0].guest
    assert note["text"].startswith("Свой Круг: Elite")


# --- the log -------------------------------------------------------------------------------------
def test_row_of_the_log_leads_to_its_operations(
    stand: Stand,
    salon: CRMIntegration,
    owner: Client,
    admin_client: Client,  # noqa: F811
) -> None:
    for guest in stand.members(2):
        stand.world.sell("yclients", guest, "1500")
    sync(salon)
    run = SyncRun.objects.get(received__gt=0)
    first, second = Transaction.objects.order_by("occurred_at", "pk")
    back = ExternalRecord.objects.get(sale=second)
    back.pk, back.kind, back.sale, back.applied = new_id(), "refund", None, 0
    back.refund_of, back.external_id, back._state.adding = back.external_id, "back-1", True
    back.save()

    sync(salon)
    page = owner.get(f"/biz/{salon.business.slug}/crm/?system=yclients").content.decode()
    told = admin_client.get(f"/admin/crm/syncrun/{run.pk}/change/").content.decode()

    link = f"/biz/{salon.business.slug}/sales/{{}}/"
    assert [page.count(link.format(one.pk)) for one in (first, second)] == [1, 2]
    assert owner.get(link.format(first.pk)).status_code == 200
    assert f"/admin/transactions/transaction/{first.pk}/change/" in told
    assert f"run__id__exact={run.pk}" in told
    assert SyncRun.objects.count() == 2  # the second brought nothing new
    runs = list(SyncRun.objects.all())
    with CaptureQueriesContext(connection) as asked:
        queries.brought_by(runs)
    assert len(asked) == 2
