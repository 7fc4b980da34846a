"""Addresses below `biz/<slug>/`: home, search, figures."""

from django.urls import path

from apps.backoffice.pages.owner import analytics, guests, home, reviews, sales, search
from apps.backoffice.pages.owner.reports import REPORTS

urlpatterns = [
    path("", home.dashboard, name="owner"),
    path("search/", search.search, name="owner_search"),
    path("sales/", sales.sales, name="owner_sales"),
    path("sales/views/", sales.keep_view, name="owner_views"),
    path("sales/files/<uuid:export_id>/", sales.export, name="owner_export"),
    path("sales/<uuid:sale_id>/", sales.sale, name="owner_sale"),
    path("members/", guests.guests, name="guests"),
    path("members/<uuid:member_id>/", guests.guest, name="guest"),
    path("reviews/", reviews.reviews, name="reviews"),
    *(
        path(f"analytics/{report.name}/", analytics.page_of(report), name=f"owner_{report.name}")
        for report in REPORTS
    ),
]
