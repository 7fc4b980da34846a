"""Every address of the project. URL is not ownership: `/businesses/{id}/offers` may be loyalty's.

/api/v1/…       the REST contract, by app
/               sign-in, the till, the owner's pages (backoffice)
/admin/         the Django admin, at ADMIN_PATH
/health/…       live and ready
/metrics        figures for Prometheus, by its token
"""

from django.conf import settings
from django.contrib import admin
from django.urls import include, path
from drf_spectacular.views import SpectacularJSONAPIView

from apps.accounts.api.views import jwks
from apps.core.http import docs
from apps.core.http.routes import ByFirstWord
from apps.core.http.views import live, ready
from apps.notifications.api.webhooks import callback as messages_webhook
from svoykrug.metrics import metrics

api = [
    path("", include("apps.accounts.api.urls")),
    path("", include("apps.businesses.api.urls")),
    path("", include("apps.loyalty.api.urls")),
    path("", include("apps.coupons.api.urls")),
    path("", include("apps.events.api.urls")),
    path("", include("apps.crosspromo.api.urls")),
    path("", include("apps.transactions.api.urls")),
    path("", include("apps.analytics.api.urls")),
    path("", include("apps.notifications.api.urls")),
    path("", include("apps.crm.api.urls")),
    path("", include("apps.backoffice.api.urls")),
]

urlpatterns = [
    ByFirstWord("api/v1/", api),
    path("webhooks/messages/<str:provider>", messages_webhook, name="messages-webhook"),
    path("", include("apps.notifications.pages")),
    path("", include("apps.crm.api.hooks")),
    path("", include("apps.businesses.pages")),
    path(
        "openapi.json",
        SpectacularJSONAPIView.as_view(generator_class=docs.OnceGenerator),
        name="schema",
    ),
    path("docs", docs.swagger, name="docs"),
    path("redoc", docs.redoc, name="redoc"),
    path(".well-known/jwks.json", jwks, name="jwks"),
    path("health/live", live, name="health-live"),
    path("health/ready", ready, name="health-ready"),
    path("metrics", metrics, name="metrics"),
    path(settings.ADMIN_PATH, admin.site.urls),
    path("", include("apps.backoffice.pages.urls")),
]

handler400 = "apps.core.http.views.bad_request"
handler403 = "apps.core.http.views.forbidden"
handler404 = "apps.core.http.views.not_found"
handler500 = "apps.core.http.views.crashed"
