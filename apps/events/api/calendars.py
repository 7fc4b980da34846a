"""Calendar files: of one event, and the personal feed behind a secret address."""

import hashlib
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import Q
from django.http import HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.permissions import Can
from apps.core.errors import NotFound
from apps.core.http.etags import is_known
from apps.core.http.views import ApiViewSet
from apps.events import services
from apps.events.api.serializers import FeedAddressOut
from apps.events.enums import ACTIVE, Place, State
from apps.events.models import CalendarFeed, EventRegistration
from apps.events.services import ics

TAGS = ["events"]
SHOWN = Q(state__in=[*ACTIVE, Place.EVENT_CANCELLED])


def answer(request: Request, rows: Any) -> HttpResponse:
    """The file, or 304 when nothing in it has changed."""
    rows = list(rows)
    state = "|".join(f"{row.event_id}:{row.event.version}:{row.state}" for row in rows)
    etag = f'"{hashlib.sha256(state.encode()).hexdigest()[:32]}"'
    if is_known(request, etag):
        response = HttpResponse(status=304)
    else:
        body = ics.calendar(rows, name=_("Own Circle"))
        response = HttpResponse(body, content_type="text/calendar; charset=utf-8")
        response["Content-Disposition"] = 'attachment; filename="svoykrug.ics"'
    response["ETag"] = etag
    response["Cache-Control"] = "private, max-age=300"
    return response


class CalendarViewSet(ApiViewSet):
    permission_classes = [Can(event="events.mine", reset="events.register")]

    @extend_schema(responses={(200, "text/calendar"): OpenApiTypes.STR}, tags=TAGS)
    def event(self, request: Request, pk: UUID) -> HttpResponse:
        rows = EventRegistration.objects.filter(SHOWN, event=pk, member=request.user.pk)
        rows = rows.select_related("event").order_by("-joined_at")[:1]
        if not rows:
            raise NotFound
        return answer(request, rows)

    @extend_schema(request=None, responses={201: FeedAddressOut}, tags=TAGS)
    def reset(self, request: Request) -> Response:
        token = services.reset_calendar(user=request.user, at=timezone.now())
        url = f"{settings.SITE_URL}/api/v1/calendar/{token}.ics"
        return Response(FeedAddressOut({"url": url}).data, status=201)


class FeedViewSet(ApiViewSet):
    """For calendar programs: the secret address is all they have."""

    authentication_classes: list[Any] = []
    permission_classes = [Can("events.feed")]

    @extend_schema(responses={(200, "text/calendar"): OpenApiTypes.STR}, tags=TAGS)
    def feed(self, request: Request, token: str) -> HttpResponse:
        feed = CalendarFeed.objects.filter(token_hash=services.hash_of(token)).first()
        if feed is None:
            raise NotFound
        # What is over or off stays for 30 days: a calendar that drops it keeps the old entry.
        since = timezone.now() - timedelta(days=30)
        rows = EventRegistration.objects.filter(
            SHOWN,
            member=feed.member_id,
            event__ends_at__gte=since,
            event__state__in=[State.PUBLISHED, State.COMPLETED, State.CANCELLED],
        )
        return answer(request, rows.select_related("event").order_by("event__starts_at", "pk"))
