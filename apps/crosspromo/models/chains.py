from datetime import datetime
from decimal import Decimal
from typing import Self

import pgtrigger
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from apps.businesses.models import State
from apps.core.ids import new_id
from apps.crosspromo.enums import Bearer, ChainState, Fork, Topology, VersionState

ZERO = Decimal("0.00")


class Chain(models.Model):
    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    name = models.CharField(_("name"), max_length=120)
    topology = models.CharField(_("shape"), max_length=8, choices=Topology.choices)
    owner = models.ForeignKey(
        "businesses.Business",
        null=True,
        on_delete=models.PROTECT,
        related_name="+",
        verbose_name=_("proposed by"),
        help_text=_("Empty: the network"),
    )
    state = models.CharField(
        _("state"), max_length=10, choices=ChainState.choices, default=ChainState.PROPOSED
    )
    revision = models.PositiveIntegerField(_("revision"), default=1)
    stop_at = models.DateTimeField(_("stops"), null=True, help_text=_("A partner gave notice"))
    created_by = models.ForeignKey(
        "accounts.User",
        null=True,
        on_delete=models.PROTECT,
        related_name="+",
        verbose_name=_("made by"),
    )
    created_at = models.DateTimeField(_("made"), default=timezone.now)

    class Meta:
        verbose_name = _("cross-promo chain")
        verbose_name_plural = _("cross-promo chains")
        constraints = [
            models.CheckConstraint(
                name="chain_state_known",
                condition=Q(state__in=[code for code, _name in ChainState.choices]),
            ),
            models.CheckConstraint(
                name="chain_topology_known",
                condition=Q(topology__in=[code for code, _name in Topology.choices]),
            ),
        ]
        indexes = [models.Index(name="chain_newest", fields=["-created_at", "-id"])]

    def __str__(self) -> str:
        return self.name

    @property
    def etag(self) -> str:
        return f'"{self.revision}"'


class Version(models.Model):
    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    chain = models.ForeignKey(
        Chain, on_delete=models.PROTECT, related_name="versions", verbose_name=_("chain")
    )
    number = models.PositiveSmallIntegerField(_("version"))
    state = models.CharField(
        _("state"), max_length=10, choices=VersionState.choices, default=VersionState.PROPOSED
    )
    fork = models.CharField(
        _("coupons that count"), max_length=8, choices=Fork.choices, default=Fork.ALL
    )
    bearer = models.CharField(
        _("who pays after a return"), max_length=8, choices=Bearer.choices, default=Bearer.SENDER
    )
    holdout_percent = models.PositiveSmallIntegerField(_("held out, %"), default=10)
    cooldown_days = models.PositiveSmallIntegerField(_("days between runs of a guest"), default=30)
    depth_limit = models.PositiveSmallIntegerField(_("runs in a row at most"), default=2)
    return_days = models.PositiveSmallIntegerField(
        _("days for returns before the next step"), default=14
    )
    budget = models.ForeignKey(
        "coupons.Budget", null=True, on_delete=models.PROTECT, related_name="+"
    )
    starts_at = models.DateTimeField(_("from"))
    ends_at = models.DateTimeField(_("until"))
    created_at = models.DateTimeField(_("written"), default=timezone.now)
    published_at = models.DateTimeField(_("live since"), null=True)

    class Meta:
        verbose_name = _("version of a chain")
        verbose_name_plural = _("versions of chains")
        constraints = [
            models.UniqueConstraint(name="one_version_per_number", fields=["chain", "number"]),
            models.UniqueConstraint(
                name="one_live_version",
                fields=["chain"],
                condition=Q(state=VersionState.LIVE),
            ),
            models.UniqueConstraint(
                name="one_proposed_version",
                fields=["chain"],
                condition=Q(state=VersionState.PROPOSED),
            ),
            models.CheckConstraint(
                name="version_state_known",
                condition=Q(state__in=[code for code, _name in VersionState.choices]),
            ),
            models.CheckConstraint(
                name="version_ends_after_start", condition=Q(ends_at__gt=F("starts_at"))
            ),
            models.CheckConstraint(
                name="chain_holdout_at_most_half", condition=Q(holdout_percent__lte=50)
            ),
            models.CheckConstraint(
                name="live_version_has_time",
                condition=~Q(state=VersionState.LIVE) | Q(published_at__isnull=False),
            ),
        ]
        triggers = [
            pgtrigger.ReadOnly(
                name="version_terms_frozen",
                fields=[
                    "chain",
                    "number",
                    "fork",
                    "bearer",
                    "holdout_percent",
                    "cooldown_days",
                    "depth_limit",
                    "return_days",
                    "budget",
                    "starts_at",
                    "ends_at",
                ],
            )
        ]

    def __str__(self) -> str:
        return f"{self.chain} №{self.number}"


