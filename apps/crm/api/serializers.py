from typing import Any

from rest_framework import serializers

from apps.core.http.serializers import In, MomentIn, MomentOut, Out
from apps.crm.enums import System
from apps.crm.queries import Connection
from apps.crm.services import Step


class ConnectIn(In):
    system = serializers.ChoiceField(System.choices)
    base_url = serializers.CharField(max_length=200, required=False)
    credentials = serializers.DictField(
        child=serializers.CharField(max_length=4000, allow_blank=True), required=False
    )
    options = serializers.DictField(required=False)
    webhook_secret = serializers.CharField(min_length=16, max_length=200, required=False)
    enrols = serializers.BooleanField(required=False)
    writes_back = serializers.BooleanField(required=False)
    poll_minutes = serializers.IntegerField(min_value=1, max_value=1440, required=False)
    test = serializers.BooleanField(
        required=False, default=True, help_text="test at once; the connection works if it passes"
    )


class SyncIn(In):
    system = serializers.ChoiceField(System.choices, required=False)
    since = MomentIn(required=False)


class FiguresOut(Out):
    received = serializers.IntegerField()
    applied = serializers.IntegerField()
    repeated = serializers.IntegerField()
    set_aside = serializers.IntegerField()


class StepOut(Out):
    name = serializers.CharField()
    ok = serializers.BooleanField()
    trouble = serializers.CharField()
    ms = serializers.IntegerField()


class IntegrationOut(Out):
    """State of a connection. Of the credentials only the end of the first is shown."""

    id = serializers.UUIDField()
    business_id = serializers.UUIDField()
    business_name = serializers.CharField()
    system = serializers.CharField()
    state = serializers.CharField()
    trouble = serializers.CharField()
    base_url = serializers.CharField()
    key_ends = serializers.CharField()
    last_sync_at = MomentOut(allow_null=True)
    lag_seconds = serializers.IntegerField(allow_null=True)
    paused_until = MomentOut(allow_null=True)
    reconnect_by = MomentOut(allow_null=True)
    poll_minutes = serializers.IntegerField()
    writes_back = serializers.BooleanField()
    queue = serializers.IntegerField()
    put_aside = serializers.DictField(child=serializers.IntegerField())
    last24h = FiguresOut()
    steps = StepOut(many=True, required=False)


class StartedOut(Out):
    started = serializers.ListField(child=serializers.UUIDField())


def shown(one: Connection, steps: list[Step] | None = None) -> dict[str, Any]:
    row = one.row
    data = {
        "id": row.pk,
        "business_id": row.business_id,
        "business_name": row.business.name,
        "system": row.system,
        "state": row.state,
        "trouble": row.trouble,
        "base_url": row.base_url,
        "key_ends": row.credentials_hint,
        "last_sync_at": row.last_success_at,
        "lag_seconds": one.lag_seconds,
        "paused_until": one.paused_until,
        "reconnect_by": row.reconnect_by,
        "poll_minutes": row.poll_minutes,
        "writes_back": row.writes_back,
        "queue": one.queue,
        "put_aside": one.aside,
        "last24h": one.figures,
    }
    if steps is not None:
        data["steps"] = steps
    return dict(IntegrationOut(data).data)
