"""Whoever may call, and what she may call about: her own, somebody else's, nobody's."""

import gzip
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.test import Client
from django.utils import timezone

from apps.accounts import rights
from apps.accounts.models import Session, User
from apps.accounts.rights import Who
from apps.backoffice.models import Draft, Export
from apps.backoffice.pages.owner.reports import REPORTS
from apps.backoffice.pages.tokens import Operation
from apps.businesses.models import Business, Photo
from apps.core.ids import new_id
from apps.crm.services import connect
from apps.crm.services.connections import webhook_key
from apps.events.models import Event
from apps.events.services import reset_calendar
from apps.loyalty.models import Statement, StatementLine
from apps.loyalty.services import adjust_balance, hold_bonus
from apps.notifications.mailing import Leaving, leave_token
from apps.notifications.services import stop_codes
from tests.api import Api
from tests.factories.accounts import UserFactory
from tests.factories.businesses import BusinessFactory, staff_of
from tests.factories.coupons import campaign, chain, code_of, personal, step
from tests.factories.events import comes, in_voting, published, submitted
from tests.factories.notifications import broadcast_of, device_of, message_to
from tests.factories.offers import draft_of
from tests.factories.transactions import sale
from tests.signed_in import enter

NONE = UUID("00000000-0000-4000-8000-000000000000")
CALLERS = (
    "anonymous",
    "insider",
    "vip",
    "elite",
    "inner_circle",
    "staff_a",
    "staff_b",
    "owner_a",
    "owner_b",
    "admin",
    "superadmin",
    "blocked",
)
OWN, FOREIGN, MISSING = "own", "foreign", "missing"
KINDS = (OWN, FOREIGN, MISSING)


@dataclass
class Caller:
    name: str
    user: User | None = None
    business: Business | None = None  # where she works; admins: any
    token: str = ""
    cookie: str = ""

    @property
    def groups(self) -> Who:
        if self.user is None:
            return rights.PUBLIC
        return rights.held(job=self.user.job, tier=self.user.tier.code)

    @property
    def is_admin(self) -> bool:
        return rights.ADMIN in self.groups


@dataclass
class World:
    callers: dict[str, Caller]
    far: Business  # where nobody of the callers works
    stranger: User
    made: dict[str, Any] = field(default_factory=dict)


@contextmanager
def for_a_file(blocker: Any) -> Iterator[World]:
    """One world for all tests of a file, in a transaction that is taken back at its end."""
    with blocker.unblock(), transaction.atomic():
        made = build()
        sign_in_all(made)
        yield made
        transaction.set_rollback(True)


def build() -> World:
    a, b, far = BusinessFactory(), BusinessFactory(), BusinessFactory()
    people = {
        "insider": Caller("insider", UserFactory()),
        "vip": Caller("vip", UserFactory(tier_code="vip")),
        "elite": Caller("elite", UserFactory(tier_code="elite")),
        "inner_circle": Caller("inner_circle", UserFactory(tier_code="inner_circle")),
        "staff_a": Caller("staff_a", staff_of(a), a),
        "staff_b": Caller("staff_b", staff_of(b), b),
        "owner_a": Caller("owner_a", staff_of(a, role="business_owner"), a),
        "owner_b": Caller("owner_b", staff_of(b, role="business_owner"), b),
        "admin": Caller("admin", UserFactory(job="admin"), a),
        "superadmin": Caller("superadmin", UserFactory(job="superadmin"), a),
        "blocked": Caller("blocked", UserFactory(job="admin", blocked_at=timezone.now()), a),
    }
    for business in (a, b):  # so that an owner may go: she is not the only one
        staff_of(business, role="business_owner")
    UserFactory(job="superadmin")
    return World({"anonymous": Caller("anonymous"), **people}, far, UserFactory())


def sign_in_all(world: World) -> None:
    """Once for the file: a token and a browser's session are the dear part of a cell."""
    for caller in world.callers.values():
        if caller.user:
            caller.token = Api().as_(caller.user).headers["Authorization"]
            caller.cookie = _browser_session(caller.user)


def _browser_session(user: User) -> str:
    """On the web as far as she can be, second factor shown just now, and already in the list of
    sessions: each cell would enter it anew."""
    client = enter(Client(), user, second_factor=True)
    key = str(client.session.session_key)
    client.get("/")
    return key


def api_of(caller: Caller) -> Api:
    return Api({"Authorization": caller.token}) if caller.token else Api()


def browser_of(caller: Caller) -> Client:
    """A browser of her own each time: what a page did to its cookies does not stay."""
    client = Client(raise_request_exception=False)
    if caller.cookie:
        client.cookies[settings.SESSION_COOKIE_NAME] = caller.cookie
    return client


