"""The numbers of the programme that an admin may change: one row."""

from decimal import Decimal

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from apps.loyalty import rules, tier_rules


class LoyaltySettings(models.Model):
    """Read through `settings_queries.current`, which keeps it for a few seconds.

    A change concerns what happens from then on: lots, holds and invitations that are there keep
    their own dates. Sums are bonuses, but for the purchase that an invitation asks for, ₽.
    """

    life_days = models.PositiveSmallIntegerField(
        _("bonuses live, days from activation"), default=rules.LIFE_DAYS
    )
    warn_days = models.PositiveSmallIntegerField(
        _("first warning before they lapse, days"), default=rules.EXPIRY_WARN_DAYS[0]
    )
    last_warn_days = models.PositiveSmallIntegerField(
        _("last warning before they lapse, days"), default=rules.EXPIRY_WARN_DAYS[1]
    )
    hold_minutes = models.PositiveSmallIntegerField(
        _("a hold lasts, minutes"), default=rules.HOLD_MINUTES
    )
    bonus_share = models.PositiveSmallIntegerField(
        _("of a bill bonuses pay at most, %"), default=rules.NETWORK_BONUS_SHARE
    )
    tier_grace_days = models.PositiveSmallIntegerField(
        _("a tier is kept after falling short, days"), default=tier_rules.GRACE_DAYS
    )
    gift_a_day = models.DecimalField(
        _("a member gives at most a day, bonuses"),
        max_digits=9,
        decimal_places=2,
        default=rules.GIFT_A_DAY,
    )
    adjust_alone = models.DecimalField(
        _("an admin moves alone a day in a wallet, bonuses"),
        max_digits=9,
        decimal_places=2,
        default=rules.ADJUST_ALONE,
    )
    referral_inviter = models.DecimalField(
        _("for an invitation: the inviter gets, bonuses"),
        max_digits=9,
        decimal_places=2,
        default=Decimal(300),
    )
    referral_invited = models.DecimalField(
        _("for an invitation: the invited one gets, bonuses"),
        max_digits=9,
        decimal_places=2,
        default=Decimal(200),
    )
    referral_least = models.DecimalField(
        _("for an invitation: the first purchase from, ₽"),
        max_digits=9,
        decimal_places=2,
        default=Decimal(1000),
    )
    referral_pending_days = models.PositiveSmallIntegerField(
        _("for an invitation: bonuses wait, days"), default=14
    )
    referral_lapse_days = models.PositiveSmallIntegerField(
        _("an invitation that nobody follows lapses, days"), default=180
    )
    referral_a_month = models.PositiveSmallIntegerField(
        _("rewarded invitations of one inviter a month"), default=10
    )

    class Meta:
        verbose_name = _("numbers of the programme")
        verbose_name_plural = _("numbers of the programme")
        constraints = [
            models.CheckConstraint(name="one_row_of_loyalty_settings", condition=Q(id=1)),
            models.CheckConstraint(
                name="loyalty_warnings_in_order",
                condition=Q(last_warn_days__gt=0)
                & Q(last_warn_days__lt=F("warn_days"))
                & Q(warn_days__lt=F("life_days")),
                violation_error_message=_(
                    "The last warning comes after the first, both while the bonuses live."
                ),
            ),
            models.CheckConstraint(
                name="loyalty_settings_possible",
                condition=Q(hold_minutes__gt=0, referral_lapse_days__gt=0)
                & Q(bonus_share__lte=rules.NETWORK_BONUS_SHARE, tier_grace_days__lte=365)
                & Q(gift_a_day__gte=0, adjust_alone__gte=0, referral_least__gte=0)
                & Q(referral_inviter__gte=0, referral_invited__gte=0),
                violation_error_message=_(
                    "Sums are not below zero; a hold lasts a minute or more, an invitation a day; "
                    "bonuses pay half of a bill at most, a tier is kept a year at most."
                ),
            ),
        ]

    def __str__(self) -> str:
        return str(_("numbers of the programme"))
