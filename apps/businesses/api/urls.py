from django.urls import path

from apps.businesses.api.views import CatalogueViewSet, PartnersViewSet, StaffViewSet

one = "businesses/<uuid:pk>"
urlpatterns = [
    path("businesses", CatalogueViewSet.as_view({"get": "list"}), name="businesses"),
    path(
        "businesses/categories",
        CatalogueViewSet.as_view({"get": "categories"}),
        name="business-categories",
    ),
    path(
        one,
        CatalogueViewSet.as_view({"get": "retrieve", "patch": "partial_update"}),
        name="business",
    ),
    path(
        f"{one}/staff",
        StaffViewSet.as_view({"get": "list", "post": "create"}),
        name="business-staff",
    ),
    path(
        f"{one}/staff/<uuid:user_id>",
        StaffViewSet.as_view({"delete": "destroy"}),
        name="business-staff-member",
    ),
    path(
        "admin/businesses",
        PartnersViewSet.as_view({"get": "list", "post": "create"}),
        name="admin-businesses",
    ),
    path(
        "admin/businesses/<uuid:pk>/state",
        PartnersViewSet.as_view({"post": "move"}),
        name="admin-business-state",
    ),
]