# --- objects: (world, caller, kind) → what stands in the address --------------------------------
def a_sale(world: World, caller: Caller, kind: str) -> Any:
    """Own: she bought it, or it was sold where she works."""
    if kind == MISSING:
        return NONE
    if kind == FOREIGN:
        return sale(business=world.far, member=world.stranger).pk
    own = caller.business
    member = world.stranger if own else caller.user or world.stranger
    return sale(business=own or world.far, member=member).pk


def a_hold(world: World, caller: Caller, kind: str) -> Any:
    if kind == MISSING:
        return NONE
    member = caller.user if kind == OWN and caller.user else world.stranger
    sale(business=world.far, member=member, amount="10000.00")
    at = timezone.now()
    hold = hold_bonus(
        member=member, business=world.far, amount=Decimal("10.00"), key=f"{kind}:{member.pk}", at=at
    )
    return hold.pk


def an_adjustment(world: World, caller: Caller, kind: str) -> Any:
    """Large enough to wait for a second person."""
    if kind == MISSING:
        return NONE
    row = adjust_balance(
        member=world.stranger,
        amount=Decimal(9000),
        reason="жалоба гостя №15",
        by=UserFactory(job="admin"),
        key=str(new_id()),
        at=timezone.now(),
    )
    return row.pk


def a_session(world: World, caller: Caller, kind: str) -> Any:
    if kind == MISSING:
        return NONE
    user = caller.user if kind == OWN and caller.user else world.stranger
    return Session.objects.create(user=user).pk


def a_person(world: World, caller: Caller, kind: str) -> Any:
    return NONE if kind == MISSING else world.stranger.pk


def a_slug(world: World, caller: Caller, kind: str) -> Any:
    if kind == MISSING:
        return "no-such-business"
    return (caller.business or world.far if kind == OWN else world.far).slug


def a_token(world: World, caller: Caller, kind: str) -> Any:
    """The signed address of an operation: of her business, of another, for another business."""
    by = caller.user or world.stranger
    business = caller.business or world.far if kind == OWN else world.far
    member = NONE if kind == MISSING else world.stranger.pk
    return Operation.begin(business_id=business.pk, member_id=member).token(by=by)


def a_business(world: World, caller: Caller, kind: str) -> Any:
    """Where she works; admins work at the first one."""
    if kind == MISSING:
        return NONE
    return (caller.business or world.far if kind == OWN else world.far).pk


def a_colleague(world: World, caller: Caller, kind: str) -> Any:
    """A business and somebody who works there."""
    business = caller.business or world.far if kind == OWN else world.far
    return business.pk, NONE if kind == MISSING else staff_of(business).pk


def an_offer(world: World, caller: Caller, kind: str) -> Any:
    """Its business and the offer."""
    business = caller.business or world.far if kind == OWN else world.far
    offer = draft_of(business)
    return business.pk, NONE if kind == MISSING else offer.pk


# --- bodies: what the request must say to reach the check ----------------------------------------
def at_business(world: World, caller: Caller, kind: str) -> dict[str, Any]:
    business = {OWN: caller.business or world.far, FOREIGN: world.far}.get(kind)
    return {
        "businessId": str(business.pk if business else NONE),
        "member": {"id": str(world.stranger.pk)},
        "amount": "100.00",
    }


def why(*_: Any) -> dict[str, Any]:
    return {"reason": "жалоба гостя №15"}


def code_at_business(world: World, caller: Caller, kind: str) -> dict[str, Any]:
    return at_business(world, caller, kind) | {"codeId": str(NONE), "code": "123456"}


def a_correction(*_: Any) -> dict[str, Any]:
    return {"amount": "10.00", "reason": "жалоба гостя №15"}


def a_broadcast(world: World, caller: Caller, kind: str) -> Any:
    """Asked for by somebody who is none of the callers."""
    return NONE if kind == MISSING else broadcast_of(world.stranger).pk


def a_link(world: World, caller: Caller, kind: str) -> Any:
    if kind == MISSING:
        return "broken"
    return leave_token(Leaving(world.stranger.pk, "email", ""))


def a_stop(world: World, caller: Caller, kind: str) -> Any:
    if kind == MISSING:
        return "broken"
    return stop_codes([world.stranger.pk])[world.stranger.pk]


def a_provider(world: World, caller: Caller, kind: str) -> Any:
    return "console_sms"


def role(*_: Any) -> dict[str, Any]:
    return {"role": "admin", "reason": "принята на работу"}


