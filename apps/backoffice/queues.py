"""What waits for a person, queue by queue: how much, since when, until when it was promised."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Min, QuerySet
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from apps.accounts import rights
from apps.accounts.enums import JobRequestState, RequestState
from apps.accounts.models import JobRequest, PrivacyRequest, User
from apps.accounts.models.job_requests import LIVES
from apps.businesses import requisites
from apps.businesses.models import State as BusinessState
from apps.businesses.queries import partners
from apps.core.models import Delivery
from apps.crm.enums import RecordState
from apps.crm.models import ExternalRecord
from apps.events import queries as events
from apps.events import rules as event_rules
from apps.events.enums import State as EventState
from apps.events.models import Event
from apps.loyalty.enums import OfferState
from apps.loyalty.models import Adjustment, AdjustmentState, OfferConstructor
from apps.notifications.enums import BroadcastState
from apps.notifications.models import Broadcast
from apps.transactions.models import FraudFlag

MODERATION = timedelta(hours=48)  # events.md: the clock of a proposal
SECOND_WORD = timedelta(hours=24)
SUSPICION = timedelta(days=3)
QUARANTINE = timedelta(days=7)
AT_ONCE = timedelta(0)


@dataclass(frozen=True)
class Queue:
    """`due` is when the oldest one should have been answered; None when nothing waits."""

    name: str | Promise
    url: str
    count: int
    oldest: datetime | None
    due: datetime | None

    def is_late(self, at: datetime) -> bool:
        return self.due is not None and self.due <= at


def queues_of(user: User, *, at: datetime) -> list[Queue]:
    """Her queues, overdue ones first, empty ones last; a statement for each, whatever waits."""
    groups = rights.held(job=user.job, tier=user.tier.code)
    found = [_proposals(user, at=at)]
    if rights.ADMIN in groups:
        found += _of_admins(at=at)
    if rights.SUPERADMIN in groups:
        found.append(_roles(at=at))
    ever = at + timedelta(days=9999)
    return sorted(found, key=lambda one: (not one.count, one.due or ever))


def _queue(
    name: str | Promise, url: str, rows: QuerySet, moment: str, promised: timedelta
) -> Queue:
    told = rows.order_by().aggregate(count=Count("pk"), oldest=Min(moment))
    oldest = told["oldest"]
    return Queue(name, url, told["count"], oldest, oldest + promised if oldest else None)


def _page(name: str) -> str:
    return reverse(f"backoffice:{name}")


def _proposals(user: User, *, at: datetime) -> Queue:
    rows = events.queue(user, at=at)
    return _queue(_("Proposals of events"), _page("proposals"), rows, "submitted_at", MODERATION)


def _roles(*, at: datetime) -> Queue:
    rows = JobRequest.objects.filter(state=JobRequestState.OPEN, asked_at__gt=at - LIVES)
    return _queue(_("Requests for roles"), _page("roles"), rows, "asked_at", SECOND_WORD)


def _of_admins(*, at: datetime) -> Iterator[Queue]:
    second = _page("decisions")
    asked = Adjustment.objects.filter(state=AdjustmentState.WAITING)
    offers = OfferConstructor.objects.filter(state=OfferState.REVIEW)
    sent = Broadcast.objects.filter(state=BroadcastState.ASKED)
    yield _queue(
        _("Adjustments above the limit"), f"{second}#adjustments", asked, "asked_at", SECOND_WORD
    )
    yield _queue(
        _("Offers that want approval"), f"{second}#offers", offers, "created_at", SECOND_WORD
    )
    yield _queue(
        _("Broadcasts that want a second person"),
        f"{second}#broadcasts",
        sent,
        "created_at",
        SECOND_WORD,
    )
    yield _supported()
    flags = FraudFlag.objects.filter(settled_at__isnull=True)
    yield _queue(_("Suspicions"), _page("fraud"), flags, "at", SUSPICION)
    aside = ExternalRecord.objects.filter(state=RecordState.QUARANTINE)
    yield _queue(
        _("Records of CRMs put aside"), _page("integrations"), aside, "seen_at", QUARANTINE
    )
    yield _privacy()
    dead = Delivery.objects.filter(state=Delivery.State.DEAD)
    yield _queue(_("Messages given up"), _page("jobs"), dead, "due_at", AT_ONCE)
    yield _queue(
        _("Requisites to compare"),
        _page("onboarding"),
        requisites.waiting(),
        "asked_at",
        timedelta(days=3),
    )
    new = partners().filter(state=BusinessState.SUSPENDED)
    yield _queue(
        _("Partners to be opened"), _page("onboarding"), new, "created_at", timedelta(days=14)
    )


def _supported() -> Queue:
    """Supported proposals: the curator takes them on or declines."""
    state = EventState.THRESHOLD_REACHED
    rows = Event.objects.filter(state=state)
    url = f"{reverse('admin:events_event_changelist')}?state__exact={state}"
    promised = timedelta(days=event_rules.DECIDE_DAYS)
    return _queue(_("Supported proposals for the curator"), url, rows, "supported_at", promised)


def _privacy() -> Queue:
    """The law's own day counts here, not the age."""
    rows = PrivacyRequest.objects.filter(state=RequestState.OPEN)
    told = rows.aggregate(count=Count("pk"), oldest=Min("received_at"), due=Min("due_at"))
    return Queue(
        _("Requests about personal data"),
        _page("privacy"),
        told["count"],
        told["oldest"],
        told["due"],
    )
