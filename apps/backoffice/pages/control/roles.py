"""Who may do what in the network: for superadmins. A senior role wants two of them."""

from uuid import UUID

from django.contrib import messages
from django.db.models import Count
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from apps.accounts import freshness, services
from apps.accounts.enums import Job, JobRequestState
from apps.accounts.models import JobRequest, User
from apps.accounts.models.job_requests import LIVES
from apps.accounts.queries import find_person
from apps.backoffice.pages.access import for_jobs
from apps.backoffice.pages.control.common import acted, reason_of

CHANGE = "users.role"
HISTORY = 10
# What may be given here. Jobs at a business follow its own staff page.
GIVEN = [Job.ADMIN, Job.SUPERADMIN, Job.NONE]


@for_jobs("pages.roles")
@require_http_methods(["GET", "POST"])
def roles(request: HttpRequest) -> HttpResponse:
    if request.method == "POST":
        return _act(request)
    at = timezone.now()
    requests = JobRequest.objects.select_related("person", "asked_by", "decided_by")
    waiting = requests.filter(state=JobRequestState.OPEN, asked_at__gt=at - LIVES)
    seniors = User.objects.filter(job__in=[Job.ADMIN, Job.SUPERADMIN])
    counted = User.objects.filter(job__in=[Job.STAFF, Job.OWNER]).values_list("job")
    context = {
        "now": at,
        "waiting": [
            (one, one.asked_by_id == request.user.pk, one.person_id == request.user.pk)
            for one in waiting.order_by("asked_at")
        ],
        "past": list(requests.exclude(pk__in=waiting.values("pk")).order_by("-asked_at")[:HISTORY]),
        "seniors": list(seniors.order_by("-job", "first_name", "last_name")),
        "counts": dict(counted.annotate(people=Count("pk"))),
        "jobs": [(job.value, job.label or _("no role of the network")) for job in GIVEN],
    }
    return render(request, "backoffice/control/roles.html", context)


def _act(request: HttpRequest) -> HttpResponse:
    back = reverse("backoffice:roles")
    away = freshness.stale(request, CHANGE, back=back)
    if away:
        return away
    act = request.POST.get("act")
    if act == "give":
        _give(request)
    elif act in ("confirm", "decline"):
        _decide(request, is_confirmed=act == "confirm")
    return redirect(back)


def _give(request: HttpRequest) -> None:
    who, job = find_person(request.POST.get("who", "").strip()), request.POST.get("job", "")
    if who is None:
        messages.error(request, _("Nobody has exactly this phone, e-mail or card number."))
        return
    if job not in [str(one) for one in GIVEN]:
        messages.error(request, _("Choose a role."))
        return
    asked: list[JobRequest | None] = []
    done = acted(
        request,
        lambda: asked.append(
            services.set_job(user=who, job=Job(job), by=request.user, reason=reason_of(request))
        ),
        _("The request is noted."),
    )
    if done and asked[0] is None:
        messages.success(request, _("The role is changed at once."))
    elif done:
        messages.success(request, _("Another superadmin confirms it within seven days."))


def _decide(request: HttpRequest, *, is_confirmed: bool) -> None:
    try:
        row_id = UUID(request.POST.get("row", ""))
    except ValueError as wrong:
        raise Http404 from wrong
    at = timezone.now()
    if is_confirmed:
        acted(
            request,
            lambda: services.confirm_job(request_id=row_id, by=request.user, at=at),
            _("Confirmed: she has the role."),
        )
        return
    acted(
        request,
        lambda: services.decline_job(
            request_id=row_id, by=request.user, reason=reason_of(request), at=at
        ),
        _("Declined: nothing has changed."),
    )
