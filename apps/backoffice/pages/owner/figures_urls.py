"""Addresses below `biz/<slug>/`: home, search, figures."""

from django.urls import path

from apps.backoffice.pages.owner import analytics, home, search
from apps.backoffice.pages.owner.reports import REPORTS

urlpatterns = [
    path("", home.dashboard, name="owner"),
    path("search/", search.search, name="owner_search"),
    *(
        path(f"analytics/{report.name}/", analytics.page_of(report), name=f"owner_{report.name}")
        for report in REPORTS
    ),
]
