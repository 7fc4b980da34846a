"""The product's own WSGI application with one view more, which does nothing: what everything else
is compared with. It stands behind the same middleware, authentication, limits and envelope."""

from django.urls import path
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from svoykrug.wsgi import application

__all__ = ["application"]

from apps.accounts.permissions import Can
from apps.core.http import throttles
from apps.core.http.views import ApiViewSet
from apps.loyalty import queries
from apps.loyalty.api import views as loyalty
from apps.loyalty.api.serializers import balance_data
from apps.transactions.api.views import SaleViewSet
from svoykrug import urls


class Empty(ApiViewSet):
    permission_classes = [Can("loyalty.read")]

    def empty(self, request: Request) -> Response:
        return Response({})

    def balance(self, request: Request) -> Response:
        """The balance as PostgreSQL tells it, whatever is kept."""
        return Response(balance_data(queries.balance_of(request.user.pk, at=timezone.now())))


urls.urlpatterns.insert(0, path("api/v1/bench/empty", Empty.as_view({"get": "empty"})))
urls.urlpatterns.insert(0, path("api/v1/bench/balance", Empty.as_view({"get": "balance"})))
# Limits are counted as ever, against numbers that a bench does not reach.
FAR = "100000000/min"
throttles.READS = throttles.WRITES = FAR
SaleViewSet.shared = {action: (field, FAR) for action, (field, _) in SaleViewSet.shared.items()}
loyalty.HOLDS = (100_000_000, loyalty.HOLDS[1])
