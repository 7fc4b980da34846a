from decimal import Decimal as D

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from apps.accounts.services import ReasonMissing
from apps.businesses.queries import network
from apps.core.errors import Forbidden
from apps.core.models import AuditEntry, Message
from apps.loyalty import queries, services
from apps.loyalty.models import Adjustment, Debt, Journal, Lot
from tests.accounts.desks import desk_of
from tests.factories.accounts import UserFactory
from tests.factories.businesses import BusinessFactory
from tests.loyalty.test_services import earn

pytestmark = pytest.mark.django_db
REASON = "жалоба гостя, сбой кассы"


@pytest.fixture
def admins(db):
    return [UserFactory(job="admin"), UserFactory(job="admin")]


def available(member, at):
    return queries.balance_of(member.pk, at=at).available


def adjust(member, amount, *, by, at, key="k", reason=REASON):
    with transaction.atomic():
        return services.adjust_balance(
            member=member, amount=D(amount), reason=reason, by=by, key=key, at=at
        )


def decide(row, by, at, *, yes=True):
    with transaction.atomic():
        return services.decide_adjustment(adjustment_id=row.pk, is_confirmed=yes, by=by, at=at)


def test_adding_is_paid_by_the_network(member, admins, at):
    row = adjust(member, "250.00", by=admins[0], at=at)

    lot = Lot.objects.get()
    assert (row.state, lot.issuer, lot.available) == ("done", network(), 25_000)
    assert row.journal.kind == "adjust"
    assert Message.objects.get(topic="BonusAdjusted").payload["amount"] == "250.00"
    entry = AuditEntry.objects.get(action="loyalty.adjust")
    assert (entry.actor_id, entry.reason) == (admins[0].pk, REASON)
    assert queries.ledger_faults() == {}


def test_taking_gives_back_to_the_issuers_nearest_expiry_first(member, business, admins, at):
    earn(member, business, at=at)

    adjust(member, "-30.00", by=admins[0], at=at)

    assert (available(member, at), Lot.objects.get().revoked) == (D("20.00"), 3000)
    assert [line.amount for line in queries.history_of(member.pk)] == [D("-30.00"), D("50.00")]
    assert queries.ledger_faults() == {}


def test_more_than_there_is_is_not_taken(member, business, admins, at):
    earn(member, business, at=at)

    with pytest.raises(services.InsufficientBonus):
        adjust(member, "-50.01", by=admins[0], at=at)
    assert not Adjustment.objects.exists()


def test_adding_pays_a_debt(member, admins, at):
    salon, cafe = BusinessFactory(), BusinessFactory()
    earned = earn(member, salon, at=at)
    services.spend_bonus(member=member, business=cafe, amount=D("50.00"), key="s", at=at)
    services.claw_back(journal_id=earned.journal_id, returned=D("1000.00"), key="r", at=at)

    adjust(member, "70.00", by=admins[0], at=at)

    assert (Debt.objects.get().repaid, available(member, at)) == (5000, D("20.00"))
    assert queries.ledger_faults() == {}


def test_above_five_thousand_another_admin_carries_it_out(member, admins, at):
    row = adjust(member, "5000.01", by=admins[0], at=at)
    assert (row.state, available(member, at)) == ("waiting", D("0.00"))

    with pytest.raises(services.SecondPerson):
        decide(row, admins[0], at)
    done = [decide(row, admins[1], at).state for _ in range(2)]  # twice equals once

    assert done == ["done", "done"]
    assert available(member, at) == D("5000.01")
    assert Journal.objects.filter(kind="adjust").count() == 1


def test_many_small_steps_of_one_admin_are_one_large_one(member, admins, at):
    first = adjust(member, "3000.00", by=admins[0], at=at, key="1")
    second = adjust(member, "-2000.00", by=admins[0], at=at, key="2")
    third = adjust(member, "0.01", by=admins[0], at=at, key="3")
    other = adjust(member, "5000.00", by=admins[1], at=at, key="4")

    assert [row.state for row in (first, second, third, other)] == [
        "done",
        "done",
        "waiting",
        "done",
    ]


def test_a_declined_one_moves_nothing_and_stays_declined(member, admins, at):
    row = adjust(member, "6000.00", by=admins[0], at=at)
    decide(row, admins[1], at, yes=False)

    with pytest.raises(services.AlreadyDecided):
        decide(row, UserFactory(job="admin"), at)
    assert available(member, at) == D("0.00")


