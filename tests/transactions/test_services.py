from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from apps.accounts.models import User
from apps.accounts.services import block_user
from apps.core.errors import NotFound
from apps.core.models import AuditEntry, Delivery, Message
from apps.loyalty.models import Journal
from apps.loyalty.queries import balance_of, ledger_faults
from apps.transactions import services
from apps.transactions.models import Transaction, TransactionItem
from tests.factories.accounts import UserFactory
from tests.factories.businesses import BusinessFactory, staff_of
from tests.factories.transactions import sale
from tests.threads import race


@pytest.mark.django_db
def test_a_sale_books_money_bonus_audit_and_fact_together(member, business, staff):
    done = sale(member=member, business=business, by=staff, amount="1234.55", key="k")

    assert (done.to_pay, done.bonus_accrued, done.source) == (
        Decimal("1234.55"),
        Decimal("61.72"),
        "till",
    )
    assert balance_of(member.pk, at=timezone.now()).available == Decimal("61.72")
    assert AuditEntry.objects.get(action="transactions.record").actor_id == staff.pk
    fact = Message.objects.get(topic="PurchaseRecorded").payload
    assert (fact["transaction_id"], fact["amount"]) == (str(done.pk), "1234.55")


@pytest.mark.django_db
def test_the_same_key_again_is_the_same_sale(member, business):
    first = sale(member=member, business=business, key="k")
    second = sale(member=member, business=business, key="k")

    assert first.pk == second.pk
    assert (Transaction.objects.count(), Journal.objects.count()) == (1, 1)


@pytest.mark.django_db
@pytest.mark.parametrize("change", ["amount", "member"])
def test_the_same_key_with_other_data_is_refused(change, member, business):
    sale(member=member, business=business, amount="10.00", key="k")
    other = {"amount": "20.00"} if change == "amount" else {"member": UserFactory()}

    with pytest.raises(services.SaleKeyReused), transaction.atomic():
        sale(**{"member": member, "business": business, "amount": "10.00", "key": "k"} | other)
    assert Transaction.objects.count() == 1


@pytest.mark.django_db
def test_nobody_enters_a_sale_to_herself(staff, business):
    with pytest.raises(services.NotAtOwnTill):
        sale(member=staff, business=business, by=staff)


@pytest.mark.django_db
def test_a_blocked_guest_is_not_served_but_what_has_happened_counts(member, business, staff):
    block_user(user=member, by=None, reason="проверка", at=timezone.now())

    with pytest.raises(services.CardPaused), transaction.atomic():
        sale(member=member, business=business, by=staff)
    brought = sale(member=member, business=business, by=None, amount="1000.00")

    assert Transaction.objects.get() == brought
    assert balance_of(member.pk, at=timezone.now()).available == Decimal("50.00")


@pytest.mark.django_db
def test_another_partners_till_does_not_exist(member, business):
    stranger = staff_of(BusinessFactory())

    with pytest.raises(NotFound):
        sale(member=member, business=business, by=stranger)


@pytest.mark.django_db
@pytest.mark.parametrize("state", ["suspended", "closed"])
def test_a_partner_that_is_not_active_takes_no_sales(state, member):
    with pytest.raises(services.BusinessClosed):
        sale(member=member, business=BusinessFactory(state=state))


@pytest.mark.django_db
@pytest.mark.parametrize("shift", [timedelta(minutes=6), -timedelta(days=365 * 40)])
def test_an_unbelievable_moment_is_refused(shift, member, business):
    with pytest.raises(services.MomentInvalid):
        sale(member=member, business=business, occurred_at=timezone.now() + shift)


@pytest.mark.django_db
def test_a_sale_over_the_partners_limit_is_refused(member):
    with pytest.raises(services.AmountOverLimit) as refused:
        sale(member=member, business=BusinessFactory(max_sale=Decimal("5000.00")), amount="5000.01")
    assert "5000" in str(refused.value)


@pytest.mark.django_db
@pytest.mark.parametrize(("category", "kept"), [("salon", 1), ("dental", 0), ("medical", 0)])
def test_a_clinic_keeps_no_lines_of_the_receipt(category, kept, member):
    line = services.Item(name="Услуга", category="", quantity=Decimal(1), price=Decimal("10.00"))

    sale(member=member, business=BusinessFactory(category=category), items=[line])

    assert TransactionItem.objects.count() == kept


@pytest.mark.django_db
def test_a_quote_says_what_the_sale_will_do_and_writes_nothing(member, business, staff):
    at = timezone.now()

    quote = services.quote_purchase(
        business=business, member=member, amount=Decimal("999.99"), at=at, by=staff
    )
    assert not Journal.objects.exists()
    done = sale(member=member, business=business, by=staff, amount="999.99")

    assert (quote.to_pay, quote.bonus_accrued) == (done.to_pay, done.bonus_accrued)


@pytest.mark.django_db
def test_the_sale_that_crosses_a_threshold_earns_at_the_old_rate(member, business):
    crossing = sale(member=member, business=business, amount="60000.00")
    member = User.objects.select_related("tier").get(pk=member.pk)
    after = sale(member=member, business=business, amount="100.00")

    assert (crossing.bonus_accrued, after.bonus_accrued) == (Decimal("3000.00"), Decimal("7.00"))
    assert Message.objects.filter(topic="TierChanged").count() == 1


@pytest.mark.django_db
def test_the_database_refuses_a_sale_that_does_not_add_up(member, business):
    done = sale(member=member, business=business)

    with pytest.raises(IntegrityError, match="sale_adds_up"), transaction.atomic():
        Transaction.objects.filter(pk=done.pk).update(to_pay=Decimal("1.00"))


@pytest.mark.django_db
def test_a_failure_after_the_ledger_loses_all_of_the_sale(member, business, monkeypatch):
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("lightning")

    monkeypatch.setattr("apps.transactions.services.sales.outbox.publish", broken)

    with pytest.raises(RuntimeError), transaction.atomic():
        sale(member=member, business=business)
    assert not Transaction.objects.exists()
    assert not Journal.objects.exists()
    assert not Delivery.objects.exists()


@pytest.mark.django_db
def test_a_sale_costs_a_known_number_of_statements(
    member, business, staff, django_assert_num_queries
):
    sale(member=member, business=business, by=staff)
    staff = User.objects.get(pk=staff.pk)

    # permission 1 + BEGIN/COMMIT of the test's savepoint 2 + lock 1 + twin 1 + offers 1 + journal 1
    # + lot and posting 1 + sale 1 + tier window 1 + audit 1 + message and deliveries 1
    # + what she did lately 1 + suspicions 1: the same sum for the same member again
    # + whether the business has chains 1
    with django_assert_num_queries(15):
        sale(member=member, business=business, by=staff)


@pytest.mark.django_db(transaction=True)
def test_forty_twins_of_one_sale_are_one_sale(member, business):
    outcomes = race(40, lambda n: sale(member=member, business=business, key="twin").pk)

    assert len(set(outcomes)) == 1
    assert Transaction.objects.count() == 1
    assert balance_of(member.pk, at=timezone.now()).available == Decimal("50.00")
    assert ledger_faults() == {}


@pytest.mark.django_db(transaction=True)
def test_forty_first_sales_of_a_new_member_all_count(member, business):
    outcomes = race(40, lambda n: sale(member=member, business=business, key=f"k{n}").pk)

    assert len(set(outcomes)) == 40
    assert balance_of(member.pk, at=timezone.now()).available == Decimal("2000.00")
    assert ledger_faults() == {}
