"""Connections, their runs, and the reading of the past."""

from typing import Any

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from apps.core.ids import new_id
from apps.crm.enums import RunState, State, System, Trigger, Trouble


class CRMIntegration(models.Model):
    """`options` are plain settings of the system (ids, zone, names of fields); secrets are only in
    the sealed columns. `cursor`: everything before it was read without a fault."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    business = models.ForeignKey(
        "businesses.Business",
        on_delete=models.PROTECT,
        related_name="+",
        verbose_name=_("business"),
    )
    system = models.CharField(_("system"), max_length=12, choices=System.choices)
    base_url = models.CharField(_("address"), max_length=200)
    free_address = models.BooleanField(_("own server of the partner"), default=False)
    options = models.JSONField(_("settings of the system"), default=dict, blank=True)
    credentials_sealed = models.TextField(blank=True)
    credentials_hint = models.CharField(_("end of the key"), max_length=4, blank=True)
    tokens_sealed = models.TextField(blank=True)
    refresh_digest = models.CharField(max_length=64, blank=True)
    refresh_started_at = models.DateTimeField(null=True)
    reconnect_by = models.DateTimeField(
        null=True, help_text="The token pair was lost; the access token still works until then"
    )
    webhook_digest = models.CharField(max_length=64, unique=True)
    webhook_sealed = models.TextField()
    secret_sealed = models.TextField(blank=True)
    secret_before_sealed = models.TextField(blank=True)
    secret_before_until = models.DateTimeField(null=True)
    state = models.CharField(_("state"), max_length=8, choices=State.choices, default=State.DRAFT)
    trouble = models.CharField(_("trouble"), max_length=12, choices=Trouble.choices, blank=True)
    troubled_at = models.DateTimeField(null=True)
    failures = models.PositiveSmallIntegerField(default=0)
    pauses = models.PositiveSmallIntegerField(default=0)
    paused_until = models.DateTimeField(null=True)
    cursor = models.DateTimeField(_("read up to"), null=True)
    reread_at = models.DateTimeField(_("older days read again"), null=True)
    last_success_at = models.DateTimeField(_("last synchronisation"), null=True)
    poll_minutes = models.PositiveSmallIntegerField(
        _("asked every, min"), validators=[MinValueValidator(1), MaxValueValidator(1440)]
    )
    lookback_days = models.PositiveSmallIntegerField(
        _("days read again"), validators=[MinValueValidator(1), MaxValueValidator(120)]
    )
    enrols = models.BooleanField(_("unknown phones become members"), default=False)
    writes_back = models.BooleanField(_("write the tier into the system"), default=False)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = _("connection to a CRM")
        verbose_name_plural = _("connections to CRMs")
        ordering = ["business__name", "system"]
        constraints = [
            models.UniqueConstraint(
                name="one_connection_per_system", fields=["business", "system"]
            ),
            models.CheckConstraint(
                name="connection_system_known", condition=Q(system__in=System.values)
            ),
            models.CheckConstraint(
                name="connection_state_known", condition=Q(state__in=State.values)
            ),
            models.CheckConstraint(
                name="connection_trouble_known",
                condition=Q(trouble="") | Q(trouble__in=Trouble.values),
            ),
            models.CheckConstraint(
                name="connection_polls_at_least_daily",
                condition=Q(poll_minutes__gte=1, poll_minutes__lte=1440),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.business} · {self.get_system_display()}"

    @property
    def zone(self) -> str:
        return str(self.options.get("zone") or self.business.zone)

    def option(self, name: str, default: Any = "") -> Any:
        return self.options.get(name, default)


class SyncRun(models.Model):
    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    integration = models.ForeignKey(CRMIntegration, on_delete=models.CASCADE, related_name="runs")
    trigger = models.CharField(_("started"), max_length=8, choices=Trigger.choices)
    state = models.CharField(
        _("state"), max_length=8, choices=RunState.choices, default=RunState.RUNNING
    )
    trouble = models.CharField(_("trouble"), max_length=12, choices=Trouble.choices, blank=True)
    note = models.CharField(_("note"), max_length=200, blank=True)
    since = models.DateTimeField(_("from"))
    until = models.DateTimeField(_("to"))
    received = models.PositiveIntegerField(_("received"), default=0)
    applied = models.PositiveIntegerField(_("applied records"), default=0)
    repeated = models.PositiveIntegerField(_("known already"), default=0)
    set_aside = models.PositiveIntegerField(_("put aside"), default=0)
    started_at = models.DateTimeField(_("began"), default=timezone.now)
    ended_at = models.DateTimeField(_("ended"), null=True)

    class Meta:
        verbose_name = _("synchronisation")
        verbose_name_plural = _("synchronisations")
        constraints = [
            models.CheckConstraint(name="run_state_known", condition=Q(state__in=RunState.values)),
            models.CheckConstraint(
                name="run_trigger_known", condition=Q(trigger__in=Trigger.values)
            ),
            models.CheckConstraint(
                name="ended_run_has_time", condition=Q(state="running") | Q(ended_at__isnull=False)
            ),
        ]
        indexes = [
            # the log of a connection, newest first; figures of the last 24 hours
            models.Index(name="run_of_connection", fields=["integration", "-started_at"]),
            # runs that a killed worker left
            models.Index(
                name="run_still_open", fields=["integration"], condition=Q(state="running")
            ),
        ]

    def __str__(self) -> str:
        return f"{timezone.localtime(self.started_at):%d.%m.%Y %H:%M}"


class Backfill(models.Model):
    """The past, read from `since` to `until` in windows; `done_until` grows with each of them."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    integration = models.ForeignKey(
        CRMIntegration, on_delete=models.CASCADE, related_name="backfills"
    )
    since = models.DateTimeField()
    until = models.DateTimeField()
    done_until = models.DateTimeField()
    received = models.PositiveIntegerField(default=0)
    applied = models.PositiveIntegerField(default=0)
    trouble = models.CharField(max_length=12, choices=Trouble.choices, blank=True)
    started_at = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("reading of the past")
        verbose_name_plural = _("readings of the past")
        constraints = [
            models.CheckConstraint(
                name="backfill_goes_forward",
                condition=Q(since__lte=models.F("done_until"))
                & Q(done_until__lte=models.F("until")),
            ),
            models.UniqueConstraint(
                name="one_open_backfill",
                fields=["integration"],
                condition=Q(ended_at__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.since:%d.%m.%Y} – {self.until:%d.%m.%Y}"

    @property
    def percent(self) -> int:
        whole = (self.until - self.since).total_seconds()
        return int(100 * (self.done_until - self.since).total_seconds() / whole) if whole else 100
