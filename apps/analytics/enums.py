"""Words of analytics. Members do not see them; owners and admins do."""

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class Segment(TextChoices):
    """Where a guest stands by recency and frequency; `rules.segment_of` decides."""

    CHAMPION = "champion", _("champions")
    LOYAL = "loyal", _("loyal")
    POTENTIAL = "potential_loyalist", _("almost loyal")
    NEW = "new", _("new guests")
    PROMISING = "promising", _("promising")
    ATTENTION = "need_attention", _("need attention")
    ABOUT_TO_SLEEP = "about_to_sleep", _("about to fall asleep")
    AT_RISK = "at_risk", _("at risk")
    CANT_LOSE = "cant_lose", _("must not be lost")
    HIBERNATING = "hibernating", _("asleep")
    LOST = "lost", _("lost")
    PROSPECT = "prospect", _("no purchases yet")


class Method(TextChoices):
    """How scores were given; small populations are no ground for quantiles."""

    QUANTILE = "quantile", _("by fifths of the guests")
    PRELIMINARY = "preliminary", _("preliminary: few guests")
    FIXED = "fixed", _("by fixed thresholds")


class Band(TextChoices):
    """How likely a guest is to be gone."""

    LOW = "low", pgettext_lazy("risk", "low")
    MEDIUM = "medium", pgettext_lazy("risk", "medium")
    HIGH = "high", pgettext_lazy("risk", "high")


class Reason(TextChoices):
    """What speaks for her leaving: the group of features that adds most to her risk."""

    SILENCE = "silence", _("silent for longer than usual")
    FREQUENCY = "frequency", _("comes rarely")
    MONEY = "money", _("spends little of late")
    BREADTH = "breadth", _("narrow habits: few days, places, bonuses unused")
