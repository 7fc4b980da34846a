"""What providers tell us later: delivered, opened, bounced, complained. Order is not kept, repeats
are common: each piece of news is heard once, and no state goes back."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import F

from apps.accounts.models import User
from apps.core.gateways.messages import News
from apps.notifications.enums import State, TryState
from apps.notifications.models import Attempt, Callback, Notification
from apps.notifications.services import settling
from apps.notifications.services.inbox import tell_moved
from apps.notifications.services.leaving import withdraw

# How far an attempt has come; news of an earlier stage change nothing.
RANK = {
    TryState.BARRED: 0,
    TryState.REFUSED: 0,
    TryState.UNKNOWN: 1,
    TryState.SENT: 1,
    TryState.DELIVERED: 2,
    TryState.OPENED: 3,
}
GOOD = {"delivered": TryState.DELIVERED, "opened": TryState.OPENED}


@transaction.atomic
def hear(*, provider: str, news: Sequence[News], at: datetime) -> int:
    """Take in what a provider told; how much of it was new."""
    keys = {one.key: one for one in news}
    if not keys:
        return 0
    known = set(
        Callback.objects.filter(provider=provider, key__in=keys).values_list("key", flat=True)
    )
    fresh = 0
    for key in sorted(set(keys) - known):
        # Two copies at once: the unique pair lets one in, the other waits and finds it there.
        _row, made = Callback.objects.get_or_create(provider=provider, key=key, defaults={"at": at})
        if made:
            fresh += 1
            _take_in(provider, keys[key], at=at)
    return fresh


def _take_in(provider: str, news: News, *, at: datetime) -> None:
    attempt = _attempt_of(provider, news)
    if attempt is None:
        return
    message = attempt.notification
    if news.cost is not None:
        _correct_cost(attempt, kopecks=int(news.cost * 100))
    if news.state in GOOD:
        _moved(attempt, message, GOOD[news.state], code=news.code, at=at)
        return
    if news.state in ("gone", "complaint"):
        settling.suppress(message, channel=attempt.channel, reason=news.code, at=at)
    if news.state in ("complaint", "unsubscribed"):
        _stop_adverts(message.member, attempt.channel, key=news.key, at=at)
    if news.state in ("gone", "failed"):
        _did_not_arrive(attempt, message, code=news.code, at=at)


def _attempt_of(provider: str, news: News) -> Attempt | None:
    """By our own id where the provider gives it back, else by its id."""
    rows = Attempt.objects.select_for_update(of=("self",)).filter(provider=provider)
    rows = rows.select_related("notification__member", "notification__broadcast")
    if news.attempt:
        try:
            return rows.filter(pk=UUID(news.attempt)).first()
        except ValueError:
            return None
    return rows.filter(reference=news.reference).first() if news.reference else None


def _moved(
    attempt: Attempt, message: Notification, state: TryState, *, code: str, at: datetime
) -> None:
    if RANK[state] <= RANK[TryState(attempt.state)]:
        return
    Attempt.objects.filter(pk=attempt.pk).update(state=state, code=code[:40], moved_at=at)
    if message.state == State.OPENED or message.state == state:
        return
    Notification.objects.filter(pk=message.pk).update(
        state=state.value, channel=attempt.channel, trouble=""
    )
    message.channel = attempt.channel
    tell_moved(message, member_id=message.member_id, state=state.value, at=at)


def _did_not_arrive(attempt: Attempt, message: Notification, *, code: str, at: datetime) -> None:
    """The next channel carries it, unless it has arrived some other way or is out of date."""
    if RANK[TryState(attempt.state)] > 1 or attempt.state == TryState.REFUSED:
        return
    Attempt.objects.filter(pk=attempt.pk).update(
        state=TryState.REFUSED, code=code[:40], moved_at=at
    )
    if message.state in (State.SENT, State.UNKNOWN) and message.channel == attempt.channel:
        late = message.expires_at <= at
        trouble = f"{attempt.provider} {code}"
        if late:
            message.rest = ""
        settling.pass_on([message], at=at, otherwise=State.FAILED, trouble=trouble[:80])


def _stop_adverts(member: User, channel: str, *, key: str, at: datetime) -> None:
    if member.erased_at is None:
        withdraw(member=member, channel=channel, proof=f"provider:{key}"[:80], at=at)


def _correct_cost(attempt: Attempt, *, kopecks: int) -> None:
    change = kopecks - attempt.cost
    if change:
        Attempt.objects.filter(pk=attempt.pk).update(cost=kopecks)
        rows = Notification.objects.filter(pk=attempt.notification_id)
        rows.update(cost=F("cost") + change)
