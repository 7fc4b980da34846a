"""What the clock asks: take back what a worker lost, ask after silent SMS, forget, digest."""

from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from uuid import UUID

from django.db import transaction
from django.db.models import Count

from apps.accounts import queries as accounts
from apps.accounts.enums import ConsentPurpose
from apps.accounts.models import User
from apps.accounts.services import written_reason
from apps.core import audit
from apps.core.gateways import messages
from apps.notifications.bell import ring_after_commit
from apps.notifications.drafts import Draft
from apps.notifications.enums import State, TryState
from apps.notifications.models import Attempt, Callback, Notification
from apps.notifications.services.news import hear
from apps.notifications.services.writing import write
from apps.notifications.words import Library

CALLBACKS_KEPT = timedelta(days=30)
INBOX_KEPT = timedelta(days=365)
SILENT_FOR, ASK_FOR = timedelta(hours=1), timedelta(days=2)
DIGEST_LINES = 5
DIGEST_BATCH = 500


@transaction.atomic
def release_stuck(*, at: datetime) -> int:
    """What a worker took and never gave back was perhaps sent. It goes again only where the
    receiver can tell a repeat by its id; how many were found."""
    rows = list(
        Notification.objects.select_for_update(skip_locked=True)
        .filter(state=State.SENDING, due_at__lte=at)
        .order_by("pk")[:1000]
    )
    again: list[Notification] = []
    unclear: list[Notification] = []
    for one in rows:
        client = messages.of_channel(one.channel)
        (again if client and client.repeatable else unclear).append(one)
    for found, state in ((again, State.WAITING), (unclear, State.UNKNOWN)):
        Notification.objects.filter(pk__in=[one.pk for one in found]).update(
            state=state, due_at=at, trouble="lost"
        )
    ring_after_commit(one.priority for one in again)
    return len(rows)


def ask_after_silent(*, at: datetime) -> int:
    """Callbacks get lost: ask the provider what became of what it has been silent about."""
    told = 0
    silent = Attempt.objects.filter(
        state=TryState.SENT, at__lte=at - SILENT_FOR, at__gte=at - ASK_FOR
    ).exclude(reference="")
    for name in list(silent.order_by().values_list("provider", flat=True).distinct()):
        client = messages.named(name)
        references = list(silent.filter(provider=name).values_list("reference", flat=True)[:1000])
        for start in range(0, len(references), 100):
            news = client.ask(references[start : start + 100]) if client else []
            told += hear(provider=name, news=news, at=at)
    return told


def forget_old(*, at: datetime) -> None:
    """Retention: callbacks 30 days, messages a year."""
    Callback.objects.filter(at__lt=at - CALLBACKS_KEPT).delete()
    Notification.objects.filter(created_at__lt=at - INBOX_KEPT).exclude(
        state__in=[State.WAITING, State.SENDING]
    ).delete()


@transaction.atomic
def retry_failed(*, ids: list[UUID], by: User | None, reason: str, at: datetime) -> int:
    """Give dead letters another life on their last channel; how many. Raises ReasonMissing."""
    reason = written_reason("messages.retry", reason, by=by)
    rows = Notification.objects.select_for_update().filter(
        pk__in=ids, state__in=[State.FAILED, State.EXPIRED]
    )
    found = list(rows.order_by("pk"))
    for one in found:
        Notification.objects.filter(pk=one.pk).update(
            state=State.WAITING,
            due_at=at,
            tries=0,
            trying_since=None,
            expires_at=max(one.expires_at, at + timedelta(hours=1)),
        )
        audit.record(by, "notifications.retry", "notification", one.pk, reason=reason)
    ring_after_commit(one.priority for one in found)
    return len(found)


def write_digests(*, at: datetime) -> int:
    """One letter a week about what the last seven days brought, to those who agreed to letters
    and have something to read; how many were written."""
    year, week, _day = at.isocalendar()
    since = at - timedelta(days=7)
    busy = (
        Notification.objects.filter(in_app=True, created_at__gte=since)
        .values("member_id")
        .annotate(count=Count("pk"))
        .order_by("member_id")
        .values_list("member_id", flat=True)
    )
    written, people = 0, list(busy)
    for start in range(0, len(people), DIGEST_BATCH):
        some = people[start : start + DIGEST_BATCH]
        agreed = accounts.standing_consents(some, ConsentPurpose.MARKETING_EMAIL)
        drafts = _digests([one for one in some if one in agreed], since=since)
        written += write(drafts=drafts, source=f"{year}-W{week:02d}", at=at)
    return written


def _digests(people: list[UUID], *, since: datetime) -> list[Draft]:
    rows = Notification.objects.filter(member__in=people, in_app=True, created_at__gte=since)
    rows = rows.select_related("member", "business", "broadcast").order_by("-created_at")
    by_member: dict[str, list[Notification]] = {}
    for row in rows:
        by_member.setdefault(str(row.member_id), []).append(row)
    words = Library()
    return [
        Draft("weekly_digest", member_id, _digest(mine, words))
        for member_id, mine in sorted(by_member.items())
    ]


EARNING = {"bonus_accrued", "bonus_spent"}


def _digest(mine: list[Notification], words: Library) -> dict[str, object]:
    """Titles alone: they name no clinic to a mail server."""
    language = mine[0].member.locale
    lines = [words.of(one, language=language, outside=True).title for one in mine[:DIGEST_LINES]]
    earned = sum((_sum(one) for one in mine if one.kind in EARNING), Decimal())
    shown = "\n".join(f"— {line}" for line in lines)
    return {"earned": f"{earned:.2f}", "count": len(mine), "lines": shown}


def _sum(one: Notification) -> Decimal:
    try:
        return Decimal(str(one.values.get("bonus", "0")))
    except InvalidOperation:
        return Decimal()