def test_one_key_is_one_adjustment(member, admins, at):
    first, again = (adjust(member, "10.00", by=admins[0], at=at) for _ in range(2))

    assert (first, available(member, at)) == (again, D("10.00"))
    with pytest.raises(services.KeyReused):
        adjust(member, "11.00", by=admins[0], at=at)


def test_nobody_adjusts_herself_and_only_with_a_reason(member, admins, at):
    with pytest.raises(Forbidden):
        adjust(admins[0], "1.00", by=admins[0], at=at)
    with pytest.raises(Forbidden):
        adjust(member, "1.00", by=UserFactory(job="business_owner"), at=at)
    with pytest.raises(ReasonMissing):
        adjust(member, "1.00", by=admins[0], at=at, reason="надо")


def test_the_database_wants_a_second_person(member, admins, at):
    row = adjust(member, "6000.00", by=admins[0], at=at)

    with pytest.raises(IntegrityError, match="decided_by_another"), transaction.atomic():
        Adjustment.objects.filter(pk=row.pk).update(decided_by=admins[0])


def test_by_the_api(api, member, admins, at):
    first, second = (api.as_(admin) for admin in admins)
    path = f"/admin/users/{member.pk}/adjust"

    small = first.post(path, {"amount": "100.00", "reason": REASON})
    taken = first.post(path, {"amount": "-40.00", "reason": REASON})
    large = first.post(path, {"amount": "9000.00", "reason": REASON})
    [waiting] = second.get("/admin/adjustments", {"state": "waiting"}).json()["data"]
    own = first.post(f"/admin/adjustments/{waiting['id']}/confirm")
    other = second.post(f"/admin/adjustments/{waiting['id']}/confirm")

    assert [answer.status_code for answer in (small, taken, large, own, other)] == [
        201,
        201,
        202,
        403,
        200,
    ]
    assert taken.json()["data"]["amount"] == "-40.00"
    assert other.json()["data"]["state"] == "done"
    assert available(member, timezone.now()) == D("9060.00")


@pytest.mark.parametrize("amount", ["0.00", "--1.00", "abc", "-"])
def test_nonsense_amounts_are_refused(amount, api, member, admins):
    answer = api.as_(admins[0]).post(
        f"/admin/users/{member.pk}/adjust", {"amount": amount, "reason": REASON}
    )

    assert answer.status_code == 422


# --- the page ------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("decision", "state"), [("confirm", "done"), ("decline", "declined")], ids=["yes", "no"]
)
def test_the_dialogs_of_a_waiting_one_open_and_decide(decision, state, member, admins, at):
    row = adjust(member, "9000.00", by=admins[0], at=at)
    url = reverse(f"admin:loyalty_adjustment_{decision}", args=[row.pk])
    desk = desk_of(admins[1])

    opened = desk.get(url)
    sent = desk.post(url, {"_form_submitted": "True"})

    row.refresh_from_db()
    assert (opened.status_code, sent.status_code, row.state) == (200, 302, state)
    assert "<form" in opened.content.decode()


def test_the_page_asks_for_a_fresh_second_factor_before_it_decides(member, admins, at):
    row = adjust(member, "9000.00", by=admins[0], at=at)
    url = reverse("admin:loyalty_adjustment_confirm", args=[row.pk])

    answer = desk_of(admins[1], confirmed_ago=3600).post(url, {"_form_submitted": "True"})

    row.refresh_from_db()
    assert answer.url.startswith("/login/confirm/")
    assert row.state == "waiting"


def test_an_adjustment_costs_so_many_statements(member, admins, at):
    """Lock, who she is, the key, what was done alone today; network, lock, journal, lot and
    posting in one; the row itself. A larger one in two steps."""
    adjust(member, "1.00", by=admins[0], at=at, key="makes the wallet")

    with CaptureQueriesContext(connection) as asked:
        services.adjust_balance(
            member=member, amount=D("2.00"), reason=REASON, by=admins[0], key="k", at=at
        )

    assert ledger_of(asked) == 7


def test_taking_costs_so_many_statements(member, admins, at):
    adjust(member, "5.00", by=admins[0], at=at, key="makes the wallet")

    with CaptureQueriesContext(connection) as asked:
        services.adjust_balance(
            member=member, amount=D("-2.00"), reason=REASON, by=admins[0], key="k", at=at
        )

    assert ledger_of(asked) == 6


def ledger_of(asked):
    return len([one for one in asked if "loyalty_" in one["sql"]])
