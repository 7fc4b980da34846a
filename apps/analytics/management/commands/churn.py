import json
from datetime import date
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from apps.analytics import rfm_queries
from apps.analytics.churn import queries, rules
from apps.analytics.churn.queries import Scope
from apps.analytics.models import ChurnModel
from apps.analytics.services import churn, training
from apps.businesses.models import Business
from apps.core import clickhouse


class Command(BaseCommand):
    help = (
        "Fit a model of leaving as of a day, score the guests, report on the newest complete window."
        " Nothing later than that day is seen; nothing is stored without --publish."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        scope = parser.add_mutually_exclusive_group(required=True)
        scope.add_argument("--business", metavar="SLUG")
        scope.add_argument("--network", action="store_true")
        parser.add_argument("--on", required=True, type=date.fromisoformat, metavar="DATE")
        parser.add_argument("--json", action="store_true", help="everything; else a summary")
        parser.add_argument("--publish", action="store_true", help="put it in force if it is good")

    @clickhouse.patient()
    def handle(self, *, business: str | None, on: date, **options: Any) -> None:
        place = Business.objects.filter(slug=business).first() if business else None
        if business and place is None:
            raise CommandError(f"no business {business}")
        try:
            fitted = training.fit_model(network=place is None, on=on)
            scope = queries.scope_of(business=place, on=on)
            if scope is None:
                raise CommandError(f"nobody has bought there by {on}")
            own = training.metrics_of(fitted, business=place) if place else fitted.metrics
            # What is refused scores nobody: the answer is what would be in force.
            document = fitted.document if not fitted.refused else self._in_force(scope, fitted)
            scored = [
                one
                for rows in queries.to_score(scope)
                for one in churn.score(document, rows, scope)
            ]
        except clickhouse.Unavailable as down:
            raise CommandError("ClickHouse does not answer") from down
        report = _report(fitted, scope, place, document["kind"]) | {
            "metrics": own,
            "published": self._publish(fitted) if options["publish"] else None,
        }
        if options["json"]:
            names = dict(rfm_queries.members_by_surrogate())
            report["scores"] = [_row(one, names) for one in scored]
            self.stdout.write(json.dumps(report, ensure_ascii=False, indent=1))
        else:
            self._summary(report, scored)

    @staticmethod
    def _in_force(scope: Scope, fitted: training.Fitted) -> dict[str, Any]:
        _pk, document = churn.in_force(scope)
        return training.cold_document(fitted) if document is churn.START else document

    @staticmethod
    def _publish(fitted: training.Fitted) -> str | None:
        model: ChurnModel = training.publish(fitted, at=timezone.now())
        return str(model.pk) if model.published_at else None

    def _summary(self, report: dict[str, Any], scored: list[churn.Score]) -> None:
        for name in ("horizon_days", "active_days", "guests", "scored_by", "refused"):
            self.stdout.write(f"{name:16} {report[name]}")
        for name, value in (report["metrics"] or {}).items():
            self.stdout.write(f"{name:16} {value}")
        for band in ("low", "medium", "high"):
            self.stdout.write(f"{band:16} {sum(one.band == band for one in scored)}")


def _report(
    fitted: training.Fitted, scope: Scope, place: Business | None, scored_by: str
) -> dict[str, Any]:
    return {
        "scope": "business" if place else "network",
        "business": place.slug if place else None,
        "on": scope.on.isoformat(),
        "horizon_days": scope.horizon,
        "active_days": scope.active,
        "guests": scope.guests,
        "window": {"cut": scope.newest.isoformat(), "until": scope.on.isoformat()},
        "metrics_pooled": fitted.metrics,
        "refused": fitted.refused,
        "model": fitted.document,
        "checksum": rules.checksum(fitted.document),
        "scored_by": scored_by,
    }


def _row(one: churn.Score, names: dict[Any, str]) -> dict[str, Any]:
    return {
        "member": names.get(one.row.member, str(one.row.member)),
        "probability": float(one.probability),
        "band": one.band,
        "reasons": one.reasons,
        "recency_days": one.row.recency,
        "held_out": one.held_out,
    }
