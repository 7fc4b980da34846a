"""The demo with something in every queue, and a browser for each role."""

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from django.test import Client
from django.utils import timezone

from apps.accounts.models import User
from apps.accounts.services import note_request, set_job
from apps.analytics import loader
from apps.backoffice.demo.loading import Size, load
from apps.backoffice.demo.partners import LISICHKINO, MINDAL
from apps.backoffice.demo.people import ADMIN, INNER_CIRCLE, INSIDER, OWNER, STAFF, SUPERADMIN, VIP
from apps.businesses.models import Business
from apps.core.models import Delivery, Message
from apps.crm.models import ExternalRecord, SyncRun
from apps.crm.services import connect
from apps.events.services import Shown, check_in
from apps.loyalty import rules as loyalty_rules
from apps.loyalty.services import (
    adjust_balance,
    close_month,
    earn_for_purchase,
    spend_bonus,
    submit_offer,
)
from apps.notifications.models import Broadcast
from apps.transactions.models import FlagKind, FraudFlag, Transaction
from tests.factories.accounts import UserFactory
from tests.factories.businesses import BusinessFactory, staff_of
from tests.factories.events import comes, published, submitted
from tests.factories.notifications import broadcast_of
from tests.factories.offers import draft_of
from tests.signed_in import enter

WHY = "Просьба гостьи от 12 ноября"
QUEUED = 6  # of each kind: enough to see a question a row


@dataclass(frozen=True)
class Cast:
    """Who walks. `newcomer` owns a partner where nothing happened yet; `host` has an event."""

    owner: User
    cashier: User
    moderator: User
    host: User
    admin: User
    superadmin: User
    newcomer: User

    @property
    def by_role(self) -> dict[str, User]:
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


def make(*, members: int, days: int) -> Cast:
    """Needs empty fact tables."""
    load(size=Size(members=members, days=days), at=timezone.now(), progress=lambda *_: None)
    salon = Business.objects.get(slug=MINDAL.slug)
    cafe = Business.objects.get(slug=LISICHKINO.slug)
    cast = _cast()
    _queues(salon, cast)
    _money(salon, cafe)
    _crm(salon)
    _events(cafe, cast)
    loader.load_waiting()
    return cast


def _cast() -> Cast:
    def of(person: object) -> User:
        found = User.objects.with_phone(person.phone)  # type: ignore[attr-defined]
        assert found is not None
        return found

    new = BusinessFactory(slug="dom", name="Тихий дом", category="cosmetics")
    newcomer = staff_of(new, role="business_owner", first_name="Инна", last_name="Новая")
    return Cast(
        owner=of(OWNER),
        cashier=of(STAFF),
        moderator=of(INNER_CIRCLE),
        host=of(VIP),
        admin=of(ADMIN),
        superadmin=of(SUPERADMIN),
        newcomer=newcomer,
    )


def _queues(salon: Business, cast: Cast) -> None:
    """Something of each kind that waits for a decision on the control pages."""
    at = timezone.now()
    other = UserFactory(job="admin", first_name="Рита", last_name="Шумова")
    sales = Transaction.objects.filter(business=salon).select_related("member").order_by("-pk")
    for n, sold in enumerate(sales[:QUEUED]):
        submitted(title=f"Прогулка по бульварам, часть {n + 1}", at=at - timedelta(hours=13 * n))
        kinds = list(FlagKind)
        FraudFlag.objects.create(
            kind=kinds[n % len(kinds)], business=salon, transaction=sold, member=sold.member, at=at
        )
        note_request(member=UserFactory(), kind="copy", by=other, at=at - timedelta(days=9 * n))
        adjust_balance(
            member=sold.member,
            amount=Decimal(9000),
            reason=WHY,
            by=other,
            key=f"crawl:{n}",
            at=at,
        )
        message = Message.objects.create(topic="EventVoted", payload={})
        listener = "apps.notifications.consumers.event_voted"
        Delivery.objects.create(message=message, listener=listener, state="dead")
        BusinessFactory(name=f"Новый партнёр {n + 1}", state="suspended")
        offer = draft_of(
            BusinessFactory(name=f"Сад {n + 1}"),
            name=f"Скоро {n + 1}",
            budget=Decimal("9000000.00"),
        )
        submit_offer(offer_id=offer.pk, by=None, at=at)
        broadcast_of(other, name=f"Осень {n + 1}")
    set_job(user=UserFactory(), job="admin", by=cast.superadmin, reason=WHY)
    assert Broadcast.objects.exists()


