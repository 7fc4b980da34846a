from django.db import models
from django.db.models import Func, Q
from django.utils.translation import gettext_lazy as _

from apps.core.ids import new_id
from apps.events.enums import ACTIVE, Place


class EventRegistration(models.Model):
    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    event = models.ForeignKey(
        "events.Event",
        on_delete=models.PROTECT,
        related_name="registrations",
        verbose_name=_("event"),
    )
    member = models.ForeignKey(
        "accounts.User",
        null=True,
        on_delete=models.SET_NULL,
        related_name="+",
        verbose_name=_("member"),
    )
    state = models.CharField(_("state"), max_length=16, choices=Place.choices)
    guests = models.PositiveSmallIntegerField(_("guests"), default=0)
    alone_too = models.BooleanField(_("would come alone"), default=False)
    auto_accept = models.BooleanField(_("confirm by itself"), default=False)
    # the line: supporters of the proposal, then who came first. `turn` is the database's clock at
    # the insert, that is, under the event's lock.
    band = models.PositiveSmallIntegerField(default=1)
    turn = models.DateTimeField(db_default=Func(function="clock_timestamp"), editable=False)
    offer_until = models.DateTimeField(_("offer until"), null=True)
    paid = models.DecimalField(_("paid, bonuses"), max_digits=8, decimal_places=2, default=0)
    returned = models.DecimalField(
        _("returned, bonuses"), max_digits=8, decimal_places=2, default=0
    )
    journal_id = models.UUIDField(null=True, editable=False)  # the spending in the ledger
    hold_id = models.UUIDField(null=True, editable=False)  # a deposit that is still set aside
    # the event's question: None is unanswered; by whom tells her own word from the door's
    answer = models.BooleanField(_("answer to the question"), null=True)
    answered_at = models.DateTimeField(_("answered"), null=True)
    answered_by = models.ForeignKey(
        "accounts.User",
        null=True,
        on_delete=models.SET_NULL,
        related_name="+",
        verbose_name=_("answer written down by"),
    )
    # which of her check-ins holds the bonus for coming: a mended mark gives another one
    bonus_of_visit = models.PositiveSmallIntegerField(null=True, editable=False)
    payment = models.PositiveSmallIntegerField(default=0, editable=False)
    ticket = models.PositiveSmallIntegerField(default=0, editable=False)  # a new seat, a new ticket
    joined_at = models.DateTimeField(_("since"))
    seated_at = models.DateTimeField(_("confirmed"), null=True)
    ended_at = models.DateTimeField(_("ended"), null=True)
    reason = models.CharField(_("reason"), max_length=300, blank=True)

    class Meta:
        verbose_name = _("registration")
        verbose_name_plural = _("registrations")
        constraints = [
            models.CheckConstraint(
                name="registration_state_known",
                condition=Q(state__in=[code for code, _name in Place.choices]),
            ),
            models.UniqueConstraint(
                name="one_active_registration",
                fields=["event", "member"],
                condition=Q(state__in=ACTIVE),
            ),
            models.CheckConstraint(
                name="offer_has_its_end",
                condition=~Q(state=Place.OFFERED) | Q(offer_until__isnull=False),
            ),
            models.CheckConstraint(
                name="registration_returns_at_most_paid",
                condition=Q(paid__gte=0, returned__gte=0, returned__lte=models.F("paid")),
            ),
            models.CheckConstraint(name="one_guest_at_most", condition=Q(guests__lte=1)),
            models.CheckConstraint(
                name="answer_has_its_moment",
                condition=Q(answer__isnull=True) | Q(answered_at__isnull=False),
            ),
        ]
        indexes = [
            models.Index(
                name="event_line",
                fields=["event", "band", "turn", "id"],
                condition=Q(state=Place.WAITLISTED),
            ),
            models.Index(name="registration_of_member", fields=["member", "-joined_at"]),
            models.Index(name="registration_of_event", fields=["event", "state"]),
        ]

    def __str__(self) -> str:
        return f"{self.get_state_display()}"

    @property
    def seats_wanted(self) -> int:
        return 1 + self.guests


class Seat(models.Model):
    """A place there is. Free while `registration` is null."""

    event = models.ForeignKey("events.Event", on_delete=models.CASCADE, related_name="seats")
    number = models.PositiveSmallIntegerField(_("seat"))
    registration = models.ForeignKey(
        EventRegistration, null=True, on_delete=models.PROTECT, related_name="seats"
    )
    over_limit = models.BooleanField(_("over the limit"), default=False)
    # capacity was lowered while somebody sat here: the row goes when she does
    leaving = models.BooleanField(default=False)

    class Meta:
        verbose_name = _("seat")
        verbose_name_plural = _("seats")
        constraints = [
            models.UniqueConstraint(name="one_row_per_seat", fields=["event", "number"]),
            models.CheckConstraint(
                name="extra_seat_is_taken",
                condition=Q(over_limit=False, leaving=False) | Q(registration__isnull=False),
            ),
        ]
        indexes = [
            models.Index(
                name="seat_free",
                fields=["event", "number"],
                condition=Q(registration__isnull=True),
            ),
            models.Index(name="seat_of", fields=["registration"]),
        ]

    def __str__(self) -> str:
        return str(self.number)


class RegistrationChange(models.Model):
    registration = models.ForeignKey(
        EventRegistration, on_delete=models.CASCADE, related_name="changes"
    )
    before = models.CharField(_("before"), max_length=16, blank=True)
    after = models.CharField(_("after"), max_length=16)
    by = models.ForeignKey(
        "accounts.User",
        null=True,
        on_delete=models.SET_NULL,
        related_name="+",
        verbose_name=_("by"),
    )
    reason = models.CharField(_("reason"), max_length=300, blank=True)
    at = models.DateTimeField(_("at"))

    class Meta:
        verbose_name = _("change of a registration")
        verbose_name_plural = _("changes of registrations")
        indexes = [models.Index(name="registration_change_of", fields=["registration", "id"])]

    def __str__(self) -> str:
        return f"{self.before} → {self.after}"


class Penalty(models.Model):
    """Points for leaving late or not coming. A mended mark takes exactly its own points away."""

    registration = models.ForeignKey(
        EventRegistration, on_delete=models.CASCADE, related_name="penalties"
    )
    member = models.ForeignKey("accounts.User", on_delete=models.CASCADE, related_name="+")
    points = models.PositiveSmallIntegerField(_("points"))
    cause = models.CharField(_("cause"), max_length=16, choices=Place.choices)
    given_at = models.DateTimeField(_("given"))
    lapses_at = models.DateTimeField(_("lapses"))
    removed_at = models.DateTimeField(_("taken back"), null=True)

    class Meta:
        verbose_name = _("penalty")
        verbose_name_plural = _("penalties")
        constraints = [
            models.UniqueConstraint(
                name="one_penalty_per_cause",
                fields=["registration", "cause"],
                condition=Q(removed_at__isnull=True),
            ),
            models.CheckConstraint(
                name="penalty_is_one_or_two", condition=Q(points__gte=1, points__lte=2)
            ),
        ]
        indexes = [
            models.Index(
                name="penalty_of_member",
                fields=["member", "lapses_at"],
                condition=Q(removed_at__isnull=True),
            )
        ]

    def __str__(self) -> str:
        return str(self.points)
