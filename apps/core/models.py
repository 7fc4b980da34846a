"""Nouns that belong to no single domain.

* IdempotencyKey: the stored first answer of a POST that moves value; key, effect and answer
  commit together.
* Message, Delivery: the outbox. A fact commits with what it tells of; each listener has one
  delivery of it (unique pair), which a worker leases, works on and marks done.
* AuditEntry: who did what to which object and why; written in the same transaction, never
  changed (trigger).
* AuditSeal: the hash chain over audit rows; a number that a rolled-back transaction took is
  explained by a seal of its own.
* Counter: rate limits that must hold even when Redis is down.
* Beat: a moment and a note that a page asks for (heartbeat, state of the audit chain).
* JobRun: the last run of a scheduled task and what came of it.
"""

import pgtrigger
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from apps.core.fact_names import fact_name
from apps.core.ids import end_of, new_id


class IdempotencyKey(models.Model):
    actor = models.CharField(max_length=64)
    route = models.CharField(max_length=200)
    key = models.CharField(max_length=255)
    body_hash = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField()
    answer = models.TextField(help_text="JSON of `data` as first answered, sealed")
    created_at = models.DateTimeField(default=timezone.now, db_index=True)

    class Meta:
        verbose_name = _("idempotency key")
        verbose_name_plural = _("idempotency keys")
        constraints = [
            models.UniqueConstraint(name="one_answer_per_key", fields=["actor", "route", "key"])
        ]

    def __str__(self) -> str:
        return f"№{self.pk}"


class Message(models.Model):
    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    topic = models.CharField(max_length=64)
    payload = models.JSONField()
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = _("message")
        verbose_name_plural = _("messages")

    def __str__(self) -> str:
        return f"{fact_name(self.topic)} …{end_of(self.id)}"


class Delivery(models.Model):
    """One listener's copy. `sequence` grows with every row and versions facts in ClickHouse."""

    class State(models.TextChoices):
        WAITING = "waiting"
        DONE = "done"
        DEAD = "dead"

    sequence = models.BigAutoField(primary_key=True)
    message = models.ForeignKey(Message, on_delete=models.CASCADE, related_name="deliveries")
    listener = models.CharField(max_length=120)
    state = models.CharField(max_length=8, choices=State.choices, default=State.WAITING)
    due_at = models.DateTimeField(default=timezone.now)
    attempts = models.PositiveSmallIntegerField(default=0)
    batch_id = models.UUIDField(null=True, help_text="Set when a batch loader froze it")
    last_error = models.CharField(max_length=500, blank=True)
    done_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("delivery")
        verbose_name_plural = _("deliveries")
        constraints = [
            models.UniqueConstraint(
                name="one_delivery_per_listener", fields=["message", "listener"]
            ),
            models.CheckConstraint(
                name="delivery_state_known", condition=Q(state__in=["waiting", "done", "dead"])
            ),
            models.CheckConstraint(
                name="done_delivery_has_time", condition=~Q(state="done") | Q(done_at__isnull=False)
            ),
        ]
        indexes = [
            # the drain takes the first due row of all, however many wait; batches never enter
            models.Index(
                name="delivery_due",
                fields=["due_at", "sequence"],
                condition=Q(state="waiting") & ~Q(listener__endswith="@batch"),
            ),
            # a batch loader asks for its own; done rows never enter the index
            models.Index(
                name="delivery_waiting", fields=["listener", "due_at"], condition=Q(state="waiting")
            ),
            # dead letters are few, and counted at every scrape
            models.Index(name="delivery_dead", fields=["listener"], condition=Q(state="dead")),
            # a batch loader re-reads the rows it froze
            models.Index(
                name="delivery_batch", fields=["batch_id"], condition=Q(batch_id__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return f"№ {self.sequence}"


class AuditEntry(models.Model):
    id = models.BigAutoField(primary_key=True)
    at = models.DateTimeField(default=timezone.now)
    actor_id = models.UUIDField(null=True, help_text="Empty for jobs and commands")
    actor_job = models.CharField(max_length=20, blank=True)
    session_id = models.CharField(max_length=64, blank=True)
    address = models.GenericIPAddressField(null=True)
    action = models.CharField(max_length=64)
    object_type = models.CharField(max_length=64)
    object_id = models.CharField(max_length=64)
    business_id = models.UUIDField(null=True)
    reason = models.CharField(max_length=500, blank=True)
    digest = models.CharField(max_length=64, blank=True, help_text="SHA-256 of what was changed")
    request_id = models.CharField(max_length=36, blank=True)

    class Meta:
        verbose_name = _("audit entry")
        verbose_name_plural = _("audit entries")
        indexes = [
            models.Index(name="audit_of_object", fields=["object_id", "object_type", "-id"]),
            models.Index(name="audit_by_time", fields=["-at", "-id"]),
            models.Index(name="audit_by_actor", fields=["actor_id", "-id"]),
            models.Index(name="audit_by_action", fields=["action", "-id"]),
        ]
        triggers = [
            pgtrigger.Protect(
                name="audit_append_only", operation=pgtrigger.Update | pgtrigger.Delete
            )
        ]

    def __str__(self) -> str:
        return f"№{self.pk}"


class AuditSeal(models.Model):
    """One link: SHA-256 of the link before and of a row, or of a gap in the numbers.

    `entry_id` is the row's number; a gap runs from `entry_id` to `last_id`. No foreign key: the
    chain must be able to tell of a row that is gone.
    """

    class Kind(models.TextChoices):
        ROW = "row", _("row")
        GAP = "gap", _("gap")

    entry_id = models.BigIntegerField(unique=True)
    last_id = models.BigIntegerField()
    kind = models.CharField(max_length=4, choices=Kind.choices, default=Kind.ROW)
    hash = models.CharField(max_length=64)
    sealed_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = _("audit seal")
        verbose_name_plural = _("audit seals")
        constraints = [
            models.CheckConstraint(
                name="seal_of_row_or_gap",
                condition=Q(kind="row", last_id=F("entry_id"))
                | Q(kind="gap", last_id__gte=F("entry_id")),
            )
        ]
        triggers = [
            pgtrigger.Protect(
                name="seal_append_only", operation=pgtrigger.Update | pgtrigger.Delete
            )
        ]

    def __str__(self) -> str:
        return f"№{self.entry_id}"


class Counter(models.Model):
    """A window of attempts: (name, key) and when it ends."""

    name = models.CharField(max_length=40)
    key = models.CharField(max_length=64, help_text="A digest, never a phone or an address")
    count = models.PositiveIntegerField(default=1)
    ends_at = models.DateTimeField(db_index=True)

    class Meta:
        constraints = [models.UniqueConstraint(name="one_counter_per_key", fields=["name", "key"])]

    def __str__(self) -> str:
        return f"{self.name} {self.count}"


class Beat(models.Model):
    name = models.CharField(max_length=64, primary_key=True)
    at = models.DateTimeField()
    note = models.CharField(max_length=200, blank=True)

    def __str__(self) -> str:
        return self.name


class JobRun(models.Model):
    task = models.CharField(_("task"), max_length=120, primary_key=True)
    started_at = models.DateTimeField(_("last run"))
    took_ms = models.PositiveIntegerField(_("took, ms"))
    is_ok = models.BooleanField(_("went well"))
    told = models.CharField(_("result"), max_length=200, blank=True)
    failed_at = models.DateTimeField(_("last failure"), null=True)
    failures = models.PositiveIntegerField(_("failures in a row"), default=0)

    class Meta:
        verbose_name = _("run of a job")
        verbose_name_plural = _("runs of jobs")

    def __str__(self) -> str:
        return self.task
