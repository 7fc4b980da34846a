from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class Job(TextChoices):
    """What a person does here besides being a member. The tier is apart."""

    NONE = "", _("member")
    STAFF = "business_staff", _("staff")
    OWNER = "business_owner", _("owner")
    ADMIN = "admin", _("admin")
    SUPERADMIN = "superadmin", _("superadmin")


class TierCode(TextChoices):
    INSIDER = "insider", "Insider"
    VIP = "vip", "VIP"
    ELITE = "elite", "Elite"
    INNER_CIRCLE = "inner_circle", "Inner Circle"


class Purpose(TextChoices):
    """What a one-time code may be used for; a code of one purpose is useless for another."""

    SIGN_IN = "sign_in"
