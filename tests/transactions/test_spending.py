"""Paying with bonuses: the cap, the ways to agree, and what nobody can do without the guest."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from apps.accounts.services import CardTokenInvalid, CardTokenUsed, show_card
from apps.loyalty.models import Journal
from apps.loyalty.queries import balance_of, ledger_faults
from apps.loyalty.services import InsufficientBonus, hold_bonus
from apps.transactions import services
from apps.transactions.models import FraudFlag, Spending, Transaction
from tests.factories.accounts import UserFactory
from tests.factories.businesses import BusinessFactory
from tests.factories.transactions import sale
from tests.threads import race

pytestmark = pytest.mark.django_db
Spend = services.Spend


@pytest.fixture
def rich(member, business):
    """A member with 5000 bonuses."""
    sale(member=member, business=business, amount="60000.00")
    sale(member=member, business=business, amount="20000.00")
    member.refresh_from_db()
    return member


def hold(member, business, amount):
    at = timezone.now()
    key = f"h{Journal.objects.count()}"
    return hold_bonus(member=member, business=business, amount=Decimal(amount), key=key, at=at)


def test_nothing_is_earned_on_the_part_paid_with_bonuses(rich, business, staff):
    code = hold(rich, business, 300).code

    done = sale(member=rich, business=business, by=staff, amount="1000.00", spend=Spend(code=code))

    assert (done.bonus_spent, done.to_pay) == (300, 700)
    assert done.bonus_accrued == Decimal(700) * rich.tier.rate_bp / 10_000
    spending = Spending.objects.get(transaction=done)
    assert (spending.way, spending.amount) == ("hold", 300)
    assert ledger_faults() == {}


@pytest.mark.parametrize(
    ("share", "most"), [(30, "300.00"), (50, "500.00"), (10, "100.00"), (0, "0.00")]
)
def test_above_the_cap_is_refused_with_the_number(rich, share, most, staff):
    place = BusinessFactory(max_bonus_share=share)
    code = hold(rich, place, Decimal(most) + Decimal("0.01")).code

    with pytest.raises(services.SpendOverShare) as refused:
        sale(member=rich, business=place, amount="1000.00", spend=Spend(code=code))
    assert refused.value.details["most"] == most
    assert Journal.objects.filter(kind="capture").count() == 0


def test_a_hold_pays_once_and_only_here(rich, business):
    code = hold(rich, business, 100).code

    with pytest.raises(services.RedemptionCodeWrong):
        sale(member=rich, business=BusinessFactory(), spend=Spend(code=code))
    with pytest.raises(services.RedemptionCodeWrong):
        sale(member=UserFactory(), business=business, spend=Spend(code=code))
    sale(member=rich, business=business, spend=Spend(code=code))
    with pytest.raises(services.RedemptionCodeWrong):
        sale(member=rich, business=business, spend=Spend(code=code))


def test_without_a_confirmation_nothing_is_spent(rich, business, staff, owner):
    for by, spend in [
        (staff, Spend(amount=Decimal(10))),
        (staff, Spend(amount=Decimal(10), reason="попросила по телефону")),
        (None, Spend(amount=Decimal(10), reason="попросила по телефону")),
        (owner, Spend(amount=Decimal(10))),
        (staff, Spend(amount=Decimal(10), proof="что угодно")),
    ]:
        with pytest.raises((services.SpendUnconfirmed, services.ProofInvalid)):
            sale(member=rich, business=business, by=by, spend=spend)
    assert not Spending.objects.exists()


def test_her_shown_card_pays_for_one_sale(rich, business, staff, at):
    token = show_card(user=rich, at=at).token
    who, proof = services.prove_by_card(token=token, business=business, by=staff, at=at)
    spend = Spend(amount=Decimal(100), proof=proof)

    done = sale(member=rich, business=business, by=staff, spend=spend)

    assert who == rich
    assert Spending.objects.get(transaction=done).way == "card"
    with pytest.raises(services.ProofUsed):
        sale(member=rich, business=business, by=staff, spend=spend)
    with pytest.raises(services.ProofInvalid):
        sale(member=UserFactory(), business=business, by=staff, spend=spend)
    with pytest.raises(CardTokenUsed):
        services.prove_by_card(token=token, business=business, by=staff, at=at)
    late = at + timedelta(seconds=90)
    with pytest.raises(CardTokenInvalid):
        services.prove_by_card(token=token, business=business, by=staff, at=late)


def test_a_code_by_sms_agrees_to_one_sum_here(rich, business, staff, at, texts):
    asked = {"member": rich, "business": business, "by": staff, "at": at}
    sent = services.ask_by_sms(amount=Decimal(200), **asked)
    code = "".join(sign for sign in texts[0]["text"] if sign.isdigit())[:6]

    with pytest.raises(services.SpendCodeWrong):
        services.prove_by_sms(code_id=sent.code_id, code=code, amount=Decimal(201), **asked)
    proof = services.prove_by_sms(code_id=sent.code_id, code=code, amount=Decimal(200), **asked)

    more = Spend(amount=Decimal(201), proof=proof)
    with pytest.raises(services.ProofInvalid):
        sale(member=rich, business=business, by=staff, spend=more)
    done = sale(
        member=rich, business=business, by=staff, spend=Spend(amount=Decimal(200), proof=proof)
    )
    assert Spending.objects.get(transaction=done).way == "sms"


def test_an_owner_decides_with_a_reason_up_to_a_day_limit(rich, business, owner, settings):
    settings.OWNER_SPEND_DAILY = 250
    why = "гостья без телефона, знаю лично"

    sale(member=rich, business=business, by=owner, spend=Spend(amount=Decimal(200), reason=why))
    with pytest.raises(services.OwnerLimitReached) as refused:
        sale(member=rich, business=business, by=owner, spend=Spend(amount=Decimal(51), reason=why))
    sale(member=rich, business=business, by=owner, spend=Spend(amount=Decimal(50), reason=why))

    assert refused.value.details["left"] == "50.00"
    assert FraudFlag.objects.filter(kind="owner_spend").count() == 2


def test_more_than_she_has_is_refused(rich, business, owner):
    spend = Spend(amount=Decimal("2999.99"), reason="гостья без телефона")
    poor = UserFactory()

    with pytest.raises(InsufficientBonus):
        sale(member=poor, business=business, by=owner, amount="10000.00", spend=spend)


def test_a_quote_is_the_sale_rolled_back(rich, business, staff):
    code = hold(rich, business, 300).code
    before = balance_of(rich.pk, at=timezone.now())
    asked = {"business": business, "member": rich, "by": staff, "amount": Decimal(1234)}

    quote = services.quote_purchase(at=timezone.now(), spend=Spend(code=code), **asked)
    assert balance_of(rich.pk, at=timezone.now()) == before
    done = sale(spend=Spend(code=code), price=quote.price, **asked)

    for name in ("discount", "bonus_spent", "to_pay", "bonus_accrued"):
        assert getattr(quote, name) == getattr(done, name)
    assert quote.most_spendable == Decimal("370.20")


def test_a_quote_that_would_raise_her_tier_leaves_it(member, business, staff):
    services.quote_purchase(
        business=business, member=member, amount=Decimal(60000), at=timezone.now(), by=staff
    )

    assert member.tier.code == "insider"
    member.refresh_from_db()
    assert member.tier.code == "insider"


def test_another_price_than_was_shown_is_not_recorded(rich, business, staff):
    asked = {"business": business, "member": rich, "by": staff, "amount": Decimal(1000)}
    quote = services.quote_purchase(at=timezone.now(), **asked)
    sales = Transaction.objects.count()

    code = hold(rich, business, 100).code
    with pytest.raises(services.PriceChanged):
        sale(spend=Spend(code=code), price=quote.price, **asked)

    assert Transaction.objects.count() == sales


@pytest.mark.django_db(transaction=True)
def test_twenty_tills_with_one_hold_spend_it_once():
    member, business = UserFactory(), BusinessFactory()
    sale(member=member, business=business, amount="10000.00")
    code = hold(member, business, 100).code

    race(20, lambda n: sale(member=member, business=business, key=f"k{n}", spend=Spend(code=code)))

    assert Spending.objects.count() == 1
    assert Transaction.objects.count() == 2
    assert ledger_faults() == {}
