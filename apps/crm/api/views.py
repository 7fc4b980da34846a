"""Connections for admins, and the door for calls of CRMs."""

from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.permissions import Can
from apps.businesses.models import Business
from apps.core.errors import NotFound, Refused
from apps.core.http import envelope
from apps.core.http.errors import MESSAGES, STATUS
from apps.core.http.views import ApiViewSet
from apps.crm import queries, services
from apps.crm.api.serializers import ConnectIn, IntegrationOut, StartedOut, SyncIn, shown
from apps.crm.enums import EventState
from apps.crm.models import CRMIntegration

HEADERS = (
    "content-type",
    "authorization",
    "x-krug-timestamp",
    "x-krug-event",
    "x-krug-signature",
)


class IntegrationViewSet(ApiViewSet):
    """Credentials go in and never come out."""

    permission_classes = [
        Can(list="integrations.list", update="integrations.change", sync="integrations.sync")
    ]
    queryset = CRMIntegration.objects.none()
    page_by = "created_at"
    lookup_value_converter = "uuid"

    @extend_schema(responses=IntegrationOut(many=True), tags=["admin"])
    def list(self, request: Request) -> Response:
        rows = self.paginate_queryset(
            CRMIntegration.objects.select_related("business").order_by("-created_at", "-id")
        )
        described = queries.described(rows or [], at=timezone.now())
        return self.get_paginated_response([shown(one) for one in described])

    @extend_schema(request=ConnectIn, responses=IntegrationOut, tags=["admin"])
    def update(self, request: Request, business_id: UUID) -> Response:
        business = _business(business_id)
        asked = self.read(ConnectIn)
        asked["secret"] = asked.pop("webhook_secret", None)
        test = asked.pop("test")
        row = services.connect(business=business, by=request.user, **asked)
        steps = services.test_connection(integration=row, by=request.user) if test else None
        [one] = queries.described([row], at=timezone.now())
        return Response(shown(one, steps))

    @extend_schema(request=SyncIn, responses={202: StartedOut}, tags=["admin"])
    def sync(self, request: Request, business_id: UUID) -> Response:
        business = _business(business_id)
        asked = self.read(SyncIn)
        rows = queries.connections_of(business)
        if "system" in asked:
            rows = rows.filter(system=asked["system"])
        ids = [row.pk for row in rows.order_by("pk")]
        for pk in ids:
            services.ask_sync(integration_id=pk, since=asked.get("since"))
        return Response(StartedOut({"started": ids}).data, status=202)


def _business(business_id: UUID) -> Business:
    found = Business.objects.filter(pk=business_id, is_network=False).first()
    if found is None:
        raise NotFound
    return found


# --- calls of CRMs -------------------------------------------------------------------------------
@csrf_exempt
def crm_webhook(request: HttpRequest, key: str) -> HttpResponse:
    """200 at once; the object is read again in the background. 404 for an unknown key, 401
    without a reason for a call that does not prove itself."""
    if request.method != "POST":
        code = "METHOD_NOT_ALLOWED"
        return envelope.failure_response(STATUS[code], code, MESSAGES[code])
    headers = {name: request.headers.get(name, "") for name in HEADERS}
    try:
        event = services.take_webhook(
            key=key, headers=headers, body=request.body, at=timezone.now()
        )
    except Refused as refused:
        return _refusal(refused)
    if event and event.state == EventState.WAITING:
        services.ask_webhook(event_id=event.pk)
    return HttpResponse(
        envelope.success({"received": True}), content_type="application/json", status=200
    )


def _refusal(refused: Refused) -> HttpResponse:
    message: Any = MESSAGES.get(refused.code, "")
    answer = envelope.failure_response(STATUS[refused.code], refused.code, message)
    if "retry_after" in refused.details:
        answer["Retry-After"] = str(refused.details["retry_after"])
    return answer
