"""What came in and what was asked, without anything personal."""

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from apps.core.ids import new_id
from apps.crm.enums import EventState, Level, Trouble
from apps.crm.models.integrations import CRMIntegration, SyncRun


class WebhookEvent(models.Model):
    """`refs` are entity and id of what changed; the body itself is not kept."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    integration = models.ForeignKey(CRMIntegration, on_delete=models.CASCADE, related_name="events")
    digest = models.CharField(max_length=64)
    level = models.CharField(max_length=1, choices=Level.choices)
    topic = models.CharField(_("topic"), max_length=60, blank=True)
    refs = models.JSONField(default=list)
    state = models.CharField(
        _("state"), max_length=8, choices=EventState.choices, default=EventState.WAITING
    )
    attempts = models.PositiveSmallIntegerField(default=0)
    due_at = models.DateTimeField(default=timezone.now)
    received_at = models.DateTimeField(_("received"), default=timezone.now)
    done_at = models.DateTimeField(_("done"), null=True)

    class Meta:
        verbose_name = _("call of a CRM")
        verbose_name_plural = _("calls of CRMs")
        constraints = [
            models.UniqueConstraint(name="one_event_per_digest", fields=["integration", "digest"]),
            models.CheckConstraint(
                name="event_state_known", condition=Q(state__in=EventState.values)
            ),
        ]
        indexes = [
            # what still waits for its object to be read
            models.Index(name="event_waiting", fields=["due_at"], condition=Q(state="waiting")),
            # calls of a connection, newest first; forgetting after 30 days
            models.Index(name="event_of_connection", fields=["integration", "-received_at"]),
        ]

    def __str__(self) -> str:
        return f"{self.topic} {self.received_at:%d.%m.%Y %H:%M}"


class CallLog(models.Model):
    """One request to a system. `path` has no query: a phone may stand there."""

    integration = models.ForeignKey(CRMIntegration, on_delete=models.CASCADE, related_name="calls")
    run = models.ForeignKey(SyncRun, null=True, on_delete=models.CASCADE, related_name="calls")
    method = models.CharField(max_length=6)
    path = models.CharField(_("asked"), max_length=200)
    status = models.PositiveSmallIntegerField(_("answer"), null=True)
    trouble = models.CharField(_("trouble"), max_length=12, choices=Trouble.choices, blank=True)
    attempt = models.PositiveSmallIntegerField(default=1)
    size = models.PositiveIntegerField(default=0)
    duration_ms = models.PositiveIntegerField(_("took, ms"), default=0)
    at = models.DateTimeField(_("when"), default=timezone.now)

    class Meta:
        verbose_name = _("request to a CRM")
        verbose_name_plural = _("requests to CRMs")
        indexes = [
            # the journal of a connection, newest first; forgetting after 90 days
            models.Index(name="call_of_connection", fields=["integration", "-at"]),
            # requests of one run
            models.Index(name="call_of_run", fields=["run"]),
        ]

    def __str__(self) -> str:
        return f"{self.method} {self.path}"
