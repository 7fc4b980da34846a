"""Figures for owners and admins: one business, or for admins without one the whole network."""

from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.enums import Job
from apps.accounts.models import User
from apps.accounts.permissions import Can
from apps.analytics import files, rfm_queries, services
from apps.analytics.api import shapes
from apps.analytics.api.serializers import churn_data, dashboard_data, rfm_data
from apps.analytics.churn import queries as churn_queries
from apps.analytics.models import Export, Snapshot
from apps.analytics.services import exporting
from apps.businesses.models import Business, Role
from apps.businesses.queries import business_along, business_of, businesses_of
from apps.core.errors import Invalid, NotFound
from apps.core.http import lately
from apps.core.http.views import ApiViewSet

BUSINESS = OpenApiParameter("businessId", str, description="An admin without one: the network")
RANGE = [
    BUSINESS,
    OpenApiParameter("from", OpenApiTypes.DATE),
    OpenApiParameter("to", OpenApiTypes.DATE),
]
STEPS = ("day", "week", "month")
# Name of a report → the widget that it is.
REPORTS = {
    "rfm": "rfm",
    "cohorts": "cohorts",
    "revenue": "series",
    "coupons": "coupons",
    "buyers": "buyers",
    "hours": "hours",
}


LATELY = 30  # seconds that a dashboard is shown again: facts arrive once a minute, `asOf` tells
GUESTS = "guests"  # one guest a row
# A file of either kind; 202 tells how far a worker has come with it.
EXPORTED: dict[Any, Any] = {(200, kind): OpenApiTypes.BINARY for kind in files.TYPES.values()}
EXPORTED |= {(202, "application/json"): shapes.ExportOut}


class WhichBusiness(Invalid):
    field = "businessId"
    message = _("Say which of your businesses.")


class LimitUnknown(Invalid):
    field = "limit"
    message = _("The limit is a number from 1 to 100.")


class ReportUnknown(Invalid):
    field = "report"
    message = _("The report is rfm, cohorts, revenue, coupons, buyers, hours or guests.")


class StepUnknown(Invalid):
    field = "by"
    message = _("The step is day, week or month.")


class FormatUnknown(Invalid):
    field = "format"
    message = _("The format is csv or xlsx.")


class FiguresViewSet(ApiViewSet):
    """Segments, series and cohorts of the caller's business, each with the time it is as of."""

    permission_classes = [Can("analytics.read")]

    @extend_schema(
        responses=shapes.RfmOut,
        tags=["analytics"],
        parameters=[BUSINESS, OpenApiParameter("on", OpenApiTypes.DATE)],
    )
    def rfm(self, request: Request) -> Response:
        place = place_of(request)
        found = rfm_queries.snapshot_of(business=place, on=day_of(request, "on"))
        moves = rfm_queries.moves(business=place, day=found.day) if found else None
        return Response(rfm_data(found, moves))

    @extend_schema(
        responses=shapes.ChurnOut,
        tags=["analytics"],
        parameters=[BUSINESS, OpenApiParameter("limit", int, description="20; 100 at most")],
    )
    def churn(self, request: Request) -> Response:
        place = place_of(request)
        risks = churn_queries.risks(place)[: limit_of(request)]
        newest = churn_queries.newest(Snapshot.Kind.CHURN, business=place)
        check = churn_queries.newest(Snapshot.Kind.CHECK, business=place)
        return Response(churn_data(newest, check, list(risks)))

    def along(self, request: Any) -> tuple[str, Sequence[Any]] | None:
        if self.action != "dashboard":
            return None
        given = _uuid(request.query_params.get("businessId"))
        return business_along(given, role=Role.OWNER) if given else None

    @extend_schema(responses=shapes.DashboardOut, tags=["analytics"], parameters=RANGE)
    def dashboard(self, request: Request) -> Response:
        place, since, until = place_id_of(request), day_of(request, "from"), day_of(request, "to")
        asked = f"dashboard:{place or ''}:{since}:{until}:{timezone.localdate()}"
        return lately.shown(asked, lambda: figures(place, since, until), seconds=LATELY)

    @extend_schema(responses=shapes.CohortsOut, tags=["analytics"], parameters=RANGE)
    def cohorts(self, request: Request) -> Response:
        return Response(dashboard_data(self._report(request, "cohorts")))

    @extend_schema(
        responses=shapes.RevenueOut,
        tags=["analytics"],
        parameters=[*RANGE, OpenApiParameter("by", str, enum=list(STEPS))],
    )
    def revenue(self, request: Request) -> Response:
        return Response(dashboard_data(self._report(request, "series")))

    @extend_schema(responses=shapes.CouponFiguresOut, tags=["analytics"], parameters=RANGE)
    def coupons(self, request: Request) -> Response:
        return Response(dashboard_data(self._report(request, "coupons")))

    @extend_schema(
        responses=EXPORTED,
        tags=["analytics"],
        parameters=[
            *RANGE,
            OpenApiParameter("report", str, enum=[*REPORTS, GUESTS]),
            OpenApiParameter("id", str, description="An export that a worker writes"),
            OpenApiParameter("format", str, enum=list(files.TYPES)),
            OpenApiParameter("by", str, enum=list(STEPS)),
        ],
    )
    def export(self, request: Request) -> HttpResponse:
        """A report as a file.

        Of more than 50,000 guests 202 with `exportId`: ask again with `id` until the file comes.
        Progress is `rowsDone` of `rowsTotal`; `failed` may be asked for anew."""
        user: Any = request.user
        asked = request.query_params.get("id")
        if asked is not None:
            return self._written(exporting.export_of(asked, by=user))
        name = request.query_params.get("report", "revenue")
        if name not in REPORTS and name != GUESTS:
            raise ReportUnknown
        form = request.query_params.get("format", files.CSV)
        if form not in files.TYPES:
            raise FormatUnknown
        if name == GUESTS:
            place, at = place_of(request), timezone.now()
            made = exporting.guests(business=place, by=user, form=form, at=at)
            return file_of(made, name, form) if isinstance(made, bytes) else self._written(made)
        if name == "rfm":
            found = rfm_queries.snapshot_of(business=place_of(request))
            rows = found.summary["cells"] if found else []
        else:
            rows = self._report(request, REPORTS[name]).widgets.get(REPORTS[name], [])
        return file_of(files.write(rows, form), name, form)

    @staticmethod
    def _written(export: Export) -> HttpResponse:
        if export.body is not None:
            return file_of(bytes(export.body), GUESTS, export.form)
        told = {
            "export_id": str(export.pk),
            "state": export.state,
            "rows_done": export.rows_done,
            "rows_total": export.rows_total,
        }
        return Response(told, status=202)

    @staticmethod
    def _report(request: Request, name: str) -> services.DashboardData:
        step = request.query_params.get("by", "day")
        if step not in STEPS:
            raise StepUnknown
        return services.report(
            name,
            business=place_of(request),
            since=day_of(request, "from"),
            until=day_of(request, "to"),
            by=step,
        )


