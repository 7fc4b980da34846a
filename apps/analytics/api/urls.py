from django.urls import path

from apps.analytics.api.views import FiguresViewSet

urlpatterns = [
    path("analytics/rfm", FiguresViewSet.as_view({"get": "rfm"}), name="analytics-rfm"),
]
