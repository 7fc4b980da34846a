"""The system's own records: who did what, what waits to be told, what runs when."""

import json
import re
from collections.abc import Iterator
from typing import Any

import cron_descriptor
from django.contrib import admin
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.db.models import CharField, Count, OuterRef, QuerySet, Subquery, Value
from django.db.models.functions import Concat, Left
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.text import capfirst
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext_lazy as _
from django_celery_beat import models as beat
from django_otp.plugins.otp_static.models import StaticDevice
from unfold.contrib.filters.admin import DropdownFilter
from unfold.decorators import display

from apps.core import outbox, services
from apps.core.admin_base import (
    EMPTY,
    ReadonlyAdmin,
    ReadonlyInline,
    badge,
    code,
    column,
    days,
    link,
    link_by_id,
    links,
    moment,
    with_reason,
)
from apps.core.fact_names import fact_name
from apps.core.models import AuditEntry, AuditSeal, Delivery, IdempotencyKey, Message

# Roles are jobs and memberships, given by services; second factors are secrets. Schedules that the
# project does not use have no page either.
HIDDEN = [Group, StaticDevice, beat.SolarSchedule, beat.ClockedSchedule]
SCHEDULES = [beat.PeriodicTask, beat.CrontabSchedule, beat.IntervalSchedule]
for model in HIDDEN + SCHEDULES:
    admin.site.unregister(model)

MACHINE_WORD = re.compile(r"[a-z_]+")
STATES = {
    Delivery.State.WAITING: (_("waits"), "warn"),
    Delivery.State.DONE: (_("delivered"), "good"),
    Delivery.State.DEAD: (_("given up"), "bad"),
}


# --- audit ---------------------------------------------------------------------------------------
def why_shown(reason: str) -> str:
    """What a person wrote; one word of a job stands as a word of the machine."""
    return code(reason) if MACHINE_WORD.fullmatch(reason) else reason


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadonlyAdmin):
    list_display = ["when", "who", "what", "on", "why", "where"]
    list_display_links = ["when"]
    list_filter = [days("at", _("Time"))]
    search_fields = ["action__exact", "object_id__exact", "request_id__exact"]
    search_help_text = _("Whole action, number of an object or of a request")
    ordering = ["-id"]
    fields = [
        "when",
        "who",
        "job",
        "what",
        "on",
        "business",
        "why",
        "proof",
        "where",
        "request_known",
    ]

    when = moment("at", _("Time"))
    what = column("action", _("Action"), show=code)
    why = column("reason", _("Reason"), show=why_shown)
    proof = column("digest", _("Digest of the change"), show=code)
    where = column("address", _("Network address"))
    request_known = column("request_id", _("Request"), show=code)

    def get_queryset(self, request: HttpRequest) -> QuerySet[AuditEntry]:
        name = Concat("first_name", Value(" "), Left("last_name", 1), output_field=CharField())
        people = get_user_model().objects.filter(pk=OuterRef("actor_id"))
        return super().get_queryset(request).annotate(actor_name=Subquery(people.values_list(name)))

    @display(description=_("Who"))
    def who(self, entry: AuditEntry) -> Any:
        if entry.actor_id is None:
            return _("the system")
        name = (entry.actor_name or "").strip()
        return link_by_id("user", entry.actor_id, f"{name}." if " " in name else name)

    @display(description=_("Job"))
    def job(self, entry: AuditEntry) -> str:
        names = dict(get_user_model()._meta.get_field("job").flatchoices)
        return str(names.get(entry.actor_job, entry.actor_job)) if entry.actor_job else EMPTY

    @display(description=_("Object"))
    def on(self, entry: AuditEntry) -> str:
        return link_by_id(entry.object_type, entry.object_id)

    @display(description=_("Business"))
    def business(self, entry: AuditEntry) -> str:
        return link_by_id("business", entry.business_id)


