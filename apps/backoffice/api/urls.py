from django.urls import path

from apps.backoffice.api.health import HealthViewSet

urlpatterns = [
    path("admin/health", HealthViewSet.as_view({"get": "retrieve"}), name="admin-health"),
]
