from decimal import Decimal

import pgtrigger
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from apps.core.ids import new_id
from apps.coupons import rules
from apps.coupons.enums import Audience, Base, Benefit, CampaignState

ZERO = Decimal("0.00")


class Budget(models.Model):
    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    cap = models.DecimalField(_("cap, ₽"), max_digits=12, decimal_places=2)
    reserved = models.DecimalField(_("reserved, ₽"), max_digits=12, decimal_places=2, default=ZERO)
    charged = models.DecimalField(_("charged, ₽"), max_digits=12, decimal_places=2, default=ZERO)

    class Meta:
        verbose_name = _("budget")
        verbose_name_plural = _("budgets")
        constraints = [
            models.CheckConstraint(
                name="budget_sums_not_negative", condition=Q(reserved__gte=0, charged__gte=0)
            ),
            models.CheckConstraint(
                name="budget_never_exceeded", condition=Q(cap__gte=F("reserved") + F("charged"))
            ),
        ]

    def __str__(self) -> str:
        return f"{self.charged} + {self.reserved} / {self.cap}"


class Campaign(models.Model):
    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    business = models.ForeignKey(
        "businesses.Business",
        on_delete=models.PROTECT,
        related_name="+",
        verbose_name=_("good at"),
    )
    sender = models.ForeignKey(
        "businesses.Business",
        null=True,
        on_delete=models.PROTECT,
        related_name="+",
        verbose_name=_("sent by"),
        help_text=_("Empty when nobody may know, as with clinics"),
    )
    name = models.CharField(_("name"), max_length=120, blank=True)
    audience = models.CharField(_("for whom"), max_length=8, choices=Audience.choices)
    state = models.CharField(
        _("state"), max_length=10, choices=CampaignState.choices, default=CampaignState.ACTIVE
    )
    # null, not "": only promo campaigns have a word, and unique lets nulls repeat
    promo_code = models.CharField(_("promo code"), max_length=20, null=True, unique=True)  # noqa: DJ001

    benefit = models.CharField(_("benefit"), max_length=8, choices=Benefit.choices)
    value = models.DecimalField(
        _("percent, ₽ or bonuses"), max_digits=12, decimal_places=2, default=ZERO
    )
    gift = models.CharField(_("gift"), max_length=120, blank=True)
    max_discount = models.DecimalField(
        _("largest discount, ₽"), max_digits=12, decimal_places=2, null=True
    )
    min_amount = models.DecimalField(
        _("least bill, ₽"), max_digits=12, decimal_places=2, default=ZERO
    )

    group = models.CharField(
        _("exclusive group"),
        max_length=20,
        blank=True,
        default=rules.BILL,
        help_text=_("At most one coupon of a group on a bill; empty stands with all"),
    )
    priority = models.PositiveSmallIntegerField(_("priority"), default=100)
    base = models.CharField(_("percent of"), max_length=8, choices=Base.choices, default=Base.LIST)

    quantity = models.PositiveIntegerField(_("coupons at most"))
    issued = models.PositiveIntegerField(_("issued"), default=0)
    per_member = models.PositiveSmallIntegerField(_("per member"), default=1)
    budget = models.ForeignKey(
        Budget, null=True, on_delete=models.PROTECT, related_name="campaigns"
    )
    holdout_percent = models.PositiveSmallIntegerField(_("held out, %"), default=0)
    fee = models.DecimalField(
        _("fee of who sent the guest, ₽"), max_digits=12, decimal_places=2, default=ZERO
    )

    valid_from = models.DateTimeField(_("valid from"))
    valid_to = models.DateTimeField(_("valid to"))
    valid_days = models.PositiveSmallIntegerField(
        _("days from issue"), null=True, help_text=_("Empty: until the campaign ends")
    )
    created_by = models.ForeignKey(
        "accounts.User",
        null=True,
        on_delete=models.PROTECT,
        related_name="+",
        verbose_name=_("made by"),
    )
    created_at = models.DateTimeField(_("made"), default=timezone.now)
    cancelled_at = models.DateTimeField(_("cancelled"), null=True)

    class Meta:
        verbose_name = _("coupon campaign")
        verbose_name_plural = _("coupon campaigns")
        constraints = [
            models.CheckConstraint(
                name="campaign_benefit_known",
                condition=Q(benefit__in=[code for code, _name in Benefit.choices]),
            ),
            models.CheckConstraint(
                name="campaign_audience_known",
                condition=Q(audience__in=[code for code, _name in Audience.choices]),
            ),
            models.CheckConstraint(
                name="campaign_state_known",
                condition=Q(state__in=[code for code, _name in CampaignState.choices]),
            ),
            models.CheckConstraint(
                name="campaign_base_known",
                condition=Q(base__in=[code for code, _name in Base.choices]),
            ),
            models.CheckConstraint(
                name="campaign_sums_not_negative",
                condition=Q(value__gte=0, min_amount__gte=0, fee__gte=0)
                & (Q(max_discount__isnull=True) | Q(max_discount__gt=0)),
            ),
            models.CheckConstraint(
                name="percent_at_most_hundred",
                condition=~Q(benefit=Benefit.PERCENT) | Q(value__lte=100),
            ),
            models.CheckConstraint(
                name="promo_campaign_has_word",
                condition=Q(audience=Audience.PROMO, promo_code__isnull=False)
                | (~Q(audience=Audience.PROMO) & Q(promo_code__isnull=True)),
            ),
            models.CheckConstraint(
                name="campaign_ends_after_start", condition=Q(valid_to__gt=F("valid_from"))
            ),
            models.CheckConstraint(
                name="issued_within_quantity", condition=Q(issued__lte=F("quantity"))
            ),
            models.CheckConstraint(
                name="campaign_holdout_at_most_half", condition=Q(holdout_percent__lte=50)
            ),
        ]
        indexes = [
            # a business's campaigns, newest first
            models.Index(name="campaign_of_business", fields=["business", "-created_at", "-id"]),
            models.Index(name="campaign_newest", fields=["-created_at", "-id"]),
        ]
        triggers = [
            # A coupon in somebody's pocket means what it meant on the day it was given.
            pgtrigger.ReadOnly(
                name="campaign_terms_frozen",
                fields=[
                    "business",
                    "audience",
                    "promo_code",
                    "benefit",
                    "value",
                    "gift",
                    "max_discount",
                    "min_amount",
                    "group",
                    "priority",
                    "base",
                    "per_member",
                    "fee",
                    "valid_days",
                ],
            )
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def title(self) -> str:
        """What people read. A chain's coupon names who sent it, unless nobody may know."""
        if self.audience != Audience.CHAIN:
            return self.name
        if self.sender_id is None:
            return str(_("A gift from the circle"))
        return str(_("A gift from %(name)s") % {"name": self.name})

    @property
    def largest_cost(self) -> Decimal | None:
        """The most one coupon can cost, ₽; None when nothing bounds it."""
        return rules.largest_cost(self.benefit, self.value, self.max_discount)


class Funder(models.Model):
    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="funders")
    business = models.ForeignKey(
        "businesses.Business",
        on_delete=models.PROTECT,
        related_name="+",
        verbose_name=_("business"),
    )
    share = models.PositiveSmallIntegerField(_("share, %"))

    class Meta:
        verbose_name = _("funder")
        verbose_name_plural = _("funders")
        constraints = [
            models.UniqueConstraint(name="one_share_per_funder", fields=["campaign", "business"]),
            models.CheckConstraint(
                name="funder_share_is_percent", condition=Q(share__gte=1, share__lte=100)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.business} {self.share} %"


class HeldOut(models.Model):
    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="held_out")
    member = models.ForeignKey("accounts.User", on_delete=models.CASCADE, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(name="one_place_among_held_out", fields=["campaign", "member"])
        ]

    def __str__(self) -> str:
        return f"{self.campaign_id} {self.member_id}"
