"""The page behind the link at the foot of a letter. Looking changes nothing: scanners of mail open
every link. Its button, or the mail program's own (RFC 8058), posts; the signed address is the key,
so no cookie and no form token is asked for."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from apps.notifications import mailing, services
from apps.notifications.enums import Channel, Topic

app_name = "notifications"


@csrf_exempt
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def leave(request: HttpRequest, token: str) -> HttpResponse:
    leaving = mailing.read_token(token)
    if leaving is None:
        return render(request, "notifications/leave.html", status=400)
    shown = {"leaving": leaving, "question": _question(leaving), "done": ""}
    if request.method == "POST":
        services.leave(leaving=leaving, token=token, at=timezone.now())
        shown["done"] = _done(leaving)
    answer = render(request, "notifications/leave.html", shown)
    answer["Referrer-Policy"] = "no-referrer"  # the address is a key
    return answer


@csrf_exempt
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def stop(request: HttpRequest, code: str) -> HttpResponse:
    """The same for the short address at the end of an advert by SMS."""
    leaving = services.leaving_of(code)
    return leave(request, mailing.leave_token(leaving) if leaving else "")


def _question(leaving: mailing.Leaving) -> str:
    if leaving.topic:
        return _("Stop messages: %(topic)s (%(channel)s)?") % _names(leaving)
    return _("Stop advertising (%(channel)s)?") % _names(leaving)


def _done(leaving: mailing.Leaving) -> str:
    if leaving.topic:
        return _("Messages are stopped: %(topic)s (%(channel)s).") % _names(leaving)
    return _("Advertising is stopped (%(channel)s). It holds from now on.") % _names(leaving)


def _names(leaving: mailing.Leaving) -> dict[str, object]:
    topic = Topic(leaving.topic).label if leaving.topic else ""
    return {"topic": topic, "channel": Channel(leaving.channel).label}


leave.right = stop.right = "messages.leave"  # type: ignore[attr-defined]
urlpatterns = [
    path("u/<str:token>/", leave, name="leave"),
    path("s/<slug:code>/", stop, name="stop"),
]