def tier(*_: Any) -> dict[str, Any]:
    return {"status": "elite", "until": "2099-12-31", "reason": "юбилей партнёрства"}


def a_device(world: World, caller: Caller, kind: str) -> Any:
    if kind == MISSING:
        return NONE
    member = caller.user if kind == OWN and caller.user else world.stranger
    return device_of(member).pk


def a_message(world: World, caller: Caller, kind: str) -> Any:
    if kind == MISSING:
        return NONE
    return message_to(caller.user if kind == OWN and caller.user else world.stranger).pk


def a_coupon(world: World, caller: Caller, kind: str) -> Any:
    if kind == MISSING:
        return NONE
    member = caller.user if kind == OWN and caller.user else world.stranger
    return personal(member, world.far, word=f"W{member.pk.hex[-12:]}{kind}".upper()).pk


def a_campaign(world: World, caller: Caller, kind: str) -> Any:
    if kind == MISSING:
        return NONE
    return campaign(caller.business or world.far if kind == OWN else world.far).pk


def a_code(world: World, caller: Caller, kind: str) -> dict[str, Any]:
    business = {OWN: caller.business or world.far, FOREIGN: world.far}.get(kind)
    code = code_of(campaign(business)) if business else "NONE"
    return {"businessId": str(business.pk if business else NONE), "code": code}


def a_new_campaign(world: World, caller: Caller, kind: str) -> dict[str, Any]:
    business = {OWN: caller.business or world.far, FOREIGN: world.far}.get(kind)
    return {
        "businessId": str(business.pk if business else NONE),
        "name": "Осень",
        "benefit": {"type": "fixed", "value": "100.00"},
        "audience": "anyone",
        "quantity": 1,
        "validFrom": "2026-01-01T00:00:00Z",
        "validTo": "2099-01-01T00:00:00Z",
    }


# --- events --------------------------------------------------------------------------------------
def a_live_event(world: World, caller: Caller, kind: str) -> Any:
    return NONE if kind == MISSING else published().pk


def a_vote(world: World, caller: Caller, kind: str) -> Any:
    return NONE if kind == MISSING else in_voting().pk


def her_place(world: World, caller: Caller, kind: str) -> Any:
    """An event where she has a seat; a foreign one she knows, without a seat."""
    if kind == MISSING:
        return NONE
    event = published()
    comes(event, caller.user if kind == OWN and caller.user else world.stranger)
    return event.pk


def her_asked_place(world: World, caller: Caller, kind: str) -> Any:
    """The same at an event that asks its guests something."""
    pk = her_place(world, caller, kind)
    Event.objects.filter(pk=pk).update(question="Можно вас фотографировать?")
    return pk


def her_draft(world: World, caller: Caller, kind: str) -> Any:
    if kind == MISSING:
        return NONE
    author = caller.user if kind == OWN and caller.user else world.stranger
    at = timezone.now()
    return Event.objects.create(kind="proposal", title="Поход", creator=author, created_at=at).pk


def hosted(world: World, caller: Caller, kind: str) -> Any:
    """An event that she proposed; a foreign one is at a partner where she does not work."""
    if kind == MISSING:
        return NONE
    event = published(business=world.far)
    if kind == OWN and caller.user:
        Event.objects.filter(pk=event.pk).update(creator=caller.user)
    return event.pk


def a_submitted(world: World, caller: Caller, kind: str) -> Any:
    return NONE if kind == MISSING else submitted().pk


def a_feed(world: World, caller: Caller, kind: str) -> Any:
    return reset_calendar(user=world.stranger, at=timezone.now())


def consent_to_moderate(*_: Any) -> dict[str, Any]:
    return {"action": "approve"}


def a_chain(world: World, caller: Caller, kind: str) -> Any:
    """Own: a business of hers sends guests."""
    if kind == MISSING:
        return NONE
    sender = caller.business if kind == OWN and caller.business else world.far
    sale(business=sender, member=world.stranger)
    return chain(step(sender, BusinessFactory())).pk


def a_new_chain(world: World, caller: Caller, kind: str) -> dict[str, Any]:
    sender = {OWN: caller.business or world.far, FOREIGN: world.far}.get(kind)
    way = {
        "from": str(sender.pk if sender else NONE),
        "to": str(BusinessFactory().pk),
        "benefit": {"type": "fixed", "value": "100.00"},
        "validDays": 30,
    }
    return {
        "name": "Цепочка",
        "topology": "pair",
        "steps": [way],
        "startsAt": "2026-01-01T00:00:00Z",
        "endsAt": "2099-01-01T00:00:00Z",
    }


