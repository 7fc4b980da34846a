"""`POST /webhooks/messages/{provider}`: what providers tell us. The body is judged raw, by its own
signature; a wrong one learns nothing. A repeat is answered like the first."""

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt

from apps.core.gateways import messages
from apps.core.gateways.messages.base import Forged
from apps.core.http.errors import plain
from apps.notifications import services

# SMS.ru repeats a callback for days until it reads exactly this; others look at the status alone.
HEARD = "100"


@csrf_exempt
def callback(request: HttpRequest, provider: str) -> HttpResponse:
    if request.method != "POST":
        return plain("METHOD_NOT_ALLOWED")
    client = messages.named(provider)
    if client is None:
        return plain("NOT_FOUND")
    try:
        news = client.heard(body=request.body, headers=request.headers)
    except Forged:
        return plain("UNAUTHENTICATED")
    services.hear(provider=client.name, news=news, at=timezone.now())
    return HttpResponse(HEARD, content_type="text/plain")


callback.right = "messages.callback"  # type: ignore[attr-defined]
