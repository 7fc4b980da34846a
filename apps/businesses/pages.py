"""The one page of partners here: a photo, as the app and our own pages show it."""

from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.urls import path
from django.views.decorators.http import require_GET

from apps.businesses.models import Photo

YEAR = 365 * 24 * 3600


@require_GET
def photo(request: HttpRequest, photo_id: UUID) -> HttpResponse:
    """A picture never changes: another one has another address."""
    body = Photo.objects.filter(pk=photo_id).values_list("body", flat=True).first()
    if body is None:
        raise Http404
    answer = HttpResponse(bytes(body), content_type="image/jpeg")
    answer["Cache-Control"] = f"public, max-age={YEAR}, immutable"
    return answer


urlpatterns = [path("photos/<uuid:photo_id>.jpg", photo, name="photo")]