def _money(salon: Business, cafe: Business) -> None:
    """A closed month in which guests of the salon spent at the café and the other way round."""
    anna = User.objects.with_phone(INSIDER.phone)
    first = loyalty_rules.month_before(timezone.now())
    at = loyalty_rules.month_bounds(first)[0] + timedelta(days=10)
    for place, key in ((salon, "crawl:a"), (cafe, "crawl:b")):
        earn_for_purchase(
            member=anna, business=place, paid=Decimal(4000), key=key, occurred_at=at, posted_at=at
        )
    for place, amount in ((cafe, 150), (salon, 40)):
        spend_bonus(
            member=anna,
            business=place,
            amount=Decimal(amount),
            key=f"crawl:{amount}",
            at=at,
            posted_at=at,
        )
    close_month(month=first, by=None, at=timezone.now())


def _crm(salon: Business) -> None:
    """A connection with runs of each end, and records put aside."""
    at = timezone.now()
    row = connect(business=salon, system="yclients", by=None, options={"company_id": "1"})
    for n, state in enumerate(("done", "done", "failed", "broken")):
        since = at - timedelta(minutes=40 * (n + 1))
        SyncRun.objects.create(
            integration=row,
            trigger="schedule",
            state=state,
            trouble="timeout" if state == "failed" else "",
            since=since,
            until=since + timedelta(minutes=30),
            started_at=since,
            ended_at=since + timedelta(seconds=4),
            received=12,
            applied=9,
            repeated=2,
            set_aside=1,
        )
    for n, reason in enumerate(("no_phone", "bad_phone", "over_limit", "no_original", "no_phone")):
        ExternalRecord.objects.create(
            integration=row,
            entity="payment",
            external_id=str(7000 + n),
            amount=Decimal("1500.00"),
            occurred_at=at - timedelta(hours=n),
            digest=f"{n:064}",
            state="quarantine",
            reason=reason,
        )


def _events(cafe: Business, cast: Cast) -> None:
    """An event that goes on now, with guests inside, a line and one who was let in by hand."""
    at = timezone.now()
    soon = {"starts_at": at + timedelta(hours=1), "ends_at": at + timedelta(hours=4)}
    event = published(
        business=cafe,
        title="Дегустация сыров",
        capacity=6,
        place="Лисичкино",
        closes_at=at + timedelta(minutes=50),
        **soon,
    )
    type(event).objects.filter(pk=event.pk).update(creator=cast.host)
    places = [comes(event) for _ in range(9)]
    for n, place in enumerate(places[:3]):
        shown = Shown(
            nonce=f"crawl{n}",
            at=at,
            registration_id=place.pk,
            device="вход",
            identity_checked=True,
        )
        check_in(event=event, shown=[shown], by=cast.admin, at=at)


def browser_of(user: User | None, agent: str = "") -> Client:
    """Signed in as far as her job asks, the second factor shown just now; or nobody's. A session
    belongs to the browser, by its `agent`, that opened it: another one is signed out."""
    client = Client(raise_request_exception=True, headers={"User-Agent": agent})
    return enter(client, user, second_factor=user.needs_second_factor) if user else client


# --- what no link leads to: pages behind a POST ------------------------------------------------
def begun(role: str, client: Client) -> list[str]:
    """Where the forms of a role lead: an operation at the till, drafts of the constructors."""
    if role == "cashier":
        answer = client.post("/kassa/find/", {"who": INSIDER.phone})
        return [answer["Location"], "/kassa/shell/"]
    if role != "owner":
        return []
    base = f"/biz/{MINDAL.slug}"
    offer = client.post(f"{base}/offers/new/", {"goal": "return"})["Location"]
    steps = [offer.replace("/goal/", f"/{step}/") for step in ("who", "what", "when", "check")]
    chain = client.post(f"{base}/chains/new/")["Location"]
    return [offer, *steps, chain, f"{base}/coupons/new/"]
