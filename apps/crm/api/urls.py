from django.urls import path

from apps.crm.api.views import IntegrationViewSet

urlpatterns = [
    path(
        "admin/integrations",
        IntegrationViewSet.as_view({"get": "list"}),
        name="admin-integrations",
    ),
    path(
        "admin/integrations/<uuid:business_id>",
        IntegrationViewSet.as_view({"put": "update"}),
        name="admin-integration",
    ),
    path(
        "admin/integrations/<uuid:business_id>/sync",
        IntegrationViewSet.as_view({"post": "sync"}),
        name="admin-integration-sync",
    ),
]
