"""The made-up world through the services, in batches, going on where it was interrupted.

The first audit row keeps the moment and size, so that a second run makes the same world; every
sale has the key `demo:<n>`; the last audit row says that all of it is there.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from decimal import ROUND_DOWN, Decimal
from typing import Any

import orjson
from django.contrib.auth.hashers import make_password
from django.db import transaction
from django.utils import timezone

from apps.accounts.enums import ConsentPurpose, Job, TierCode
from apps.accounts.models import StatusTier, TOTPDevice, User
from apps.accounts.services import (
    Answer,
    answer_consents,
    change_tier,
    confirm_job,
    get_or_create_member,
    set_job,
    update_profile,
)
from apps.backoffice.demo import books, promotion
from apps.backoffice.demo.events import load_events
from apps.backoffice.demo.partners import PARTNERS, Partner
from apps.backoffice.demo.people import ADMIN, PASSWORD, SECOND, SUPERADMIN, Person
from apps.backoffice.demo.world import YEAR, ZONE, Guest, Visit, World, make_world
from apps.businesses.models import Business, Location, Membership, Role
from apps.businesses.services import add_location, add_staff, open_business, update_business
from apps.core import audit, outbox
from apps.core.models import AuditEntry, Delivery
from apps.loyalty.models import OfferConstructor, Wallet
from apps.loyalty.queries import balance_of
from apps.loyalty.services import (
    create_offer,
    expire_due,
    judge_badges,
    lock_wallets,
    spend_bonus,
    submit_offer,
)
from apps.transactions.models import Transaction
from apps.transactions.services import record_purchase

STARTED, LOADED = "demo.started", "demo.loaded"
WHY = "данные для показа"
AGREED = [
    ConsentPurpose.PERSONAL_DATA,
    ConsentPurpose.MARKETING_PUSH,
    ConsentPurpose.MARKETING_SMS,
    ConsentPurpose.MARKETING_EMAIL,
]
BATCH = 250  # sales per transaction
OFFERED = timedelta(days=45)  # since when the offers are in force
LEAST_SPENT = Decimal(100)
OFFERS: dict[str, dict[str, Any]] = {
    "mindal": {
        "name": "Утро в будни",
        "kind": "multiplier",
        "value": Decimal("2.00"),
        "weekdays": [1, 2, 3, 4, 5],
        "hour_from": 9,
        "hour_to": 13,
        "cap_member": Decimal("1000.00"),
        "budget": Decimal("50000.00"),
    },
    "lisichkino": {
        "name": "Первый ужин",
        "kind": "fixed",
        "value": Decimal("300.00"),
        "first_purchase": True,
        "min_amount": Decimal("2000.00"),
        "budget": Decimal("30000.00"),
    },
}
INVITED = 3  # members of the Inner Circle, the one of the cast among them


@dataclass(frozen=True)
class Size:
    """What decides a world besides its moment."""

    seed: int = 7
    members: int = 250
    days: int = 730


@dataclass(frozen=True)
class Shop:
    """A partner in the books, with those who can stand at its till."""

    business: Business
    locations: list[Location]
    staff: list[User]


def is_loaded() -> bool:
    return AuditEntry.objects.filter(action=LOADED).exists()


def load(*, size: Size, at: datetime, progress: Callable[[int, int], None]) -> World:
    """Make the world of `size` that ends at `at`, or finish the one that was begun.

    `progress` hears how many sales are through. Nothing is written twice.
    """
    at, size = _begin(size, at)
    world = make_world(at=at, **asdict(size))
    shops = _open_shops(at)
    places = {slug: shop.business for slug, shop in shops.items()}
    promotion.open_chain(places, at=at)
    members = [_member(guest) for guest in world.guests]
    _offer(shops, at - OFFERED)
    books.invite(world, members)
    midnight = at.astimezone(ZONE).replace(hour=0, minute=0, second=0, microsecond=0)
    for first in range(0, len(world.visits), BATCH):
        batch = list(enumerate(world.visits[first : first + BATCH], start=first))
        _record(batch, members, shops, today=midnight)
        progress(first + len(batch), first + len(batch))
    _invite(world, members, at)
    books.reward_friends()
    staff_of_network = [User.objects.with_phone(one.phone) for one in (ADMIN, SUPERADMIN)]
    books.fill(places, members, [one for one in staff_of_network if one], at=timezone.now())
    _forget_the_past(at)
    staff = {slug: shop.staff[0] for slug, shop in shops.items()}
    promotion.open_campaigns(places, staff, at=at)
    expire_due(at=timezone.now())
    chief = User.objects.filter(job=Job.SUPERADMIN).order_by("pk").first()
    if chief:
        businesses = {slug: shop.business for slug, shop in shops.items()}
        load_events(shops=businesses, members=members, by=chief, at=timezone.now())
    books.leave_debts(members, places, at=timezone.now())
    with transaction.atomic():
        audit.record(None, LOADED, "demo", size.seed)
    return world


def _forget_the_past(at: datetime) -> None:
    """Two years of sales are made in a minute: nobody is told of them now, and what loyalty hears
    of them (badges, invitations) it reckons at once from the rows."""
    waiting = Delivery.objects.filter(state=Delivery.State.WAITING)
    waiting.exclude(listener__endswith=outbox.BATCH).update(
        state=Delivery.State.DONE, done_at=timezone.now()
    )
    for member_id in Wallet.objects.order_by("pk").values_list("pk", flat=True):
        judge_badges(member_id=member_id, at=at)


@transaction.atomic
def _begin(size: Size, at: datetime) -> tuple[datetime, Size]:
    begun = AuditEntry.objects.filter(action=STARTED).order_by("id").first()
    if begun:
        kept = orjson.loads(begun.reason)
        return datetime.fromisoformat(kept.pop("at")), Size(**kept)
    reason = orjson.dumps({"at": at.isoformat()} | asdict(size)).decode()
    audit.record(None, STARTED, "demo", size.seed, reason=reason)
    return at, size


# --- people and partners -------------------------------------------------------------------------
def _open_shops(at: datetime) -> dict[str, Shop]:
    """Chiefs first, then partners in their name. One password hash serves everybody: it is slow."""
    password = make_password(PASSWORD)
    chief = _worker(SUPERADMIN, password, at)
    if not chief.job:
        set_job(user=chief, job=Job.SUPERADMIN, by=None, reason=WHY)
    second = _worker(SECOND, password, at)
    if not second.job:  # nobody stands beside the first one yet
        set_job(user=second, job=Job.SUPERADMIN, by=None, reason=WHY)
    admin = _worker(ADMIN, password, at)
    if not admin.job:
        _agree_on(admin, chief, second, at)
    shops = {
        partner.slug: _open_shop(partner, password, by=chief, at=at - 2 * YEAR)
        for partner in PARTNERS
    }
    for person in (SUPERADMIN, SECOND, ADMIN, *(partner.owner for partner in PARTNERS)):
        user = _worker(person, password, at)
        if not TOTPDevice.objects.filter(user=user, confirmed=True).exists():
            TOTPDevice.objects.create(user=user, confirmed=True, name="app")
    return shops


@transaction.atomic
def _agree_on(admin: User, chief: User, second: User, at: datetime) -> None:
    """As in life: one superadmin asks, the other confirms."""
    asked = set_job(user=admin, job=Job.ADMIN, by=chief, reason=WHY)
    if asked:
        confirm_job(request_id=asked.pk, by=second, at=at)


@transaction.atomic
def _worker(person: Person, password: str, at: datetime) -> User:
    user, _new = get_or_create_member(phone=person.phone, at=at - 2 * YEAR)
    if user.has_usable_password():
        return user
    user = update_profile(
        user=user,
        changes={
            "first_name": person.first_name,
            "last_name": person.last_name,
            "email": person.email,
            "city": "Москва",
        },
    )
    User.objects.filter(pk=user.pk).update(password=password)
    user.password = password
    return user


@transaction.atomic
def _open_shop(partner: Partner, password: str, *, by: User, at: datetime) -> Shop:
    business = Business.objects.filter(slug=partner.slug).first()
    if business is None:
        business = open_business(
            slug=partner.slug, name=partner.name, category=partner.category, city="Москва", by=by
        )
        description = {"description": partner.description}
        business = update_business(business=business, changes=description, by=by, reason=WHY)
        for name, address in partner.locations:
            add_location(business=business, name=name, address=address, by=by)
        people = [(partner.owner, Role.OWNER), *((one, Role.STAFF) for one in partner.staff)]
        for person, role in people:
            add_staff(
                business=business, user=_worker(person, password, at), role=role, by=by, at=at
            )
    working = Membership.objects.live().filter(business=business, role=Role.STAFF)
    return Shop(
        business=business,
        locations=list(business.locations.order_by("pk")),
        staff=list(User.objects.filter(pk__in=working.values("user")).order_by("pk")),
    )


@transaction.atomic
def _member(guest: Guest) -> User:
    user, is_new = get_or_create_member(phone=guest.phone, at=guest.since)
    if not is_new:
        return user
    changes = {
        "first_name": guest.first_name,
        "last_name": guest.last_name,
        "birth_date": guest.birth_date,
        "city": "Москва",
    }
    if guest.star:
        changes["email"] = guest.star.email
    _agree(user, guest)
    return update_profile(user=user, changes=changes)


def _agree(user: User, guest: Guest) -> None:
    """Everybody to what the service needs; every second one, by her number, to advertising."""
    said = int(guest.phone[-2:]) % 2 == 0
    answers = dict.fromkeys(AGREED if said else AGREED[:1], Answer(given=True))
    answer_consents(member=user, answers=answers, at=guest.since, proof="demo")


def _invite(world: World, members: Sequence[User], at: datetime) -> None:
    """Inner Circle is by invitation: the one of the cast and those who paid most in a year."""
    paid: Counter[int] = Counter()
    for visit in world.visits:
        if visit.at > at - YEAR and world.guests[visit.guest].star is None:
            paid[visit.guest] += int(visit.amount)
    chosen = [
        n
        for n, guest in enumerate(world.guests)
        if guest.star and guest.star.role == TierCode.INNER_CIRCLE
    ]
    chosen += [n for n, _sum in paid.most_common(INVITED - len(chosen))]
    tier = StatusTier.objects.get(code=TierCode.INNER_CIRCLE)
    for n in chosen:
        change_tier(member_id=members[n].pk, tier=tier, reason="invited", at=timezone.now())


@transaction.atomic
def _offer(shops: dict[str, Shop], at: datetime) -> None:
    """One offer in force at each partner that has one, since `at`."""
    for slug, terms in OFFERS.items():
        business = shops[slug].business
        if OfferConstructor.objects.filter(business=business).exists():
            continue
        owner = User.objects.get(
            pk=Membership.objects.live().get(business=business, role=Role.OWNER).user_id
        )
        dates = {"starts_at": at, "ends_at": at + timedelta(days=90)}
        offer = create_offer(business=business, terms=terms | dates, by=owner, at=at)
        submit_offer(offer_id=offer.pk, by=owner, at=at)


# --- sales ---------------------------------------------------------------------------------------
@transaction.atomic
def _record(
    batch: Sequence[tuple[int, Visit]],
    members: Sequence[User],
    shops: dict[str, Shop],
    *,
    today: datetime,
) -> None:
    keys = [_key(n) for n, _visit in batch]
    there = set(Transaction.objects.filter(key__in=keys).values_list("key", flat=True))
    lock_wallets({members[visit.guest].pk for _n, visit in batch})
    for n, visit in batch:
        if _key(n) in there:
            continue
        shop, member = shops[visit.slug], members[visit.guest]
        if visit.bonus_share:
            _spend(n, visit, member, shop.business)
        # The page «your operations today» goes by the moment of entry: only today's have a hand.
        hand = shop.staff[n % len(shop.staff)] if visit.at >= today else None
        record_purchase(
            business=shop.business,
            member=member,
            amount=visit.amount,
            occurred_at=visit.at,
            by=hand,
            key=_key(n),
            receipt_number=str(10_000 + n),
            location=shop.locations[visit.location],
            recorded_at=visit.at,
        )


def _key(n: int) -> str:
    return f"demo:{n}"


def _spend(n: int, visit: Visit, member: User, business: Business) -> None:
    """A part of the bill with bonuses, in whole tens, when she has enough of them."""
    available = balance_of(member.pk, at=visit.at).available
    wanted = min(visit.amount * visit.bonus_share, available)
    amount = (wanted / 10).quantize(Decimal(1), rounding=ROUND_DOWN) * 10
    if amount >= LEAST_SPENT:
        spend_bonus(
            member=member,
            business=business,
            amount=amount.quantize(Decimal("0.01")),
            key=_key(n),
            at=visit.at,
            posted_at=visit.at,
        )
