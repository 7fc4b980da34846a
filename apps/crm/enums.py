"""Words of the CRM hub that the database knows."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class System(models.TextChoices):
    YCLIENTS = "yclients", "YCLIENTS"
    IIKO = "iiko", "iiko"
    ONEC = "onec", "1С"
    AMOCRM = "amocrm", "amoCRM"
    RENOVATIO = "renovatio", _("MIS Renovatio")


class State(models.TextChoices):
    """Draft: never tested. Stopped: waits for a person, no poll can mend it."""

    DRAFT = "draft", _("not connected")
    ACTIVE = "active", _("works")
    OFF = "off", _("switched off")
    STOPPED = "stopped", _("stopped")


class Trigger(models.TextChoices):
    SCHEDULE = "schedule", _("by schedule")
    HAND = "hand", _("by hand")
    WEBHOOK = "webhook", _("the system called")
    BACKFILL = "backfill", _("the past")


class RunState(models.TextChoices):
    RUNNING = "running", _("runs")
    DONE = "done", _("done")
    FAILED = "failed", _("failed")
    BROKEN = "broken", _("broken off")


class Kind(models.TextChoices):
    SALE = "sale", _("sale")
    REFUND = "refund", _("return")


class RecordState(models.TextChoices):
    """What the ledger made of a record. Waiting: a return whose sale has not come yet."""

    APPLIED = "applied", _("in the ledger")
    UNCLAIMED = "unclaimed", _("not a member")
    WAITING = "waiting", _("waits for its sale")
    QUARANTINE = "quarantine", _("put aside")
    CANCELLED = "cancelled", _("cancelled")
    IGNORED = "ignored", _("left out by hand")


class Reason(models.TextChoices):
    """Why a record was put aside, in the owner's words."""

    NO_PHONE = "no_phone", _("The system did not name the guest's phone")
    BAD_PHONE = "bad_phone", _("The guest's phone cannot be read")
    SHARED_PHONE = "shared_phone", _("Several patients have this phone: match by hand")
    BAD_AMOUNT = "bad_amount", _("The sum of the sale is not believable")
    BAD_MOMENT = "bad_moment", _("The date of the sale is not believable")
    OVER_LIMIT = "over_limit", _("The sum is over the limit of one sale")
    CLOSED = "closed", _("The business does not take sales now")
    NO_ORIGINAL = "no_original", _("A return without its sale")
    BAD_ROW = "bad_row", _("The row cannot be read")
    VANISHED_MANY = "vanished_many", _("Too many sales vanished at once")


# Whose sale it is cannot be told: settled once somebody has said so by hand.
BY_PHONE = frozenset({Reason.NO_PHONE, Reason.BAD_PHONE, Reason.SHARED_PHONE})


class Trouble(models.TextChoices):
    """Why a call or a run failed; errors are shown as categories, never as the body."""

    NETWORK = "network", _("no connection")
    TIMEOUT = "timeout", _("the system is silent")
    ADDRESS = "address", _("the address is not allowed")
    TLS = "tls", _("the certificate is not valid")
    TOO_LARGE = "too_large", _("the answer is too large")
    UNREADABLE = "unreadable", _("the answer cannot be read")
    AUTH = "auth", _("wrong key")
    RIGHTS = "rights", _("the key has too few rights")
    UNPAID = "unpaid", _("the system's licence is not paid")
    THROTTLED = "throttled", _("the system asks for a pause")
    REFUSED = "refused", _("the system refused the request")
    SERVER = "server", _("the system is out of order")
    PAUSED = "paused", _("pause after failures")
    SUSPICIOUS = "suspicious", _("too many sales vanished at once")
    INTERNAL = "internal", _("our own fault")


NEEDS_A_PERSON = frozenset({Trouble.AUTH, Trouble.RIGHTS, Trouble.UNPAID, Trouble.ADDRESS})


class EventState(models.TextChoices):
    WAITING = "waiting", _("waits")
    DONE = "done", _("done")
    IGNORED = "ignored", _("not for us")
    FAILED = "failed", _("failed")


class Level(models.TextChoices):
    """How a webhook is proved: signature, token, or the secret address alone."""

    SIGNED = "A", "A"
    TOKEN = "B", "B"
    SECRET_PATH = "C", "C"
