"""The first control page: queues with their age, and whether the machine is well."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET

from apps.backoffice.pages.access import for_jobs
from apps.backoffice.queues import queues_of
from apps.core import health as machine
from apps.core.outbox import oldest_waiting_seconds

PARTS = {
    "postgres": _("Database"),
    "redis": _("Cache and queue"),
    "clickhouse": _("Figures"),
    "workerAndBeat": _("Workers and schedules"),
}


@for_jobs("pages.moderation")
@require_GET
def home(request: HttpRequest) -> HttpResponse:
    at = timezone.now()
    queues = queues_of(request.user, at=at)
    waiting = [(one, one.is_late(at)) for one in queues if one.count]
    context = {
        "now": at,
        "waiting": waiting,
        "quiet": [one for one in queues if not one.count],
        "first": waiting[0][0] if waiting else None,
        "late": sum(late for _one, late in waiting),
    }
    return render(request, "backoffice/control/home.html", context)


@for_jobs("pages.control")
@require_GET
def health(request: HttpRequest) -> HttpResponse:
    """Asked by the page after it stands: a dependency that is slow to say no keeps nobody waiting."""
    report = machine.report()
    context = {
        "now": timezone.now(),
        "parts": [(name, report[code] == "ok") for code, name in PARTS.items()],
        "oldest": int(oldest_waiting_seconds()),
    }
    return render(request, "backoffice/control/_health.html", context)
