from datetime import datetime, timedelta
from typing import Any, Self

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from apps.core.ids import new_id
from apps.events import rules
from apps.events.enums import OPEN_PROPOSAL, Kind, State

SHOWN = (
    State.VOTING,
    State.THRESHOLD_REACHED,
    State.SCHEDULED,
    State.PUBLISHED,
    State.COMPLETED,
)


class EventQuerySet(models.QuerySet["Event"]):
    def shown_to_members(self, *, at: datetime) -> Self:
        """What any member may see. A cancelled one stays for 30 days, so that nobody wonders."""
        lately = Q(state=State.CANCELLED, published_at__isnull=False)
        return self.filter(Q(state__in=SHOWN) | lately & Q(ended_at__gte=at - timedelta(days=30)))

    def open_proposals_of(self, member_id: Any) -> Self:
        return self.filter(creator_id=member_id, kind=Kind.PROPOSAL, state__in=OPEN_PROPOSAL)


class Event(models.Model):
    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    kind = models.CharField(_("kind"), max_length=10, choices=Kind.choices)
    state = models.CharField(
        _("state"), max_length=20, choices=State.choices, default=State.DRAFT, editable=False
    )
    title = models.CharField(_("title"), max_length=120)
    description = models.TextField(_("description"), max_length=4000)
    city = models.CharField(_("city"), max_length=60, blank=True)
    business = models.ForeignKey(
        "businesses.Business",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        verbose_name=_("host partner"),
        help_text=_("Takes the bonuses paid for seats; its staff check tickets"),
    )
    creator = models.ForeignKey(
        "accounts.User",
        null=True,
        blank=True,
        editable=False,
        on_delete=models.SET_NULL,
        related_name="+",
        verbose_name=_("author"),
    )
    co_authors = models.ManyToManyField(
        "accounts.User", blank=True, related_name="+", verbose_name=_("co-authors")
    )
    # when and where
    zone = models.CharField(_("time zone"), max_length=40, default="Europe/Moscow")
    starts_at = models.DateTimeField(_("starts"), null=True, blank=True)
    ends_at = models.DateTimeField(_("ends"), null=True, blank=True)
    place = models.CharField(_("place"), max_length=120, blank=True)
    address = models.CharField(
        _("address or link"),
        max_length=300,
        blank=True,
        help_text=_("Shown only to those whose seat is confirmed"),
    )
    # registration
    opens_at = models.DateTimeField(_("registration opens"), null=True, blank=True)
    closes_at = models.DateTimeField(_("registration closes"), null=True, blank=True)
    capacity = models.PositiveSmallIntegerField(
        _("seats"), default=0, validators=[MaxValueValidator(2000)]
    )
    guests_allowed = models.BooleanField(_("a guest may be brought"), default=False)
    price = models.DecimalField(
        _("price, bonuses"),
        max_digits=8,
        decimal_places=2,
        default=0,
        validators=[MinValueValidator(0)],
    )
    deposit = models.BooleanField(
        _("the price is a deposit"),
        default=False,
        help_text=_("Set aside, given back at the door, kept from those who do not come"),
    )
    free_cancel_hours = models.PositiveSmallIntegerField(
        _("free cancelling, hours before the start"), default=24
    )
    late_return_percent = models.PositiveSmallIntegerField(
        _("returned after a late cancelling, %"), default=0, validators=[MaxValueValidator(100)]
    )
    attendance_bonus = models.DecimalField(
        _("bonus for coming"), max_digits=8, decimal_places=2, default=0
    )
    contact = models.CharField(_("contact for guests"), max_length=120, blank=True)
    notes = models.CharField(
        _("age and health notes"),
        max_length=300,
        blank=True,
        help_text=_("18+, allergies, stairs; «none» when there is nothing to say"),
    )
    question = models.CharField(
        _("question to every guest"),
        max_length=160,
        blank=True,
        help_text=_(
            "Yes or no, such as a consent to photos; who has not answered is asked on entry"
        ),
    )
    # voting: rules are copied here when it opens and do not change afterwards
    need_points = models.PositiveIntegerField(null=True, editable=False)
    need_voters = models.PositiveIntegerField(null=True, editable=False)
    weights = models.JSONField(default=dict, editable=False)  # tier → weight, as of the opening
    voting_from = models.DateTimeField(null=True, editable=False)
    voting_until = models.DateTimeField(null=True, editable=False)
    results_hidden = models.BooleanField(_("results are hidden until the close"), default=False)
    no_personal_data = models.BooleanField(default=False, editable=False)
    submitted_at = models.DateTimeField(null=True, editable=False)
    rounds = models.PositiveSmallIntegerField(default=0, editable=False)
    appealed = models.BooleanField(default=False, editable=False)
    resubmitted = models.BooleanField(default=False, editable=False)
    supported_at = models.DateTimeField(null=True, editable=False)
    # life
    published_at = models.DateTimeField(null=True, editable=False)
    ended_at = models.DateTimeField(null=True, editable=False)
    end_reason = models.CharField(max_length=500, blank=True, editable=False)
    finalised_at = models.DateTimeField(null=True, editable=False)
    felt_at = models.DateTimeField(null=True, editable=False)  # time or place became another
    revision = models.PositiveIntegerField(default=0, editable=False)  # SEQUENCE of the calendar
    version = models.PositiveIntegerField(default=1, editable=False)  # ETag
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = EventQuerySet.as_manager()

    class Meta:
        verbose_name = _("event")
        verbose_name_plural = _("events")
        constraints = [
            models.CheckConstraint(
                name="circle_event_state_known",
                condition=Q(state__in=[code for code, _name in State.choices]),
            ),
            models.CheckConstraint(
                name="circle_event_kind_known",
                condition=Q(kind__in=[code for code, _name in Kind.choices]),
            ),
            models.CheckConstraint(
                name="event_starts_before_it_ends",
                condition=Q(starts_at__isnull=True)
                | Q(ends_at__isnull=True)
                | Q(starts_at__lt=F("ends_at")),
            ),
            models.CheckConstraint(
                name="event_sums_not_negative",
                condition=Q(price__gte=0, attendance_bonus__gte=0, late_return_percent__lte=100),
            ),
            models.CheckConstraint(
                name="event_published_is_whole",
                condition=~Q(state__in=[State.PUBLISHED, State.COMPLETED])
                | Q(
                    starts_at__isnull=False,
                    ends_at__isnull=False,
                    opens_at__isnull=False,
                    closes_at__isnull=False,
                    capacity__gte=1,
                ),
            ),
            models.CheckConstraint(
                name="event_vote_has_frozen_rules",
                condition=~Q(state__in=[State.VOTING, State.THRESHOLD_REACHED])
                | Q(
                    need_points__isnull=False, need_voters__isnull=False, voting_until__isnull=False
                ),
            ),
        ]
        indexes = [
            models.Index(name="event_list", fields=["-created_at", "-id"]),
            models.Index(name="event_calendar", fields=["starts_at"]),
            models.Index(
                name="event_queue",
                fields=["submitted_at"],
                condition=Q(state=State.SUBMITTED),
            ),
            models.Index(name="event_of_author", fields=["creator"]),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def is_early(self) -> bool:
        """Supporters of a proposal register a day before everybody."""
        return self.kind == Kind.PROPOSAL

    @property
    def times(self) -> rules.Times:
        """For rules.phase_of. Raises ValueError for an event without its moments."""
        opens, closes, starts, ends = self.opens_at, self.closes_at, self.starts_at, self.ends_at
        if not (opens and closes and starts and ends):
            raise ValueError("only a planned event has phases")
        early = opens - timedelta(hours=rules.EARLY_HOURS) if self.is_early else None
        return rules.Times(opens, early, closes, starts, ends)

    @property
    def free_until(self) -> datetime:
        """Until when cancelling costs nothing; 48 h after another time or place in any case."""
        usual = self.times.starts_at - timedelta(hours=self.free_cancel_hours)
        if self.felt_at is None:
            return usual
        return max(usual, min(self.felt_at + timedelta(hours=48), self.times.starts_at))

    @property
    def final_at(self) -> datetime:
        """When attendance, its bonus and deposits become final: the end, two hours, a day."""
        hours = rules.OVER_HOURS + rules.GRACE_HOURS
        return self.times.ends_at + timedelta(hours=hours)

    @property
    def etag(self) -> str:
        return f'"{self.version}"'


class EventChange(models.Model):
    """A move of the state, or an edit that registrants feel (`before` and `after` are equal)."""

    event = models.ForeignKey(Event, on_delete=models.CASCADE, related_name="changes")
    before = models.CharField(_("before"), max_length=20, blank=True)
    after = models.CharField(_("after"), max_length=20)
    by = models.ForeignKey(
        "accounts.User",
        null=True,
        on_delete=models.SET_NULL,
        related_name="+",
        verbose_name=_("by"),
    )
    reason = models.CharField(_("reason"), max_length=500, blank=True)
    snapshot = models.JSONField(default=dict)  # what stood there before an edit
    at = models.DateTimeField(_("at"))

    class Meta:
        verbose_name = _("change of an event")
        verbose_name_plural = _("changes of events")
        indexes = [models.Index(name="event_change_of", fields=["event", "id"])]

    def __str__(self) -> str:
        return f"{self.before} → {self.after}"
