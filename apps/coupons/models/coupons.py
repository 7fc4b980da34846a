from datetime import datetime
from decimal import Decimal
from typing import Self

from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import User
from apps.core.ids import new_id
from apps.coupons import rules
from apps.coupons.enums import ChargeKind, CouponState
from apps.coupons.models.campaigns import Campaign

ZERO = Decimal("0.00")


class CouponQuerySet(models.QuerySet["Coupon"]):
    def usable(self, *, at: datetime) -> Self:
        return self.filter(state=CouponState.ACTIVE, valid_from__lte=at, valid_to__gt=at)

    def of_member(self, member: User) -> Self:
        return self.filter(member=member)

    def in_state(self, state: str, *, at: datetime) -> Self:
        """As she sees them: past its day a coupon reads as expired before the job has come."""
        late = Q(state=CouponState.ACTIVE, valid_to__lte=at)
        if state == CouponState.ACTIVE:
            return self.filter(state=state, valid_to__gt=at)
        if state == CouponState.EXPIRED:
            return self.filter(late | Q(state=state))
        return self.filter(state=state)


class Coupon(models.Model):
    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    campaign = models.ForeignKey(
        Campaign, on_delete=models.PROTECT, related_name="coupons", verbose_name=_("campaign")
    )
    code = models.CharField(_("code"), max_length=14, unique=True)
    member = models.ForeignKey(
        "accounts.User",
        null=True,
        on_delete=models.PROTECT,
        related_name="+",
        verbose_name=_("member"),
        help_text=_("Empty: good for whoever shows it"),
    )
    state = models.CharField(
        _("state"), max_length=10, choices=CouponState.choices, default=CouponState.ACTIVE
    )
    valid_from = models.DateTimeField(_("valid from"))
    valid_to = models.DateTimeField(_("valid to"))
    issued_at = models.DateTimeField(_("issued"), default=timezone.now)
    seen_at = models.DateTimeField(_("seen"), null=True)
    opened_at = models.DateTimeField(
        _("opened"), null=True, help_text="She opened it by itself, with its code: to use it"
    )
    redeemed_at = models.DateTimeField(_("redeemed"), null=True)
    cancelled_at = models.DateTimeField(_("cancelled"), null=True)
    reserved = models.DecimalField(_("reserved, ₽"), max_digits=12, decimal_places=2, default=ZERO)
    fork = models.UUIDField(null=True, help_text="Coupons of which one at most is redeemed")

    objects = CouponQuerySet.as_manager()

    class Meta:
        verbose_name = _("coupon")
        verbose_name_plural = _("coupons")
        constraints = [
            models.CheckConstraint(
                name="coupon_state_known",
                condition=Q(state__in=[code for code, _name in CouponState.choices]),
            ),
            models.CheckConstraint(
                name="coupon_ends_after_start", condition=Q(valid_to__gt=F("valid_from"))
            ),
            models.CheckConstraint(
                name="redeemed_coupon_has_time",
                condition=~Q(state=CouponState.REDEEMED) | Q(redeemed_at__isnull=False),
            ),
            models.CheckConstraint(
                name="only_active_coupons_reserve",
                condition=Q(reserved=0) | Q(state=CouponState.ACTIVE, reserved__gt=0),
            ),
            models.UniqueConstraint(
                name="one_redeemed_of_a_fork",
                fields=["fork"],
                condition=Q(state=CouponState.REDEEMED),
            ),
        ]
        indexes = [
            # a member's wallet, newest first
            models.Index(
                name="coupon_of_member",
                fields=["member", "-issued_at", "-id"],
                condition=Q(member__isnull=False),
            ),
            # a campaign's coupons by state: stats, cancelling what is left
            models.Index(name="coupon_of_campaign", fields=["campaign", "state"]),
            # what lapses
            models.Index(
                name="coupon_lapsing", fields=["valid_to"], condition=Q(state=CouponState.ACTIVE)
            ),
            # the others of a fork
            models.Index(name="coupon_of_fork", fields=["fork"], condition=Q(fork__isnull=False)),
        ]

    def __str__(self) -> str:
        return rules.masked(self.code)

    @property
    def business(self) -> object:
        """Where it is good."""
        return self.campaign.business

    def state_at(self, at: datetime) -> str:
        """As a person sees it at this moment."""
        if self.state == CouponState.ACTIVE and self.valid_to <= at:
            return CouponState.EXPIRED
        return self.state