@admin.register(AuditSeal)
class AuditSealAdmin(ReadonlyAdmin):
    """Links of the chain over the audit log; `manage.py verify_audit` reckons them anew."""

    list_display = ["number", "kind_shown", "upto", "sealed", "link_hash"]
    list_filter = [days("sealed_at", _("Sealed"))]
    search_fields = ["entry_id__exact"]
    search_help_text = _("Number of an audit row")
    ordering = ["-entry_id"]
    fields = ["number", "kind_shown", "upto", "sealed", "link_hash"]

    number = column("entry_id", _("Number"), show=str)
    upto = column("last_id", _("Up to number"), show=str)
    kind_shown = column("get_kind_display", _("Kind"), show=lambda words: words())
    sealed = moment("sealed_at", _("Sealed"))
    link_hash = column("hash", _("Link of the chain"), show=code)


# --- outbox --------------------------------------------------------------------------------------
class StateFilter(DropdownFilter):
    title = _("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterator[tuple[str, Any]]:
        return ((str(state), words) for state, (words, _tone) in STATES.items())

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        return queryset.filter(state=self.value()) if self.value() else queryset


def listener_name(dotted: str) -> str:
    """`analytics · TRANSACTION_FACTS` of `apps.analytics.loader.TRANSACTION_FACTS@batch`."""
    parts = dotted.removesuffix(outbox.BATCH).split(".")
    return code(f"{parts[1]} · {parts[-1]}" if len(parts) > 2 else dotted)


def fact_shown(topic: str) -> str:
    """Its name, and under it the code by which it is looked for."""
    name = capfirst(fact_name(topic))
    return format_html('{} <span class="sk-under">{}</span>', name, code(topic))


class DeliveryColumns:
    """How a delivery is written in its own list and on its message's page."""

    number = column("sequence", _("Number"), show=str)
    topic = column("message__topic", _("Fact"), show=fact_shown)
    to_message = column("message", _("Message"), show=link)
    who_hears = column("listener", _("Listener"), show=listener_name)
    due = moment("due_at", _("Next attempt"))
    tries = column("attempts", _("Attempts"))
    trouble = column("last_error", _("Last error"), show=code)
    heard = moment("done_at", _("Delivered at"))

    state_shown = column("state", _("State"), show=lambda state: badge(*STATES[state]))


@admin.register(Delivery)
class DeliveryAdmin(DeliveryColumns, ReadonlyAdmin):
    list_display = ["number", "topic", "who_hears", "state_shown", "due", "tries", "trouble"]
    list_filter = [StateFilter, days("due_at", _("Next attempt"))]
    list_select_related = ["message"]
    search_fields = ["listener__exact", "message__topic__exact"]
    search_help_text = _("Whole code of a listener or of a fact")
    ordering = ["-sequence"]
    actions = ["retry"]
    list_disable_select_all = True
    fields = [
        "to_message",
        "topic",
        "who_hears",
        "state_shown",
        "due",
        "tries",
        "trouble",
        "heard",
        "batch",
    ]

    @display(description=_("Batch"))
    def batch(self, delivery: Delivery) -> str:
        return link_by_id("factbatch", delivery.batch_id)

    def has_retry_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("core.change_delivery"))

    @admin.action(description=_("Retry all that these listeners gave up"), permissions=["retry"])
    @with_reason
    def retry(self, request: HttpRequest, chosen: QuerySet[Delivery], *, reason: str) -> None:
        count = services.retry_deliveries(
            listeners=chosen.values_list("listener", flat=True),
            by=request.user,
            reason=reason,
        )
        words = ngettext(
            "%(count)d delivery will be tried again.",
            "%(count)d deliveries will be tried again.",
            count,
        )
        self.message_user(request, words % {"count": count})


class DeliveryInline(DeliveryColumns, ReadonlyInline):
    model = Delivery
    fields = ["who_hears", "state_shown", "due", "tries", "trouble"]


@admin.register(Message)
class MessageAdmin(ReadonlyAdmin):
    list_display = ["fact", "written", "listeners"]
    list_filter = [days("created_at", _("Time"))]
    search_fields = ["topic__exact", "id__exact"]
    search_help_text = _("Whole code of a fact, or number of a message")
    ordering = ["-id"]
    fields = ["fact", "written", "content"]
    inlines = [DeliveryInline]

    fact = column("topic", _("Fact"), show=fact_shown)
    written = moment("created_at", _("Written"))
    listeners = column("heard_by", _("Listeners"))

    def get_queryset(self, request: HttpRequest) -> QuerySet[Message]:
        return super().get_queryset(request).annotate(heard_by=Count("deliveries"))

    @display(description=_("Content"))
    def content(self, message: Message) -> str:
        return format_html(
            '<pre class="sk-code">{}</pre>',
            json.dumps(message.payload, ensure_ascii=False, indent=2),
        )


