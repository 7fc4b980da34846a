"""A job at the network that one superadmin asks for and another one confirms."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from apps.accounts.enums import Job, JobRequestState
from apps.core.ids import new_id

LIVES = timedelta(days=7)


class JobRequest(models.Model):
    """`admin` or `superadmin` for a person. Who asks does not confirm, and nobody decides about
    herself; what nobody confirms in seven days lapses."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        related_name="+",
        verbose_name=_("person"),
    )
    job = models.CharField(_("job"), max_length=20, choices=Job.choices)
    reason = models.CharField(_("reason"), max_length=500)
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        related_name="+",
        verbose_name=_("asked by"),
    )
    asked_at = models.DateTimeField(_("asked"))
    state = models.CharField(
        _("state"), max_length=12, choices=JobRequestState.choices, default=JobRequestState.OPEN
    )
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        verbose_name=_("decided by"),
    )
    decided_at = models.DateTimeField(_("decided"), null=True)

    class Meta:
        verbose_name = _("request for a role")
        verbose_name_plural = _("requests for roles")
        constraints = [
            models.CheckConstraint(
                name="job_request_is_senior", condition=Q(job__in=[Job.ADMIN, Job.SUPERADMIN])
            ),
            models.CheckConstraint(
                name="job_request_not_for_herself", condition=~Q(person=F("asked_by"))
            ),
            models.CheckConstraint(
                name="job_request_state_known",
                condition=Q(state__in=[value for value, _n in JobRequestState.choices]),
            ),
            models.CheckConstraint(
                name="job_request_decided_with_time",
                condition=Q(state=JobRequestState.OPEN, decided_at__isnull=True)
                | (~Q(state=JobRequestState.OPEN) & Q(decided_at__isnull=False)),
            ),
            models.CheckConstraint(
                name="job_request_confirmed_by_second",
                condition=~Q(state=JobRequestState.CONFIRMED)
                | (
                    Q(decided_by__isnull=False)
                    & ~Q(decided_by=F("asked_by"))
                    & ~Q(decided_by=F("person"))
                ),
            ),
            models.UniqueConstraint(
                name="one_open_job_request",
                fields=["person"],
                condition=Q(state=JobRequestState.OPEN),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_job_display()}, {timezone.localtime(self.asked_at):%d.%m.%Y}"

    def is_over(self, *, at: datetime) -> bool:
        return at >= self.asked_at + LIVES
