"""Offers that add bonuses to a purchase, and the counters of their limits.

* OfferConstructor: one offer of a programme (a partner's own, or the network's for all partners):
  its state, its priority, its newest version.
* OfferVersion: the rule as it stood; an edit writes another one. Funder: who pays which share.
* OfferSpan: from when to when a version was in force. Sales look here and nowhere else, so a
  receipt that comes late earns by the rule of its own moment, however late the clock's jobs run.
* OfferUse: what an offer gave to one accrual, and what it would have given without its caps.
* Counter: how much of a limit is used; unique (scope, period), moved by one conditional update.
* SegmentEntry: named lists of members that an offer may address.
"""

from decimal import Decimal

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from apps.core.ids import end_of, new_id
from apps.loyalty.enums import LIVE_STATES, OfferKind, OfferState
from apps.loyalty.models.ledger import Journal, Wallet


class Counter(models.Model):
    scope = models.CharField(max_length=100)
    period = models.CharField(max_length=10, blank=True, help_text="A day, a month, or for good")
    used = models.BigIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(name="one_counter_per_period", fields=["scope", "period"]),
            models.CheckConstraint(name="counter_not_negative", condition=Q(used__gte=0)),
        ]

    def __str__(self) -> str:
        return f"{self.scope} {self.period}".strip()


class OfferConstructor(models.Model):
    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    business = models.ForeignKey(
        "businesses.Business",
        on_delete=models.PROTECT,
        related_name="+",
        verbose_name=_("business"),
        help_text="Whose programme it belongs to; the network's offers count at every partner",
    )
    state = models.CharField(
        _("state"), max_length=10, choices=OfferState.choices, default=OfferState.DRAFT
    )
    priority = models.PositiveIntegerField(
        pgettext_lazy("offer", "priority"), help_text=_("A higher one comes first")
    )
    current = models.ForeignKey(
        "OfferVersion",
        null=True,
        on_delete=models.PROTECT,
        related_name="+",
        verbose_name=_("version"),
    )
    created_by = models.ForeignKey(
        "accounts.User",
        null=True,
        on_delete=models.PROTECT,
        related_name="+",
        verbose_name=_("created by"),
    )
    created_at = models.DateTimeField(_("created"), default=timezone.now)

    class Meta:
        verbose_name = _("offer")
        verbose_name_plural = _("offers")
        constraints = [
            models.CheckConstraint(
                name="offer_state_known",
                condition=Q(state__in=[state for state, _n in OfferState.choices]),
            ),
            models.UniqueConstraint(
                name="offer_priority_in_programme",
                fields=["business", "priority"],
                condition=~Q(state=OfferState.ENDED),
            ),
        ]
        indexes = [
            models.Index(name="offer_of_business", fields=["business", "-created_at", "-id"]),
            # what the clock moves: those that begin and those that end
            models.Index(
                name="offer_moved_by_clock", fields=["state"], condition=Q(state__in=LIVE_STATES)
            ),
        ]

    def __str__(self) -> str:
        return self.current.name if self.current else str(self.pk)

    @property
    def version(self) -> "OfferVersion":
        """The newest version: every offer is written together with its first one."""
        if self.current is None:
            raise ValueError("An offer without a version.")
        return self.current


