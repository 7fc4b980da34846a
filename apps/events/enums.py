from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class Kind(TextChoices):
    """How an event came to be. Both are one resource: `state` tells how far it is."""

    PROPOSAL = "proposal", _("members' proposal")
    CURATED = "curated", _("curated event")


class State(TextChoices):
    """What is stored. Phases of registration are derived (rules.phase_of)."""

    DRAFT = "draft", _("draft")
    SUBMITTED = "submitted", _("in moderation")
    CHANGES_REQUESTED = "changes_requested", _("changes requested")
    VOTING = "voting", _("voting")
    THRESHOLD_REACHED = "threshold_reached", _("supported")
    SCHEDULED = "scheduled", _("being prepared")
    PUBLISHED = "published", pgettext_lazy("event", "published")
    COMPLETED = "completed", _("completed")
    CANCELLED = "cancelled", _("cancelled")
    REJECTED = "rejected", _("rejected")
    EXPIRED = "expired", _("not enough votes")
    WITHDRAWN = "withdrawn", _("withdrawn")
    DECLINED = "declined_by_admin", _("declined")
    REMOVED = "removed", _("removed")


class Phase(TextChoices):
    """Where a published event stands towards those who want to come."""

    NOT_OPEN = "not_open", _("registration is not open yet")
    EARLY = "early", _("early access")
    OPEN = "open", _("registration is open")
    FULL = "full", _("waiting list")
    CLOSED = "closed", _("registration is closed")
    LIVE = "live", _("in progress")
    OVER = "over", _("over")


class Place(TextChoices):
    """State of one person's registration."""

    CONFIRMED = "confirmed", _("confirmed")
    OFFERED = "offered", _("seat offered")
    WAITLISTED = "waitlisted", _("on the waiting list")
    ATTENDED = "attended", _("attended")
    CANCELLED = "cancelled", _("cancelled in time")
    CANCELLED_LATE = "cancelled_late", _("cancelled late")
    OFFER_DECLINED = "offer_declined", _("offer declined")
    OFFER_EXPIRED = "offer_expired", _("offer lapsed")
    LEFT_WAITLIST = "left_waitlist", _("left the waiting list")
    REMOVED = "removed", _("removed by the organiser")
    EVENT_CANCELLED = "event_cancelled", _("event cancelled")
    NO_SHOW = "no_show", _("did not come")
    EXCUSED = "excused", _("excused")


SEATED = (Place.CONFIRMED, Place.OFFERED, Place.ATTENDED)
ACTIVE = (*SEATED, Place.WAITLISTED)
OPEN_PROPOSAL = (
    State.DRAFT,
    State.SUBMITTED,
    State.CHANGES_REQUESTED,
    State.VOTING,
    State.THRESHOLD_REACHED,
)


class Decision(TextChoices):
    """What a moderator decided, as it is told afterwards."""

    APPROVE = "approve", _("approved")
    REJECT = "reject", _("rejected")
    REQUEST_CHANGES = "request_changes", _("changes requested")


class Reason(TextChoices):
    """Why a moderator says no. The last one needs a second moderator."""

    UNCLEAR = "unclear", _("unclear")
    DUPLICATE = "duplicate", _("there is such a proposal already")
    OFF_TOPIC = "off_topic", _("not for the circle")
    ADVERTISING = "advertising", _("advertising")
    PERSONAL_DATA = "personal_data", _("data of other people")
    UNSAFE = "unsafe", _("unsafe or unlawful")


class Scanned(TextChoices):
    """What the screen at the door says."""

    OK = "ok", _("come in")
    ALREADY = "already", _("already in")
    NEEDS_ANSWER = "needs_answer", _("ask her first")
    NOT_CONFIRMED = "not_confirmed", _("no confirmed seat")
    WRONG_EVENT = "wrong_event", _("ticket of another event")
    WRONG_TIME = "wrong_time", _("not at this time")
    REVOKED = "revoked", _("ticket was taken back")
    INVALID = "invalid", _("not a ticket")
    UNKNOWN = "unknown", _("unknown")


class Work(TextChoices):
    """Timed work: a row with a due time, swept every 30 s."""

    VOTING_ENDS = "voting_ends", _("voting ends")
    OFFER_ENDS = "offer_ends", _("offer ends")
    PROMOTE = "promote", _("look at the waiting list")
    COMPLETE = "complete", _("event is over")
    FINALISE = "finalise", _("attendance becomes final")
    REMIND_7D = "remind_7d", _("reminder, 7 days")
    REMIND_24H = "remind_24h", _("reminder, a day")
    REMIND_3H = "remind_3h", _("reminder, 3 hours")
