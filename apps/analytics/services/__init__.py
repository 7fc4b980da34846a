"""What analytics does, each a plain function."""

from apps.analytics.services.dashboards import (
    DashboardData,
    generate_dashboard,
    keep_dashboards,
    report,
)
from apps.analytics.services.rfm import calculate_rfm, snapshot_all, snapshot_rfm

__all__ = [
    "DashboardData",
    "calculate_rfm",
    "generate_dashboard",
    "keep_dashboards",
    "report",
    "snapshot_all",
    "snapshot_rfm",
]
