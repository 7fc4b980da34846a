from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class Box(TextChoices):
    """Where a part of a lot lies. Pending, available and held belong to the member; spent to the
    business that accepted it; expired and revoked went back to the issuer."""

    PENDING = "pending", _("pending")
    AVAILABLE = "available", _("available")
    HELD = "held", _("held")
    SPENT = "spent", _("spent")
    EXPIRED = "expired", _("expired")
    REVOKED = "revoked", _("revoked")


# The eleven legal arrows. Nothing leaves expired or revoked.
ARROWS: list[tuple[str, str]] = [
    (Box.PENDING, Box.AVAILABLE),
    (Box.PENDING, Box.REVOKED),
    (Box.AVAILABLE, Box.HELD),
    (Box.AVAILABLE, Box.SPENT),
    (Box.AVAILABLE, Box.EXPIRED),
    (Box.AVAILABLE, Box.REVOKED),
    (Box.HELD, Box.SPENT),
    (Box.HELD, Box.AVAILABLE),
    (Box.HELD, Box.EXPIRED),
    (Box.SPENT, Box.AVAILABLE),
    (Box.SPENT, Box.EXPIRED),
]


class Kind(TextChoices):
    """Why a journal row was written."""

    EARN = "earn", _("accrual")
    ACTIVATE = "activate", _("activation")
    HOLD = "hold", _("hold")
    CAPTURE = "capture", _("capture of a hold")
    RELEASE = "release", _("release of a hold")
    SPEND = "spend", _("spending")
    REFUND = "refund", _("return of spending")
    CLAWBACK = "clawback", _("taking back")
    REPAY = "repay", _("repayment of a debt")
    EXPIRE = "expire", _("expiry")
    GIFT = "gift", _("gift")
    REWARD = "reward", _("reward")
    ADJUST = "adjust", _("adjustment")
    CLOSE = "close", _("closing")


class OfferKind(TextChoices):
    """What an offer does to the bonuses of a purchase."""

    MULTIPLIER = "multiplier", _("multiplies the cashback")
    PERCENT = "percent", _("adds a percent of the sum paid")
    FIXED = "fixed", _("adds a fixed number")


class OfferState(TextChoices):
    DRAFT = "draft", _("draft")
    REVIEW = "review", _("awaits approval")
    SCHEDULED = "scheduled", _("scheduled")
    ACTIVE = "active", _("in force")
    PAUSED = "paused", _("paused")
    ENDED = "ended", pgettext_lazy("offer", "ended")


# Where the clock moves an offer on: it begins, it ends.
LIVE_STATES: list[str] = [OfferState.SCHEDULED, OfferState.ACTIVE, OfferState.PAUSED]


class ReferralState(TextChoices):
    WAITING = "waiting", _("waits for a purchase")
    REWARDED = "rewarded", _("rewarded")
    LAPSED = "lapsed", _("lapsed")
    REFUSED = "refused", _("refused")
    REVOKED = "revoked", _("taken back")


class BadgePeriod(TextChoices):
    ONCE = "once", _("once")
    QUARTER = "quarter", _("every quarter")
    YEAR = "year", _("every year")
