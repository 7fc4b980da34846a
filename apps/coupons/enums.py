from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy as said


class Benefit(TextChoices):
    """What a coupon gives: percent or roubles off the bill, bonuses, or a thing in the hand."""

    PERCENT = "percent", _("percent off")
    FIXED = "fixed", _("roubles off")
    BONUS = "bonus", _("bonuses")
    GIFT = "gift", _("gift")


class Audience(TextChoices):
    """Whom a campaign is for: whoever shows one of its codes, whoever claims its public word in
    the app, the business's own guests, those of them who are about to leave, or those whom a cross-promo
    chain chooses."""

    ANYONE = "anyone", _("whoever shows a code")
    PROMO = "promo", _("whoever claims the promo code")
    GUESTS = "guests", _("own guests of the last 90 days")
    LEAVING = "leaving", _("own guests at high risk of leaving")
    CHAIN = "chain", _("guests of a chain")


class CampaignState(TextChoices):
    ACTIVE = "active", said("coupon", "active")
    CANCELLED = "cancelled", said("campaign", "cancelled")


class CouponState(TextChoices):
    ACTIVE = "active", said("coupon", "active")
    REDEEMED = "redeemed", said("coupon", "redeemed")
    EXPIRED = "expired", said("coupon", "expired")
    CANCELLED = "cancelled", said("coupon", "cancelled")


class Base(TextChoices):
    """What a percent is reckoned from when several coupons meet on one bill."""

    LIST = "list", _("the whole bill")
    RUNNING = "running", _("what the others left of it")


class ChargeKind(TextChoices):
    SHARE = "share", _("share of the discount")
    FEE = "fee", _("fee of who sent the guest")
