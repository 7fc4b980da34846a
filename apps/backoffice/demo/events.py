"""Three events of the made-up world: one to come, one being voted on, one full with a line."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from apps.accounts.enums import TierCode
from apps.accounts.models import User
from apps.businesses.models import Business
from apps.events.models import Event
from apps.events.services import (
    Wish,
    create_event,
    moderate,
    process_vote,
    publish_event,
    register_for_event,
    submit_proposal,
)
from apps.loyalty.queries import balance_of

COMING, FULL, IDEA = "Мастер-класс по укладке", "Ужин у камина", "Утренняя йога в парке"


def load_events(
    *, shops: dict[str, Business], members: Sequence[User], by: User, at: datetime
) -> None:
    """Written once: events with these names stay as they are."""
    if Event.objects.filter(title__in=[COMING, FULL, IDEA]).exists():
        return
    people = list(User.objects.filter(pk__in=[one.pk for one in members]).select_related("tier"))
    people.sort(key=lambda one: (one.tier.code != TierCode.INNER_CIRCLE, one.pk))
    _coming(shops["mindal"], people, by=by, at=at)
    _full(shops["lisichkino"], people, by=by, at=at)
    _idea(people, at=at)


def _evening(at: datetime, days: int) -> datetime:
    return (at + timedelta(days=days)).replace(hour=16, minute=0, second=0, microsecond=0)


def _plan(business: Business, starts: datetime, at: datetime) -> dict[str, object]:
    place = business.locations.order_by("pk").first()
    return {
        "city": "Москва",
        "business": business,
        "zone": business.zone,
        "starts_at": starts,
        "ends_at": starts + timedelta(hours=3),
        "opens_at": at - timedelta(hours=1),
        "closes_at": starts - timedelta(hours=2),
        "place": business.name,
        "address": place.address if place else business.name,
        "contact": "Администратор, +7 495 000-00-00",
        "notes": "нет",
    }


def _coming(business: Business, people: Sequence[User], *, by: User, at: datetime) -> None:
    plan = _plan(business, _evening(at, 5), at) | {
        "title": COMING,
        "description": "Учимся делать укладку дома: стилист покажет три причёски на каждый день.",
        "capacity": 12,
        "guests_allowed": True,
        "attendance_bonus": Decimal(100),
        "price": Decimal(200),
        "deposit": True,
        "question": "Можно вас фотографировать?",
    }
    event = publish_event(event=create_event(plan, by, at=at), by=by, at=at)
    for n, person in enumerate(_with_bonuses(people, least=200, at=at)[:5]):
        wish = Wish(answer=True if n % 2 else None)
        register_for_event(person, event, at=at, wish=wish)


def _with_bonuses(people: Sequence[User], *, least: int, at: datetime) -> list[User]:
    return [one for one in people if balance_of(one.pk, at=at).available >= least]


def _full(business: Business, people: Sequence[User], *, by: User, at: datetime) -> None:
    plan = _plan(business, _evening(at, 9), at) | {
        "title": FULL,
        "description": "Четыре места за одним столом, ужин из пяти блюд и разговор с шеф-поваром.",
        "capacity": 4,
    }
    event = publish_event(event=create_event(plan, by, at=at), by=by, at=at)
    for n, person in enumerate(people[:7]):
        register_for_event(person, event, at=at, wish=Wish(auto_accept=n == 5))


def _idea(people: Sequence[User], *, at: datetime) -> None:
    moderators = [one for one in people if one.tier.code == TierCode.INNER_CIRCLE]
    authors = [one for one in people if one.tier.code in (TierCode.VIP, TierCode.ELITE)]
    if not moderators or not authors:
        return
    author = authors[0]
    text = "Собираемся в субботу в девять утра, занимаемся час и вместе завтракаем неподалёку."
    data = {"title": IDEA, "description": text, "city": "Москва"}
    event = create_event(data, author, at=at)
    event = submit_proposal(event=event, by=author, no_personal_data=True, at=at)
    event = moderate(event=event, action="approve", by=moderators[0], at=at)
    for n, person in enumerate(people[:8]):
        if person != author:
            process_vote(person, event, 0 if n == 3 else 1, at=at)