class Redemption(models.Model):
    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    coupon = models.ForeignKey(
        Coupon, on_delete=models.PROTECT, related_name="redemptions", verbose_name=_("coupon")
    )
    campaign = models.ForeignKey(
        Campaign, on_delete=models.PROTECT, related_name="redemptions", verbose_name=_("campaign")
    )
    business = models.ForeignKey(
        "businesses.Business",
        on_delete=models.PROTECT,
        related_name="+",
        verbose_name=_("business"),
    )
    member = models.ForeignKey(
        "accounts.User",
        null=True,
        on_delete=models.PROTECT,
        related_name="+",
        verbose_name=_("member"),
    )
    sale_id = models.UUIDField(_("sale"), null=True)
    amount = models.DecimalField(
        _("bill, ₽"), max_digits=12, decimal_places=2, null=True, help_text="Empty: not told"
    )
    discount = models.DecimalField(_("discount, ₽"), max_digits=12, decimal_places=2, default=ZERO)
    bonus = models.DecimalField(_("bonuses"), max_digits=12, decimal_places=2, default=ZERO)
    by = models.ForeignKey(
        "accounts.User",
        null=True,
        on_delete=models.PROTECT,
        related_name="+",
        verbose_name=_("redeemed by"),
    )
    at = models.DateTimeField(_("redeemed"))
    returned_at = models.DateTimeField(_("taken back"), null=True)

    class Meta:
        verbose_name = _("redemption")
        verbose_name_plural = _("redemptions")
        constraints = [
            models.UniqueConstraint(
                name="coupon_redeemed_once",
                fields=["coupon"],
                condition=Q(returned_at__isnull=True),
            ),
            models.CheckConstraint(
                name="redemption_sums_not_negative", condition=Q(discount__gte=0, bonus__gte=0)
            ),
        ]
        indexes = [
            # what a member used of a campaign
            models.Index(name="redemption_of_member", fields=["campaign", "member"]),
            # the coupons of a sale
            models.Index(
                name="redemption_of_sale", fields=["sale_id"], condition=Q(sale_id__isnull=False)
            ),
            # a business's redemptions, newest first
            models.Index(name="redemption_of_business", fields=["business", "-at", "-id"]),
        ]

    def __str__(self) -> str:
        return str(self.coupon)


class Charge(models.Model):
    id = models.BigAutoField(primary_key=True)
    redemption = models.ForeignKey(Redemption, on_delete=models.CASCADE, related_name="charges")
    kind = models.CharField(_("kind"), max_length=6, choices=ChargeKind.choices)
    payer = models.ForeignKey(
        "businesses.Business",
        on_delete=models.PROTECT,
        related_name="+",
        verbose_name=_("who pays"),
    )
    payee = models.ForeignKey(
        "businesses.Business", on_delete=models.PROTECT, related_name="+", verbose_name=_("to whom")
    )
    amount = models.DecimalField(_("sum, ₽"), max_digits=12, decimal_places=2)

    class Meta:
        verbose_name = _("charge")
        verbose_name_plural = _("charges")
        constraints = [
            models.UniqueConstraint(
                name="one_charge_per_payer", fields=["redemption", "kind", "payer"]
            ),
            models.CheckConstraint(name="charge_is_positive", condition=Q(amount__gt=0)),
            models.CheckConstraint(
                name="charge_kind_known",
                condition=Q(kind__in=[kind for kind, _name in ChargeKind.choices]),
            ),
        ]
        indexes = [models.Index(name="charge_of_payer", fields=["payer", "id"])]

    def __str__(self) -> str:
        return f"{self.payer} → {self.payee} {self.amount}"
