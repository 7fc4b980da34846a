"""What analytics does, each a plain function."""

from apps.analytics.services.churn import forget_member, predict_churn, score_all, score_scope
from apps.analytics.services.dashboards import (
    DashboardData,
    generate_dashboard,
    keep_dashboards,
    report,
    series,
)
from apps.analytics.services.rfm import calculate_rfm, snapshot_all, snapshot_rfm

__all__ = [
    "DashboardData",
    "calculate_rfm",
    "forget_member",
    "generate_dashboard",
    "keep_dashboards",
    "predict_churn",
    "report",
    "score_all",
    "score_scope",
    "series",
    "snapshot_all",
    "snapshot_rfm",
]