def file_of(body: bytes, name: str, form: str) -> HttpResponse:
    """A download."""
    return HttpResponse(
        body,
        content_type=files.TYPES[form],
        headers={"Content-Disposition": f'attachment; filename="{name}.{form}"'},
    )


def figures(place: UUID | None, since: date | None, until: date | None) -> Response:
    """The dashboard; not to be kept without ClickHouse, which is to be seen when it is back."""
    data = services.generate_dashboard(place, since=since, until=until)
    response = Response(dashboard_data(data))
    response.is_fleeting = data.is_stale  # type: ignore[attr-defined]
    return response


def place_of(request: Request) -> Business | None:
    """The business that is asked about: hers, else it does not exist. An owner of one need not
    say which; None is the network, for admins."""
    user: Any = request.user
    given = request.query_params.get("businessId")
    if given is not None:
        return _by_id(user, given)
    if user.job in (Job.ADMIN, Job.SUPERADMIN):
        return None
    found = list(businesses_of(user, role=Role.OWNER)[:2])
    if len(found) != 1:
        raise WhichBusiness
    return found[0]


def place_id_of(request: Request) -> UUID | None:
    """The same for what needs no more than the id; a named one came with her session."""
    auth: Any = request.auth
    if "businessId" in request.query_params:
        if auth.along is None:
            raise NotFound
        return auth.along  # type: ignore[no-any-return]
    place = place_of(request)
    return place.pk if place else None


def _by_id(user: User, given: str) -> Business:
    business_id = _uuid(given)
    found = business_of(user, business_id, role=Role.OWNER) if business_id else None
    if found is None:
        raise NotFound
    return found


def _uuid(given: str | None) -> UUID | None:
    try:
        return UUID(given) if given else None
    except ValueError:
        return None


def limit_of(request: Request) -> int:
    """How many guests to name: 20 unless said. Raises LimitUnknown."""
    given = request.query_params.get("limit", "20")
    if not given.isascii() or not given.isdigit() or not 1 <= int(given[:4]) <= 100:
        raise LimitUnknown
    return int(given[:4])


def day_of(request: Request, name: str) -> date | None:
    """A day of the query; None when it is not said. Raises a validation error with its name."""
    given = request.query_params.get(name)
    return None if given is None else _day(name, given)


def _day(name: str, given: str) -> date:
    """20260131 and 2026-W05-6 are days to Python, not to the contract."""
    try:
        day = date.fromisoformat(given)
        if day.isoformat() == given:
            return day
    except ValueError:
        pass
    raise ValidationError({name: [_("Write the day as 2026-01-31.")]})