# --- keys ----------------------------------------------------------------------------------------
@admin.register(IdempotencyKey)
class IdempotencyKeyAdmin(ReadonlyAdmin):
    """Without the stored answer: it may hold what only its owner should read."""

    list_display = ["first_used", "used_for", "key_shown", "by", "answered"]
    list_display_links = ["first_used"]
    list_filter = [days("created_at", _("Time"))]
    search_fields = ["key__exact", "actor__exact"]
    search_help_text = _("Whole key, or number of a person")
    ordering = ["-id"]
    fields = ["first_used", "used_for", "key_shown", "by", "answered"]

    first_used = moment("created_at", _("First used"))
    used_for = column("route", _("Request"), show=code)
    key_shown = column("key", _("Key"), show=code)
    answered = column("status", _("Answer's code"))

    @display(description=_("Who"))
    def by(self, row: IdempotencyKey) -> str:
        return link_by_id("user", row.actor)


# --- schedules -----------------------------------------------------------------------------------
class ScheduleAdmin(ReadonlyAdmin):
    """Read-only: schedules stand in the code, and Beat writes them here anew at each start."""


def in_words(crontab: beat.CrontabSchedule) -> str:
    """`В 00:05` of `5 0 * * *`; the model's own words are always English."""
    options = cron_descriptor.Options()
    options.locale_code = "ru_RU" if get_language() == "ru" else "en_US"
    options.use_24hour_time_format = True
    parts = (
        crontab.minute,
        crontab.hour,
        crontab.day_of_month,
        crontab.month_of_year,
        crontab.day_of_week,
    )
    return cron_descriptor.get_description(" ".join(parts), options)


# What they call themselves is cron's own notation, in English.
beat.CrontabSchedule.__str__ = in_words
beat.PeriodicTask.__str__ = lambda task: task.name


@admin.register(beat.PeriodicTask)
class PeriodicTaskAdmin(ScheduleAdmin):
    list_display = ["named", "rhythm", "last_run", "runs", "on"]
    list_filter = ["enabled"]
    list_select_related = ["interval", "crontab"]
    search_fields = ["name", "task"]
    ordering = ["name"]
    fields = ["named", "called", "rhythm", "on", "last_run", "runs"]

    named = column("name", _("Name"), show=code)
    called = column("task", _("Task"), show=code)
    last_run = moment("last_run_at", _("Last run"))
    runs = column("total_run_count", _("Runs"), show=str)

    @display(description=_("Schedule"))
    def rhythm(self, task: beat.PeriodicTask) -> str:
        return in_words(task.crontab) if task.crontab else str(task.interval)

    @display(description=_("State"))
    def on(self, task: beat.PeriodicTask) -> str:
        return badge(_("on"), "good") if task.enabled else badge(_("off"))


class TasksColumn:
    @display(description=_("Lists"))
    def tasks(self, schedule: Any) -> str:
        kind = schedule._meta.model_name.removesuffix("schedule")
        words = _("Tasks of this schedule")
        return links([("django_celery_beat_periodictask", words, {f"{kind}__id": schedule.pk})])


@admin.register(beat.CrontabSchedule)
class CrontabScheduleAdmin(TasksColumn, ScheduleAdmin):
    list_display = ["rhythm", "clock"]
    fields = ["rhythm", "clock", "tasks"]

    clock = column("timezone", _("Time zone"), show=code)

    @display(description=_("Schedule"))
    def rhythm(self, crontab: beat.CrontabSchedule) -> str:
        return in_words(crontab)


@admin.register(beat.IntervalSchedule)
class IntervalScheduleAdmin(TasksColumn, ScheduleAdmin):
    list_display = ["rhythm"]
    fields = ["rhythm", "tasks"]

    @display(description=_("Schedule"))
    def rhythm(self, interval: beat.IntervalSchedule) -> str:
        return str(interval)
