from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from apps.events.enums import Work


class Timer(models.Model):
    """Work with a due time. Rows, not queue delays: a broker delivers a long delay twice."""

    event = models.ForeignKey("events.Event", on_delete=models.CASCADE, related_name="timers")
    registration = models.ForeignKey(
        "events.EventRegistration", null=True, on_delete=models.CASCADE, related_name="timers"
    )
    work = models.CharField(_("work"), max_length=16, choices=Work.choices)
    due_at = models.DateTimeField(_("due"))
    done_at = models.DateTimeField(_("done"), null=True)

    class Meta:
        verbose_name = _("timer")
        verbose_name_plural = _("timers")
        constraints = [
            models.UniqueConstraint(
                name="one_waiting_timer",
                fields=["event", "registration", "work"],
                condition=Q(done_at__isnull=True),
                nulls_distinct=False,
            )
        ]
        indexes = [
            models.Index(name="timer_due", fields=["due_at"], condition=Q(done_at__isnull=True))
        ]

    def __str__(self) -> str:
        return self.get_work_display()


class CalendarFeed(models.Model):
    """The secret address of one member's calendar; only its hash is kept."""

    member = models.OneToOneField(
        "accounts.User", primary_key=True, on_delete=models.CASCADE, related_name="+"
    )
    token_hash = models.CharField(max_length=64, unique=True)
    made_at = models.DateTimeField(_("made"))

    class Meta:
        verbose_name = _("calendar feed")
        verbose_name_plural = _("calendar feeds")

    def __str__(self) -> str:
        return str(self.pk)
