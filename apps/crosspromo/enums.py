from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy as said


class Topology(TextChoices):
    PAIR = "pair", _("A → B")
    PATH = "path", _("A → B → C")
    MUTUAL = "mutual", _("A ⇄ B")
    FAN = "fan", _("A → several")


class Fork(TextChoices):
    """How many coupons of a fan count."""

    ALL = "all", _("all of them")
    ONE_OF = "one_of", _("one of them, by the guest's choice")


class ChainState(TextChoices):
    PROPOSED = "proposed", _("awaits the partners")
    LIVE = "live", said("chain", "live")
    PAUSED = "paused", said("chain", "paused")
    DECLINED = "declined", said("chain", "declined")
    ENDED = "ended", said("chain", "ended")


class VersionState(TextChoices):
    PROPOSED = "proposed", _("awaits the partners")
    LIVE = "live", said("chain", "live")
    RETIRED = "retired", said("chain", "replaced")
    DECLINED = "declined", said("chain", "declined")


class Arm(TextChoices):
    TREATED = "treated", _("got the coupon")
    CONTROL = "control", _("held out")


class Bearer(TextChoices):
    """Who pays for a coupon that was used although its first purchase came back."""

    SENDER = "sender", _("who sent the guest")
    FUNDERS = "funders", _("whoever paid before")


class Action(TextChoices):
    ACCEPT = "accept"
    DECLINE = "decline"
    PAUSE = "pause"
    RESUME = "resume"
    LEAVE = "leave"
    END = "end"


class Words(TextChoices):
    """What the figures of a pair allow to say."""

    FEW = "few", _("too little data")
    NONE = "none", _("no effect")
    LIKELY = "likely", _("likely")
    PROVEN = "proven", _("proven")