class OfferVersion(models.Model):
    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    offer = models.ForeignKey(OfferConstructor, on_delete=models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField(_("version"))
    name = models.CharField(_("name"), max_length=80)
    kind = models.CharField(_("what it gives"), max_length=10, choices=OfferKind.choices)
    value = models.DecimalField(
        _("how much"),
        max_digits=12,
        decimal_places=2,
        help_text=_("Times for a multiplier, % of the sum paid, or bonuses"),
    )
    priority = models.PositiveIntegerField(pgettext_lazy("offer", "priority"))
    exclusive_group = models.CharField(
        _("exclusive group"),
        max_length=40,
        blank=True,
        help_text=_("Of several offers of one group the one with the highest priority applies"),
    )
    starts_at = models.DateTimeField(_("from"))
    ends_at = models.DateTimeField(_("until"))

    tiers = ArrayField(models.CharField(max_length=16), default=list, blank=True)
    segment = models.CharField(_("segment"), max_length=40, blank=True)
    categories = ArrayField(models.CharField(max_length=60), default=list, blank=True)
    weekdays = ArrayField(
        models.PositiveSmallIntegerField(), default=list, blank=True, help_text="1 is Monday"
    )
    hour_from = models.PositiveSmallIntegerField(_("hours from"), null=True, blank=True)
    hour_to = models.PositiveSmallIntegerField(_("hours to"), null=True, blank=True)
    first_purchase = models.BooleanField(_("first purchase only"), default=False)
    birthday_days = models.PositiveSmallIntegerField(
        _("days around the birthday"), null=True, blank=True
    )
    away_days = models.PositiveSmallIntegerField(
        _("not been for, days"),
        null=True,
        blank=True,
        help_text=_("Who bought before, but not within so many days"),
    )
    min_amount = models.DecimalField(
        _("least sum paid, ₽"), max_digits=12, decimal_places=2, default=Decimal("0.00")
    )
    every_nth = models.PositiveSmallIntegerField(_("every n-th purchase"), null=True, blank=True)

    cap_member = models.DecimalField(
        _("most bonuses for one member"), max_digits=12, decimal_places=2, null=True, blank=True
    )
    cap_day = models.DecimalField(
        _("most bonuses a day"), max_digits=12, decimal_places=2, null=True, blank=True
    )
    budget = models.DecimalField(
        _("budget, bonuses"), max_digits=12, decimal_places=2, null=True, blank=True
    )
    edited_by = models.ForeignKey(
        "accounts.User",
        null=True,
        on_delete=models.PROTECT,
        related_name="+",
        verbose_name=_("edited by"),
    )
    created_at = models.DateTimeField(_("written"), default=timezone.now)

    class Meta:
        verbose_name = _("version of an offer")
        verbose_name_plural = _("versions of offers")
        constraints = [
            models.UniqueConstraint(name="offer_version_number", fields=["offer", "number"]),
            models.CheckConstraint(
                name="offer_kind_and_value",
                condition=Q(kind=OfferKind.MULTIPLIER, value__gt=1, value__lte=10)
                | Q(kind=OfferKind.PERCENT, value__gt=0, value__lte=50)
                | Q(kind=OfferKind.FIXED, value__gt=0, value__lte=100_000),
            ),
            models.CheckConstraint(
                name="offer_starts_before_it_ends", condition=Q(starts_at__lt=F("ends_at"))
            ),
            models.CheckConstraint(
                name="offer_hours_of_a_day",
                condition=Q(hour_from__isnull=True, hour_to__isnull=True)
                | Q(hour_from__lte=23, hour_to__gte=1, hour_to__lte=24),
            ),
            models.CheckConstraint(
                name="offer_limits_sane",
                condition=Q(min_amount__gte=0)
                & (Q(cap_member__isnull=True) | Q(cap_member__gt=0))
                & (Q(cap_day__isnull=True) | Q(cap_day__gt=0))
                & (Q(budget__isnull=True) | Q(budget__gt=0))
                & (Q(every_nth__isnull=True) | Q(every_nth__gte=2))
                & (Q(birthday_days__isnull=True) | Q(birthday_days__lte=14)),
            ),
            models.CheckConstraint(
                name="offer_away_days_sane",
                condition=Q(away_days__isnull=True) | Q(away_days__gte=7, away_days__lte=730),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} · {self.number}"


class OfferFunder(models.Model):
    version = models.ForeignKey(OfferVersion, on_delete=models.PROTECT, related_name="funders")
    business = models.ForeignKey(
        "businesses.Business",
        on_delete=models.PROTECT,
        related_name="+",
        verbose_name=_("who pays"),
    )
    position = models.PositiveSmallIntegerField(help_text="The first gets the odd kopeck")
    share_bp = models.PositiveIntegerField(_("share, hundredths of a percent"))

    class Meta:
        verbose_name = _("funder of an offer")
        verbose_name_plural = _("funders of offers")
        constraints = [
            models.UniqueConstraint(name="offer_funder_once", fields=["version", "business"]),
            models.UniqueConstraint(name="offer_funder_order", fields=["version", "position"]),
            models.CheckConstraint(
                name="offer_funder_share", condition=Q(share_bp__gt=0, share_bp__lte=10_000)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.business} {self.share_bp / 100:g} %"


class OfferSpan(models.Model):
    offer = models.ForeignKey(OfferConstructor, on_delete=models.PROTECT, related_name="spans")
    version = models.ForeignKey(OfferVersion, on_delete=models.PROTECT, related_name="spans")
    business = models.ForeignKey("businesses.Business", on_delete=models.PROTECT, related_name="+")
    since = models.DateTimeField(_("since"))
    until = models.DateTimeField(_("until"))

    class Meta:
        verbose_name = _("time in force")
        verbose_name_plural = _("times in force")
        constraints = [
            models.CheckConstraint(name="offer_span_forward", condition=Q(since__lte=F("until")))
        ]
        indexes = [
            # every sale asks for what is in force at its moment
            models.Index(name="offer_span_in_force", fields=["business", "until", "since"]),
        ]

    def __str__(self) -> str:
        return f"{self.since:%d.%m.%Y} – {self.until:%d.%m.%Y}"


class OfferUse(models.Model):
    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    offer = models.ForeignKey(OfferConstructor, on_delete=models.PROTECT, related_name="uses")
    version = models.ForeignKey(OfferVersion, on_delete=models.PROTECT, related_name="uses")
    wallet = models.ForeignKey(Wallet, on_delete=models.PROTECT, related_name="+")
    journal = models.ForeignKey(Journal, on_delete=models.PROTECT, related_name="offer_uses")
    wanted = models.BigIntegerField(_("without caps, kopecks"))
    granted = models.BigIntegerField(_("given, kopecks"))
    # null, not "": unique lets nulls repeat
    once_key = models.CharField(  # noqa: DJ001
        max_length=100, null=True, unique=True, help_text="First purchase; birthday and year"
    )
    at = models.DateTimeField(_("occurred"))

    class Meta:
        verbose_name = _("use of an offer")
        verbose_name_plural = _("uses of offers")
        constraints = [
            models.UniqueConstraint(name="offer_once_per_accrual", fields=["offer", "journal"]),
            models.CheckConstraint(
                name="offer_gives_at_most_wanted",
                condition=Q(granted__gte=0, granted__lte=F("wanted")),
            ),
        ]
        indexes = [models.Index(name="offer_use_of_member", fields=["wallet", "offer"])]

    def __str__(self) -> str:
        return f"№{end_of(self.pk)}"


class SegmentEntry(models.Model):
    code = models.CharField(_("segment"), max_length=40)
    member = models.ForeignKey(
        "accounts.User", on_delete=models.CASCADE, related_name="+", verbose_name=_("member")
    )
    added_at = models.DateTimeField(_("added"), default=timezone.now)

    class Meta:
        verbose_name = _("member of a segment")
        verbose_name_plural = _("members of segments")
        constraints = [
            models.UniqueConstraint(name="member_once_in_segment", fields=["member", "code"])
        ]
        indexes = [models.Index(name="segment_by_code", fields=["code"])]

    def __str__(self) -> str:
        return f"№{self.pk}"
