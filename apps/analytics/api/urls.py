from django.urls import path

from apps.analytics.api.views import FiguresViewSet

REPORTS = ("dashboard", "rfm", "cohorts", "churn", "revenue", "coupons", "export")

urlpatterns = [
    path(f"analytics/{name}", FiguresViewSet.as_view({"get": name}), name=f"analytics-{name}")
    for name in REPORTS
]