class StepQuerySet(models.QuerySet["Step"]):
    def live(self, *, at: datetime) -> Self:
        """Steps whose coupons are given at this moment."""
        return self.filter(
            Q(version__chain__stop_at__isnull=True) | Q(version__chain__stop_at__gt=at),
            version__state=VersionState.LIVE,
            version__chain__state=ChainState.LIVE,
            version__starts_at__lte=at,
            version__ends_at__gt=at,
            to_business__state=State.ACTIVE,
        )


class Step(models.Model):
    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    version = models.ForeignKey(Version, on_delete=models.PROTECT, related_name="steps")
    number = models.PositiveSmallIntegerField(_("step"))
    from_business = models.ForeignKey(
        "businesses.Business", on_delete=models.PROTECT, related_name="+", verbose_name=_("from")
    )
    to_business = models.ForeignKey(
        "businesses.Business", on_delete=models.PROTECT, related_name="+", verbose_name=_("to")
    )
    campaign = models.OneToOneField(
        "coupons.Campaign", on_delete=models.PROTECT, related_name="+", verbose_name=_("coupon")
    )
    min_amount = models.DecimalField(
        _("purchase from, ₽"), max_digits=12, decimal_places=2, default=ZERO
    )
    category = models.CharField(_("category of a line"), max_length=60, blank=True)
    every_nth = models.PositiveSmallIntegerField(_("every n-th purchase"), null=True)
    first_visit = models.BooleanField(_("first purchase only"), default=False)
    delay_hours = models.PositiveSmallIntegerField(_("good after, hours"), default=0)

    objects = StepQuerySet.as_manager()

    class Meta:
        verbose_name = _("step of a chain")
        verbose_name_plural = _("steps of chains")
        constraints = [
            models.UniqueConstraint(name="one_step_per_number", fields=["version", "number"]),
            models.CheckConstraint(
                name="step_leads_elsewhere", condition=~Q(from_business=F("to_business"))
            ),
            models.CheckConstraint(
                name="every_nth_from_two", condition=Q(every_nth__isnull=True) | Q(every_nth__gte=2)
            ),
        ]
        indexes = [models.Index(name="step_by_sender", fields=["from_business", "version"])]
        triggers = [
            pgtrigger.Protect(name="step_frozen", operation=pgtrigger.Update | pgtrigger.Delete)
        ]

    def __str__(self) -> str:
        return f"{self.from_business} → {self.to_business}"


class Acceptance(models.Model):
    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    version = models.ForeignKey(Version, on_delete=models.CASCADE, related_name="acceptances")
    business = models.ForeignKey(
        "businesses.Business", on_delete=models.PROTECT, related_name="+", verbose_name=_("partner")
    )
    by = models.ForeignKey(
        "accounts.User",
        null=True,
        on_delete=models.PROTECT,
        related_name="+",
        verbose_name=_("accepted by"),
    )
    at = models.DateTimeField(_("accepted"))

    class Meta:
        verbose_name = _("acceptance")
        verbose_name_plural = _("acceptances")
        constraints = [
            models.UniqueConstraint(
                name="one_acceptance_per_partner", fields=["version", "business"]
            )
        ]

    def __str__(self) -> str:
        return str(self.business)
