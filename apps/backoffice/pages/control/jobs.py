"""What the clock does: schedules with their last run, the outbox, dead letters."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from celery.schedules import crontab
from django.conf import settings
from django.db.models import Count, Max, Min
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.dates import WEEKDAYS
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from apps.accounts.services import written_reason
from apps.backoffice.pages.access import for_jobs
from apps.backoffice.pages.control.common import acted, reason_of
from apps.core import outbox
from apps.core.errors import NotFound
from apps.core.models import Delivery, JobRun
from apps.core.services import retry_deliveries

WORDS: dict[str, str | Promise] = {
    "accounts.forget_old": _("Forget old codes and sessions"),
    "accounts.serve_privacy_requests": _("Carry out erasures whose day has come"),
    "accounts.serve_phone_moves": _("Move phones whose day has come"),
    "accounts.watch_codes": _("Watch how many SMS codes are used"),
    "analytics.fit_churn": _("Learn who is about to leave"),
    "analytics.forget_exports": _("Forget old files of figures"),
    "analytics.keep_dashboards": _("Keep the owners' figures for when ClickHouse is down"),
    "analytics.load_facts": _("Load facts into ClickHouse"),
    "analytics.reconcile": _("Compare figures with the books"),
    "analytics.score_churn": _("Reckon who is about to leave"),
    "analytics.snapshot_rfm": _("Sort members into RFM groups"),
    "core.anchor_audit": _("Anchor the audit chain outside of the database"),
    "core.drain_outbox": _("Tell listeners what happened"),
    "core.forget_old": _("Forget old keys and delivered messages"),
    "core.heartbeat": _("Heartbeat of workers"),
    "core.seal_audit": _("Seal the audit log"),
    "core.verify_audit": _("Walk the audit chain"),
    "coupons.audit": _("Prove that settlement knows every discount"),
    "coupons.expire_due": _("End coupons whose day has come"),
    "coupons.make_missing_codes": _("Make the codes that are missing"),
    "crm.continue_backfills": _("Go on reading the past of CRMs"),
    "crm.forget_old": _("Forget old calls of CRMs"),
    "crm.process_waiting_webhooks": _("Work off calls of CRMs"),
    "crm.reconcile_duplicates": _("Join sales that came twice"),
    "crosspromo.hourly": _("Move chains and their budgets"),
    "crosspromo.recompute_matrix": _("Reckon the Win-Win index"),
    "events.sweep": _("Deadlines of events: offers, votes, reminders, ends"),
    "loyalty.audit": _("Prove the ledger"),
    "loyalty.close_month": _("Close the month's settlement"),
    "loyalty.lapse_referrals": _("End invitations that were not used"),
    "loyalty.move_offers": _("Begin and end offers"),
    "loyalty.nightly": _("Bonuses wake and lapse, tiers move"),
    "loyalty.refresh_exposure": _("Reckon what partners owe"),
    "loyalty.time_out_holds": _("Release holds whose time is over"),
    "loyalty.warn": _("Warn of bonuses that lapse and of tiers"),
    "notifications.deliver_due": _("Send messages whose time has come"),
    "notifications.forget_old": _("Forget old messages"),
    "notifications.resume_broadcasts": _("Go on with broadcasts"),
    "notifications.watch_providers": _("Watch the providers of messages"),
    "notifications.weekly_digest": _("Weekly digest of owners"),
}


@dataclass(frozen=True)
class Job:
    """One schedule. `run` is its last run, None before the first; `is_late` when it should have
    run since."""

    name: str
    words: str | Promise
    rhythm: str
    run: JobRun | None
    is_late: bool

    @property
    def is_bad(self) -> bool:
        return self.is_late or (self.run is not None and not self.run.is_ok)


@for_jobs("pages.control")
@require_http_methods(["GET", "POST"])
def jobs(request: HttpRequest) -> HttpResponse:
    if request.method == "POST":
        acted(request, lambda: _retry(request), _("They will be tried again."))
        return redirect("backoffice:jobs")
    at = timezone.now()
    found = schedule(at=at)
    dead = _waiting(Delivery.State.DEAD)
    context = {
        "now": at,
        "jobs": sorted(found, key=lambda one: (not one.is_bad, one.name)),
        "bad": sum(one.is_bad for one in found),
        "dead": dead,
        "waiting": _waiting(Delivery.State.WAITING),
        "oldest": int(outbox.oldest_waiting_seconds()),
    }
    return render(request, "backoffice/control/jobs.html", context)


def schedule(*, at: datetime) -> list[Job]:
    """Everything that Beat rings, with what came of it last: one statement."""
    runs = JobRun.objects.in_bulk()
    return [
        Job(
            name,
            WORDS.get(name, name),
            rhythm(entry["schedule"]),
            run := runs.get(entry["task"]),
            run is not None and is_late(entry["schedule"], run.started_at, at=at),
        )
        for name, entry in settings.CELERY_BEAT_SCHEDULE.items()
    ]


def rhythm(when: Any) -> str:
    """`every 30 seconds`, `every day at 3:00`."""
    if isinstance(when, crontab):
        return _of_crontab(when)
    seconds = int(when)
    if seconds == 60:
        return str(_("every minute"))
    if seconds % 60:
        return ngettext("every %(n)d second", "every %(n)d seconds", seconds) % {"n": seconds}
    minutes = seconds // 60
    return ngettext("every %(n)d minute", "every %(n)d minutes", minutes) % {"n": minutes}


def _of_crontab(when: crontab) -> str:
    """In the words that our own schedules need; anything else as cron writes it."""
    minute, hour, weekday = (
        str(part) for part in (when._orig_minute, when._orig_hour, when._orig_day_of_week)
    )
    plain = str(when._orig_day_of_month) == str(when._orig_month_of_year) == "*"
    if plain and minute.startswith("*/") and hour == weekday == "*":
        return rhythm(60 * int(minute.removeprefix("*/")))
    if not (plain and minute.isdigit()):
        return str(when)
    if weekday == "*" and (hour == "*" or "-" in hour):
        return _each_hour(hour, minute)
    times = [f"{one}:{int(minute):02d}" for one in hour.split(",") if one.isdigit()]
    return _at_times(", ".join(times), weekday) or str(when)


def _each_hour(hour: str, minute: str) -> str:
    if hour == "*":
        return str(_("every hour at %(minute)s minutes")) % {"minute": minute}
    since, until = hour.split("-")
    words = _("every hour from %(since)s to %(until)s, at %(minute)s minutes")
    return str(words) % {"since": since, "until": until, "minute": minute}


def _at_times(times: str, weekday: str) -> str:
    if times and weekday == "*":
        return str(_("every day at %(time)s")) % {"time": times}
    if times and weekday.isdigit():
        day = WEEKDAYS[(int(weekday) - 1) % 7]  # cron counts from Sunday
        return str(_("every week, %(day)s at %(time)s")) % {"day": day.lower(), "time": times}
    return ""


def is_late(when: Any, started_at: datetime, *, at: datetime) -> bool:
    """It should have run again, and ten minutes more have passed (a few rounds of a quick one)."""
    if isinstance(when, crontab):
        due = started_at + when.remaining_estimate(started_at) + (at - timezone.now())
        return at > due + timedelta(minutes=10)
    return at - started_at > timedelta(seconds=max(600, 3 * int(when)))


def _waiting(state: str) -> list[dict[str, Any]]:
    """Deliveries of a state by listener, most first."""
    rows = Delivery.objects.filter(state=state).values("listener")
    told = rows.annotate(
        count=Count("pk"), oldest=Min("message__created_at"), error=Max("last_error")
    )
    return list(told.order_by("-count", "listener"))


def _retry(request: HttpRequest) -> None:
    listener = request.POST.get("listener", "")
    if not Delivery.objects.filter(listener=listener, state=Delivery.State.DEAD).exists():
        raise NotFound
    reason = written_reason("outbox.retry", reason_of(request), by=request.user)
    retry_deliveries(listeners=[listener], by=request.user, reason=reason)
