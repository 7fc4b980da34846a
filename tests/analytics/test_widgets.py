"""Widgets of several partners and of the network, each against a count by hand."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from apps.analytics import loader, rules
from apps.analytics.services import generate_dashboard, report
from apps.coupons.models import Coupon
from apps.crm.models import ExternalRecord
from apps.crm.services import connect
from apps.crm.widgets import members_share
from apps.crosspromo import widgets as chains
from apps.crosspromo.services import recompute_conversions
from apps.loyalty import services as ledger
from apps.loyalty.widgets import clearing
from apps.transactions.services import refund_purchase
from tests.analytics.purchases import Bought, put
from tests.factories.accounts import UserFactory
from tests.factories.businesses import BusinessFactory
from tests.factories.coupons import campaign, chain, issue, step
from tests.factories.transactions import sale

pytestmark = pytest.mark.django_db
DAY = date(2026, 3, 31)


@pytest.mark.parametrize(
    ("values", "wanted"),
    [
        ([], None),
        ([0, 0], None),
        ([5, 5, 5], 0.0),
        ([100, 300], 0.25),  # (−1·100 + 1·300) ÷ (2·400)
        ([0, 0, 0, 8], 0.75),  # (n − 1) ÷ n
    ],
)
def test_gini_by_hand(values, wanted):
    assert rules.gini(values) == wanted


def test_share_of_revenue_from_members(business, owner, member):
    """Members paid 600 and 400, 100 of it came back; others 500 and 200 and took 100 back."""
    today, now = timezone.localdate(), timezone.now()
    assert members_share(business, today, today) is None
    sale(business=business, member=member, amount="600.00")
    back = sale(business=business, amount="400.00")
    refund_purchase(
        sale=back, amount=Decimal(100), reason="не подошло платье", by=owner, key="r", at=now
    )
    mine = connect(business=business, system="yclients", by=None, options={"company_id": "1"})
    rows: list[tuple[str, dict[str, Any]]] = [
        ("500", {"state": "unclaimed"}),
        ("200", {"state": "quarantine", "reason": "no_phone"}),
        ("100", {"state": "unclaimed", "kind": "refund"}),
        ("999", {"state": "cancelled"}),
        ("999", {"state": "quarantine", "reason": "bad_amount"}),
        ("999", {"state": "unclaimed", "gone": True}),
        ("999", {"state": "unclaimed", "occurred_at": now - timedelta(days=9)}),
    ]
    for number, (amount, given) in enumerate(rows):
        ExternalRecord.objects.create(
            **{"integration": mine, "entity": "visit", "external_id": str(number)}
            | {"amount": amount, "occurred_at": now, "digest": "0" * 64}
            | given
        )
    sale(business=BusinessFactory(), amount="7000.00")  # nobody knows its other guests

    found = members_share(business, today, today)

    assert found == {"partners": 1, "members": "900.00", "others": "600.00", "share": 60.0}
    assert members_share(None, today, today) == found


def test_coupons_from_issue_to_use_and_what_they_brought(facts, api, business, owner):
    """Four got it: one never looked, one saw the list, one opened it, one used it unseen and paid
    500 of 1,000 after 300 in the day before."""
    made = campaign(business, audience="promo", promo_code="MARCH26", quantity=9)
    idle, looks, opens, uses = (UserFactory() for _ in range(4))
    coupons = {
        who: issue(made, member_id=who.pk, at=timezone.now()) for who in (idle, looks, opens, uses)
    }
    early = timezone.now() - timedelta(hours=36)
    sale(business=business, member=uses, amount="300.00", occurred_at=early)
    api.as_(looks).get("/coupons")
    for _ in range(2):
        api.as_(opens).get(f"/coupons/{coupons[opens].pk}")
    sale(business=business, member=uses, amount="1000.00", coupon_codes=[coupons[uses].code])
    loader.load_waiting()

    [found] = api.as_(owner).get("/analytics/coupons").json()["data"]["widgets"]["coupons"]

    steps = [found[name] for name in ("issued", "shown", "activated", "redeemed")]
    assert steps == [4, 3, 2, 1]
    assert (found["campaignId"], found["cost"]) == (str(made.pk), "500.00")
    assert (found["incremental"], found["method"]) == ("200.00", "before_after")
    assert (found["low"], found["high"]) == (None, None)
    assert Coupon.objects.get(member=opens).seen_at is not None
    assert report("coupons", business=BusinessFactory(), since=None, until=None).widgets == {
        "coupons": []
    }


def test_flows_of_guests_and_the_best_chains(facts):
    """Six buy at the salon, four of them use the coupon at the café: 2,000 less 500."""
    start, end = BusinessFactory(name="Миндаль"), BusinessFactory(name="Кафе", category="gastro")
    made = chain(step(start, end))
    for n in range(6):
        guest = UserFactory()
        sale(business=start, member=guest)
        code = Coupon.objects.get(member=guest).code
        if n < 4:
            sale(business=end, member=guest, amount="2000.00", coupon_codes=[code])
    recompute_conversions(at=timezone.now() + timedelta(minutes=1))
    later = timezone.now() + timedelta(days=31)

    hers, theirs, all_of_it = (chains.chains(one, at=later) for one in (start, end, None))

    assert [(one["inflow"], one["outflow"], one["moved"]) for one in (hers, theirs, all_of_it)] == [
        (0, 4, 4),
        (4, 0, 4),
        (None, None, 4),
    ]
    [flow] = hers["flows"]
    assert (flow["from"], flow["to"], flow["exposed"], flow["came"]) == ("Миндаль", "Кафе", 6, 4)
    assert hers["top"] == [
        {
            "chain_id": str(made.pk),
            "name": "Цепочка",
            "exposed": 6,
            "held_out": 0,
            "redeemed": 4,
            "revenue": "6000.00",
            "cost": "2000.00",
        }
    ]
    assert chains.chains(BusinessFactory(), at=later)["top"] == []
    assert chains.shared_gain() == {"partners": 0, "gini": None, "gains": []}


def test_a_clinic_is_in_no_flow(facts):
    clinic, other = BusinessFactory(category="dental"), BusinessFactory()
    chain(step(other, clinic))
    sale(business=other)

    assert chains.chains(other, at=timezone.now() + timedelta(days=31)) == {
        "inflow": 0,
        "outflow": 0,
        "moved": 0,
        "flows": [],
        "top": [],
    }


def test_the_network_in_figures(facts):
    """The salon sold 300 in March after January, the café 150 of which 50 came back; of two guests
    of the last 30 days one was at both."""
    salon, cafe = BusinessFactory(name="Салон"), BusinessFactory(name="Кафе", category="gastro")
    BusinessFactory()

    def bought(number: int, member: int, day: date, money: int, shop: Any, **more: Any) -> Bought:
        return Bought(number, member, day, Decimal(money), shop=shop.pk, **more)

    put(
        [
            bought(1, 1, date(2026, 1, 9), 800, salon),
            bought(2, 1, date(2026, 3, 9), 200, salon),
            bought(3, 2, DAY, 100, salon),
            bought(4, 1, DAY, 100, cafe),
            bought(5, 2, date(2026, 3, 1), 50, cafe),
            bought(6, 2, DAY, -50, cafe, of=5, closes=True),
        ]
    )

    found = generate_dashboard(None, since=date(2026, 3, 1), until=DAY).widgets

    platform = found["platform"]
    assert (platform["gmv"], platform["open_partners"], platform["active_partners"]) == (
        "400.00",
        3,
        2,
    )
    assert platform["gini"] == 0.25  # of 100 and 300
    assert (platform["buyers_in_30_days"], platform["at_several_partners"]) == (2, 1)
    assert platform["cross_visit_share"] == 50.0
    assert [(one["name"], one["gmv"], one["receipts"]) for one in platform["partners"]] == [
        ("Салон", "300.00", 2),
        ("Кафе", "100.00", 1),
    ]
    assert [(one["month"], one["size"], one["kept"][:4]) for one in platform["cohorts"]] == [
        ("2026-01-01", 1, [1, 0, 1, None]),
        ("2026-03-01", 1, [1, None, None, None]),
    ]
    assert {"clearing", "shared_gain"} <= set(found)
    assert "platform" not in generate_dashboard(salon.pk).widgets


def test_clearing_sets_off_what_partners_owe_each_other():
    """The salon owes the café 20, the café the salon 5: of 25 only 15 have to be paid."""
    salon, cafe = BusinessFactory(name="Салон"), BusinessFactory(name="Кафе")
    now = timezone.now()
    for issuer, acceptor, amount in ((salon, cafe, "20.00"), (cafe, salon, "5.00")):
        guest, key = UserFactory(), f"{issuer.pk}"
        ledger.earn_for_purchase(
            member=guest, business=issuer, paid=Decimal("1000.00"), key=key, occurred_at=now,
            posted_at=now,
        )  # fmt: skip
        ledger.spend_bonus(
            member=guest, business=acceptor, amount=Decimal(amount), key=key, at=now, posted_at=now
        )

    found = clearing()

    assert (found["gross"], found["net"], found["offset"]) == ("25.00", "15.00", 40.0)
    assert [(one["name"], one["due"], one["owed"], one["net"]) for one in found["balances"]] == [
        ("Кафе", "20.00", "5.00", "15.00"),
        ("Салон", "5.00", "20.00", "-15.00"),
    ]
