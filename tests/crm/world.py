"""What tests of the CRM hub share: a connected business, members, and what the ledger holds."""

import random
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from django.db.models import F, Sum

from apps.accounts.models import User
from apps.crm import services
from apps.crm.models import CRMIntegration
from apps.crm.simulator.server import Server
from apps.crm.simulator.world import Guest, Sale, World
from apps.loyalty.enums import Kind
from apps.loyalty.models import Journal
from apps.transactions.models import Transaction
from tests.factories.accounts import UserFactory
from tests.factories.businesses import BusinessFactory

CATEGORIES = {
    "yclients": "salon",
    "iiko": "gastro",
    "onec": "cosmetics",
    "amocrm": "dental",
    "renovatio": "medical",
}
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


@dataclass
class Stand:
    world: World
    server: Server

    def connect(self, name: str, **options: object) -> CRMIntegration:
        business = BusinessFactory(category=CATEGORIES[name])
        given = self.server.describe()[name]
        integration = services.connect(
            business=business,
            system=name,
            by=None,
            base_url=given["baseUrl"],
            credentials=given["credentials"],
            options=given["options"] | options,
            secret=given.get("webhookSecret"),
        )
        steps = services.test_connection(integration=integration, by=None)
        assert [step for step in steps if not step.ok] == []
        return integration

    def system(self, name: str):
        return self.server.systems[name]

    def members(self, count: int) -> list[Guest]:
        """Guests of the world who are members of the circle, since long ago."""
        guests = []
        for _n in range(count):
            phone = f"+7916{self.world.new_id():07}"
            UserFactory(phone=phone, joined_at=LONG_AGO)
            guests.append(self.world.add_guest(phone))
        return guests


def ledger(integration: CRMIntegration) -> dict[str, Decimal]:
    """Net money of a business by phone, from the sales and their returns."""
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for sale in Transaction.objects.filter(business=integration.business):
        if sale.amount_left:
            sums[User.objects.get(pk=sale.member_id).phone] += sale.amount_left
    return dict(sums)


def assert_equals_truth(stand: Stand, integration: CRMIntegration) -> None:
    """Sales and bonuses are those of the simulator's own truth, to the kopeck."""
    truth = stand.world.truth(integration.system)
    assert ledger(integration) == truth
    taken = {
        row["ref"]: row["whole"]
        for row in Journal.objects.filter(kind=Kind.CLAWBACK)
        .values("ref")
        .annotate(whole=Sum("paid"))
    }
    paid = sum(
        one.paid - taken.get(one.pk, 0)
        for one in Journal.objects.filter(kind=Kind.EARN, business=integration.business)
    )
    assert Decimal(paid) / 100 == sum(truth.values(), Decimal(0))


def no_sale_twice(integration: CRMIntegration) -> None:
    """A document has one live sale at most, besides supplements of a grown sum."""
    live = Transaction.objects.filter(business=integration.business, amount__gt=F("returned"))
    assert live.count() <= integration.records.filter(applied__gt=0).count() * 3


class Month:
    """A scripted month: sales with edits, deletions, returns, walk-ins and strangers."""

    def __init__(self, stand: Stand, name: str, *, seed: int = 1, guests: int = 6) -> None:
        self.stand, self.name = stand, name
        self.dice = random.Random(seed)
        self.guests = stand.members(guests)
        self.stranger = stand.world.add_guest("+79991112233")
        self.now = datetime.now(UTC)
        self.sales: list[Sale] = []

    def sell(self, count: int = 1) -> None:
        for _n in range(count):
            guest = self.dice.choice([*self.guests, *self.guests, None])
            at = self.now - timedelta(minutes=self.dice.randrange(10, 28 * 24 * 60))
            self.sales.append(self.stand.world.sell(self.name, guest, None, at))

    def happen(self) -> None:
        """One thing to one sale."""
        sale = self.dice.choice(self.sales)
        world = self.stand.world
        what = self.dice.choice(["sell", "edit_up", "edit_down", "delete", "refund", "restore"])
        if what == "sell":
            self.sell()
        elif sale.state == "live" and what.startswith("edit") and not sale.refunds:
            factor = Decimal("1.3") if what == "edit_up" else Decimal("0.6")
            world.edit(sale, (sale.amount * factor).quantize(Decimal(1)))
        elif what == "delete" and sale.state == "live":
            self.dice.choice([world.delete, world.cancel])(sale)
        elif what == "refund" and sale.state == "live" and sale.net > 100:
            world.refund(sale, (sale.net * self.dice.choice([1, Decimal("0.5")])).quantize(1))
        elif what == "restore" and sale.state == "cancelled":
            world.restore(sale)
