from django.db.models import IntegerChoices, TextChoices
from django.utils.translation import gettext_lazy as _


class Channel(TextChoices):
    PUSH = "push", _("push")
    SMS = "sms", _("SMS")
    EMAIL = "email", _("e-mail")


class Language(TextChoices):
    """In which the words of messages are kept."""

    RU = "ru", _("Russian")
    EN = "en", _("English")


class Priority(IntegerChoices):
    """The lower the number, the earlier; each has a queue of its own."""

    CRITICAL = 1, _("critical")
    HIGH = 2, _("high")
    MEDIUM = 3, _("medium")


class Purpose(TextChoices):
    """What the law asks about: advertising leaves with consent only (38-FZ art. 18)."""

    SERVICE = "service", _("service message")
    ADVERTISING = "advertising", _("advertising")


class Topic(TextChoices):
    """What a member may mute, channel by channel."""

    SECURITY = "security", _("safety of the account")
    BONUSES = "bonuses", _("bonuses and status")
    RECEIPTS = "receipts", _("receipts")
    COUPONS = "coupons", _("coupons")
    EVENTS = "events", _("events")
    WORK = "work", _("work of a business")
    NEWS = "news", _("offers and news")


class State(TextChoices):
    """Of a message. `unknown`: the line broke after it was handed over; nobody sends it again."""

    WAITING = "waiting", _("waits")
    SENDING = "sending", _("is being sent")
    SENT = "sent", _("sent")
    DELIVERED = "delivered", _("delivered")
    OPENED = "opened", _("opened")
    UNKNOWN = "unknown", _("perhaps sent")
    FAILED = "failed", _("given up")
    SKIPPED = "skipped", _("in the app only")
    EXPIRED = "expired", _("out of date")
    CANCELLED = "cancelled", _("cancelled")


class TryState(TextChoices):
    """Of one attempt on one channel."""

    SENT = "sent", _("sent")
    DELIVERED = "delivered", _("delivered")
    OPENED = "opened", _("opened")
    UNKNOWN = "unknown", _("perhaps sent")
    REFUSED = "refused", _("refused")
    BARRED = "barred", _("not allowed")


class Platform(TextChoices):
    IOS = "ios", "iOS"
    ANDROID = "android", "Android"


class BroadcastState(TextChoices):
    ASKED = "asked", _("waits for a second person")
    RUNNING = "running", _("being sent")
    DONE = "done", _("sent")
    CANCELLED = "cancelled", _("cancelled")


class Barrier(TextChoices):
    """Why a channel did not carry a message."""

    NO_ADDRESS = "no_address", _("no address")
    NO_CONSENT = "no_consent", _("no consent")
    MUTED = "muted", _("muted by her")
    SUPPRESSED = "suppressed", _("the address does not take messages")
    OFF = "off", _("the channel is switched off")