# --- the owner's pages: the business's name in the address, then what stands there ---------------
def _place(world: World, caller: Caller, kind: str) -> Business:
    return world.far if kind == FOREIGN else caller.business or world.far


def offer_page(world: World, caller: Caller, kind: str) -> Any:
    place = _place(world, caller, kind)
    return place.slug, NONE if kind == MISSING else draft_of(place).pk


def chain_page(world: World, caller: Caller, kind: str) -> Any:
    place = _place(world, caller, kind)
    return place.slug, NONE if kind == MISSING else chain(step(place, BusinessFactory())).pk


def sale_page(world: World, caller: Caller, kind: str) -> Any:
    place = _place(world, caller, kind)
    found = NONE if kind == MISSING else sale(business=place, member=world.stranger).pk
    return place.slug, found


def guest_page(world: World, caller: Caller, kind: str) -> Any:
    place = _place(world, caller, kind)
    if kind == MISSING:
        return place.slug, NONE
    sale(business=place, member=world.stranger)
    return place.slug, world.stranger.pk


def a_photo(world: World, caller: Caller, kind: str) -> Any:
    if kind == MISSING:
        return NONE
    return Photo.objects.create(business=world.far, body=b"-", width=1, height=1).pk


def sales_file(world: World, caller: Caller, kind: str) -> Any:
    place, at = _place(world, caller, kind), timezone.now()
    if kind == MISSING:
        return place.slug, NONE
    made = Export.objects.create(
        user=caller.user or world.stranger,
        business=place,
        rows=0,
        file=gzip.compress(b""),
        made_at=at,
        ends_at=at + timedelta(days=1),
    )
    return place.slug, made.pk


def campaign_page(world: World, caller: Caller, kind: str) -> Any:
    place = _place(world, caller, kind)
    return place.slug, NONE if kind == MISSING else campaign(place).pk


def _draft(world: World, caller: Caller, kind: str, sort: str, data: dict[str, Any]) -> Any:
    place, by = _place(world, caller, kind), caller.user or world.stranger
    if kind == MISSING:
        return place.slug, NONE
    return place.slug, Draft.objects.create(business=place, kind=sort, by=by, data=data).pk


def offer_draft(world: World, caller: Caller, kind: str) -> Any:
    return _draft(world, caller, kind, "offer", {})


def offer_draft_step(world: World, caller: Caller, kind: str) -> Any:
    return *_draft(world, caller, kind, "offer", {}), "goal"


def chain_draft(world: World, caller: Caller, kind: str) -> Any:
    return _draft(world, caller, kind, "chain", {"steps": [{}]})


def _line(place: Business) -> StatementLine:
    statement, _new = Statement.objects.get_or_create(month="2020-01-01")
    return StatementLine.objects.create(
        statement=statement,
        debtor=place,
        creditor=BusinessFactory(),
        bonuses=100,
        amount=100,
        postings=1,
        digest="0" * 64,
    )


def closed_month(world: World, caller: Caller, kind: str) -> Any:
    place = _place(world, caller, kind)
    _line(place)
    return place.slug, "2019-01" if kind == MISSING else "2020-01"


def statement_line(world: World, caller: Caller, kind: str) -> Any:
    place = _place(world, caller, kind)
    return place.slug, NONE if kind == MISSING else _line(place).pk


def a_connection_key(world: World, caller: Caller, kind: str) -> Any:
    row = connect(business=world.far, system="yclients", by=None, options={"company_id": "1"})
    return webhook_key(row)


def a_connection(*_: Any) -> dict[str, Any]:
    return {"system": "yclients", "options": {"companyId": "1"}, "test": False}


Maker = Callable[[World, Caller, str], Any]


def offer_terms(*_: Any) -> dict[str, Any]:
    return {
        "name": "Две недели тепла",
        "kind": "multiplier",
        "value": "2.00",
        "startsAt": "2030-01-01T00:00:00Z",
        "endsAt": "2030-01-15T00:00:00Z",
    }


