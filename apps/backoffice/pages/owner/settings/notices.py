"""Which messages about the business reach her, and by which way. Her own choice, not the place's."""

from dataclasses import dataclass

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from apps.backoffice.pages.access import for_jobs
from apps.backoffice.pages.owner.frame import business_of, frame
from apps.backoffice.pages.owner.settings.parts import parts
from apps.notifications.enums import Channel, Topic
from apps.notifications.kinds import ALL
from apps.notifications.queries import mutes_of
from apps.notifications.services import set_preferences

# What comes under the topic of work, in the owner's words.
SAID: dict[str, str | Promise] = {
    "statement_ready": gettext_lazy("the settlement of a month is ready to be confirmed"),
    "export_ready": gettext_lazy("a file you asked for is ready"),
    "offer_budget_low": gettext_lazy("the budget of an offer is nearly used up"),
    "event_entries_doubtful": gettext_lazy("somebody entered your event in a way to look at"),
    "announcement": gettext_lazy("news of the network for partners"),
}


@dataclass(frozen=True)
class Way:
    """A way to her. `where` is her address in part; empty: she has none there."""

    code: str
    name: str | Promise
    where: str
    wanted: bool


@for_jobs("pages.settings")
@require_http_methods(["GET", "POST"])
def notices(request: HttpRequest, slug: str) -> HttpResponse:
    business = business_of(request, slug)
    if request.method == "POST":
        chosen = set(request.POST.getlist("way"))
        set_preferences(
            member=request.user,
            wanted={(Topic.WORK.value, one.value): one.value in chosen for one in Channel},
        )
        messages.success(request, _("Saved."))
        return redirect("backoffice:settings_notices", slug=slug)
    context = frame(request, business) | parts(business, "settings_notices")
    context |= {
        "ways": _ways(request),
        "said": [SAID[kind.code] for kind in ALL if kind.topic == Topic.WORK and kind.code in SAID],
    }
    return render(request, "backoffice/owner/settings/notices.html", context)


def _ways(request: HttpRequest) -> list[Way]:
    user, muted = request.user, mutes_of(request.user.pk)
    where = {
        Channel.PUSH: _("in the app of this phone number"),
        Channel.SMS: user.masked_phone,
        Channel.EMAIL: user.email,
    }
    names = {
        Channel.PUSH: gettext_lazy("In the app"),
        Channel.SMS: gettext_lazy("By SMS, when it is urgent"),
        Channel.EMAIL: gettext_lazy("By e-mail"),
    }
    return [
        Way(one.value, names[one], where[one], (Topic.WORK.value, one.value) not in muted)
        for one in Channel
    ]
