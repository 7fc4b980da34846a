from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from apps.accounts.models import User
from apps.events.enums import Kind, State
from apps.events.models import Event, EventRegistration
from apps.events.services import (
    create_event,
    moderate,
    publish_event,
    register_for_event,
    submit_proposal,
)
from tests.factories.accounts import UserFactory


def planned(at: datetime, **given: Any) -> dict[str, Any]:
    """Everything that the checklist asks for, ten days ahead."""
    return {
        "title": "Вечер у камина",
        "description": "Читаем вслух, пьём чай и говорим о книгах до позднего вечера.",
        "city": "Москва",
        "starts_at": at + timedelta(days=10),
        "ends_at": at + timedelta(days=10, hours=3),
        "opens_at": at - timedelta(hours=1),
        "closes_at": at + timedelta(days=9, hours=22),
        "place": "Лисичкино",
        "address": "Покровка, 1",
        "capacity": 20,
        "contact": "Ольга, +7 495 000-00-00",
        "notes": "нет",
    } | given


def published(*, at: datetime | None = None, **given: Any) -> Event:
    """A live curated event; `capacity`, `price` and all else on request."""
    at = at or timezone.now()
    admin = given.pop("by", None) or UserFactory(job="admin")
    event = create_event(planned(at, **given), admin, at=at)
    return publish_event(event=event, by=admin, at=at)


def proposal(*, creator: User | None = None, at: datetime | None = None, **given: Any) -> Event:
    at = at or timezone.now()
    creator = creator or UserFactory(tier_code="vip")
    data = {
        "title": "Поход за грибами",
        "description": "Встречаемся на станции в девять утра, вернёмся к обеду с корзинами.",
        "city": "Москва",
    }
    return create_event(data | given, creator, at=at)


def submitted(**given: Any) -> Event:
    at = given.get("at") or timezone.now()
    event = proposal(**given)
    return submit_proposal(event=event, by=event.creator, no_personal_data=True, at=at)


def in_voting(**given: Any) -> Event:
    at = given.get("at") or timezone.now()
    moderator = given.pop("moderator", None) or UserFactory(tier_code="inner_circle")
    return moderate(event=submitted(**given), action="approve", by=moderator, at=at)


def comes(
    event: Event, member: User | None = None, at: datetime | None = None
) -> EventRegistration:
    return register_for_event(member or UserFactory(), event, at=at or timezone.now())


__all__ = ["Kind", "State", "comes", "in_voting", "planned", "proposal", "published", "submitted"]