# The parameter of an address → who makes it. A route whose parameter is missing here fails.
OBJECTS: dict[str, Maker] = {
    "chain": a_chain,
    "chain-simulate": a_chain,
    "coupon": a_coupon,
    "coupons-campaign-cancel": a_campaign,
    "coupons-campaign-stats": a_campaign,
    "coupons-campaign-codes": a_campaign,
    "business": a_business,
    "business-staff": a_business,
    "business-staff-member": a_colleague,
    "admin-business-state": a_business,
    "business-offers": a_business,
    "business-offer": an_offer,
    "business-simulate": an_offer,
    "event": hosted,
    "event-submit": her_draft,
    "event-withdraw": her_draft,
    "event-vote": a_vote,
    "event-claim": a_submitted,
    "event-moderate": a_submitted,
    "event-register": her_place,
    "event-offer": a_live_event,
    "event-answer": her_asked_place,
    "event-ticket": her_place,
    "event-calendar": her_place,
    "calendar": a_feed,
    "event-roster": hosted,
    "event-check-in": hosted,
    "event-attendees": hosted,
    "event-cancel": hosted,
    "event-feedback": a_live_event,
    "proposal": a_submitted,
    "control_event": a_live_event,
    "control_event_live": a_live_event,
    "partner": a_slug,
    "member": a_person,
    "door_event": hosted,
    "door_live": hosted,
    "door_find": hosted,
    "door_annul": hosted,
    "transactions-detail": a_sale,
    "transactions-refund": a_sale,
    "loyalty-redemption": a_hold,
    "users-me-device": a_device,
    "admin-broadcast": a_broadcast,
    "admin-broadcast-approve": a_broadcast,
    "admin-broadcast-cancel": a_broadcast,
    "leave": a_link,
    "stop": a_stop,
    "messages-webhook": a_provider,
    "users-me-notification": a_message,
    "users-me-session": a_session,
    "admin-user": a_person,
    "admin-user-status": a_person,
    "admin-user-role": a_person,
    "admin-user-adjust": a_person,
    "admin-adjustment-confirm": an_adjustment,
    "admin-adjustment-decline": an_adjustment,
    "admin-user-block": a_person,
    "admin-user-unblock": a_person,
    "owner": a_slug,
    "owner_search": a_slug,
    "owner_sales": a_slug,
    "owner_views": a_slug,
    "owner_sale": sale_page,
    "guests": a_slug,
    "guest": guest_page,
    "reviews": a_slug,
    "photo": a_photo,
    "settings_photos": a_slug,
    "settings_requisites": a_slug,
    "settings_notices": a_slug,
    "bell": a_slug,
    "owner_export": sales_file,
    **{f"owner_{report.name}": a_slug for report in REPORTS},
    "staff": a_slug,
    "settings": a_slug,
    "offers": a_slug,
    "offer_new": a_slug,
    "offer": offer_page,
    "offer_edit": offer_page,
    "offer_check": offer_draft,
    "offer_drop": offer_draft,
    "offer_step": offer_draft_step,
    "offer_preview": offer_draft_step,
    "chains": a_slug,
    "chain_new": a_slug,
    "chain_ideas": a_slug,
    "chain_page": chain_page,
    "chain_change": chain_page,
    "chain_build": chain_draft,
    "chain_diagram": chain_draft,
    "chain_drop": chain_draft,
    "coupons": a_slug,
    "campaign_new": a_slug,
    "campaign": campaign_page,
    "campaign_progress": campaign_page,
    "campaign_codes": campaign_page,
    "campaign_import": campaign_page,
    "settlement": a_slug,
    "settlement_month": closed_month,
    "settlement_paper": closed_month,
    "settlement_csv": closed_month,
    "settlement_moves": statement_line,
    "crm": a_slug,
    "crm-webhook": a_connection_key,
    "admin-integration": a_business,
    "admin-integration-sync": a_business,
    "sale": a_sale,
    "operation": a_token,
    "quote": a_token,
    "confirm": a_token,
    "undo": a_sale,
    "slip": a_sale,
    "return_sale": a_sale,
}
BODIES: dict[str, Maker] = {
    "business": lambda *_: {"description": "Тишина и свет"},
    "business-staff": lambda *_: {"phone": "+79167770011", "role": "business_staff"},
    "admin-business-state": lambda *_: {"state": "suspended"},
    "chains": a_new_chain,
    "admin-integration": a_connection,
    "coupons-validate": a_code,
    "coupons-redeem": a_code,
    "coupons-campaigns": a_new_campaign,
    "business-offers": offer_terms,
    "event-moderate": consent_to_moderate,
    "event-check-in": lambda *_: {"code": "nonsense"},
    "event-cancel": why,
    "event-feedback": lambda *_: {"rating": 5},
    "event-answer": lambda *_: {"answer": True},
    "transactions": at_business,
    "transactions-quote": at_business,
    "transactions-refund": why,
    "transactions-spend-code": at_business,
    "transactions-spend-confirm": code_at_business,
    "admin-user-role": role,
    "admin-user-adjust": a_correction,
    "admin-user-status": tier,
    "admin-user-block": why,
    "admin-user-unblock": why,
}
