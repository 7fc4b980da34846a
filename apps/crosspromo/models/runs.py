from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from apps.core.ids import new_id
from apps.crosspromo.enums import Arm
from apps.crosspromo.models.chains import Step, Version


class Run(models.Model):
    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    version = models.ForeignKey(
        Version, on_delete=models.PROTECT, related_name="runs", verbose_name=_("version")
    )
    member = models.ForeignKey(
        "accounts.User", on_delete=models.PROTECT, related_name="+", verbose_name=_("member")
    )
    from_business = models.ForeignKey(
        "businesses.Business", on_delete=models.PROTECT, related_name="+", verbose_name=_("from")
    )
    trigger_id = models.UUIDField(_("purchase"))
    arm = models.CharField(_("arm"), max_length=8, choices=Arm.choices)
    depth = models.PositiveSmallIntegerField(_("in a row"), default=1)
    at = models.DateTimeField(_("triggered"))
    undone_at = models.DateTimeField(_("purchase returned"), null=True)

    class Meta:
        verbose_name = _("run of a chain")
        verbose_name_plural = _("runs of chains")
        constraints = [
            models.UniqueConstraint(
                name="one_run_per_trigger", fields=["version", "member", "trigger_id"]
            ),
            models.CheckConstraint(
                name="run_arm_known", condition=Q(arm__in=[code for code, _name in Arm.choices])
            ),
        ]
        indexes = [
            # when she was last in it: the cool-down
            models.Index(name="run_of_member", fields=["member", "from_business", "-at"]),
            # the hours that the matrix recomputes
            models.Index(name="run_by_time", fields=["at"]),
            # a returned purchase finds its runs
            models.Index(name="run_of_trigger", fields=["trigger_id"]),
        ]

    def __str__(self) -> str:
        return f"{self.version} {self.at:%d.%m.%Y}"


class Mint(models.Model):
    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    run = models.ForeignKey(Run, on_delete=models.PROTECT, related_name="mints")
    step = models.ForeignKey(Step, on_delete=models.PROTECT, related_name="mints")
    coupon = models.OneToOneField(
        "coupons.Coupon", on_delete=models.PROTECT, related_name="+", verbose_name=_("coupon")
    )

    class Meta:
        verbose_name = _("coupon of a run")
        verbose_name_plural = _("coupons of runs")
        constraints = [models.UniqueConstraint(name="one_coupon_per_step", fields=["run", "step"])]

    def __str__(self) -> str:
        return str(self.coupon)


class Scale(models.Model):
    quarter = models.DateField(_("first day of the quarter"), primary_key=True)
    unit = models.DecimalField(
        _("gain that counts as 100"),
        max_digits=9,
        decimal_places=6,
        help_text=_("In receipts of the partner"),
    )
    pairs = models.PositiveIntegerField(_("pairs it was taken from"))

    class Meta:
        verbose_name = _("yardstick of the index")
        verbose_name_plural = _("yardsticks of the index")
        constraints = [models.CheckConstraint(name="scale_is_positive", condition=Q(unit__gt=0))]

    def __str__(self) -> str:
        return f"{self.quarter:%m.%Y}"
