"""Is the machine room well: dependencies, queues, the outbox, scheduled jobs."""

from typing import Any

from django.db.models import F
from django_celery_beat.models import PeriodicTask
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.permissions import Can
from apps.core import health, outbox
from apps.core.http.serializers import MomentOut, Out
from apps.core.http.views import ApiViewSet


class DependencyOut(Out):
    name = serializers.CharField()
    state = serializers.CharField(help_text="ok, or what is wrong")


class QueueOut(Out):
    name = serializers.CharField()
    waiting = serializers.IntegerField(
        allow_null=True, help_text="tasks; null when Redis is silent"
    )


class OutboxOut(Out):
    oldest_seconds = serializers.IntegerField(help_text="age of the oldest unsent row")
    dead = serializers.IntegerField(help_text="rows that were given up")


class JobOut(Out):
    name = serializers.CharField()
    last_run_at = MomentOut(allow_null=True)
    runs = serializers.IntegerField()
    enabled = serializers.BooleanField()


class HealthOut(Out):
    status = serializers.ChoiceField(["ok", "down"])
    dependencies = DependencyOut(many=True)
    queues = QueueOut(many=True)
    outbox = OutboxOut()
    jobs = JobOut(many=True)


class HealthViewSet(ApiViewSet):
    permission_classes = [Can("health.deep")]

    @extend_schema(responses=HealthOut, tags=["admin"])
    def retrieve(self, request: Request) -> Response:
        """200 whatever is down: the answer itself says what."""
        report = health.report()
        jobs = PeriodicTask.objects.order_by("name").values(
            "name", "last_run_at", "enabled", runs=F("total_run_count")
        )
        told: dict[str, Any] = {
            "status": "ok" if all(state == "ok" for state in report.values()) else "down",
            "dependencies": [{"name": name, "state": state} for name, state in report.items()],
            "queues": [{"name": name, "waiting": n} for name, n in health.queue_depths().items()],
            "outbox": {
                "oldest_seconds": int(outbox.oldest_waiting_seconds()),
                "dead": outbox.count_dead(),
            },
            "jobs": jobs,
        }
        return Response(HealthOut(told).data)
