"""API documentation pages from our own host."""

from csp.decorators import csp_update
from django.views.decorators.http import require_safe
from drf_spectacular.views import SpectacularRedocView, SpectacularSwaggerSplitView

# Both viewers write style elements of their own; scripts stay ours.
_LOOSER = {
    "style-src": ["'self'", "'unsafe-inline'"],
    "worker-src": ["'self'", "blob:"],
}
swagger = require_safe(csp_update(_LOOSER)(SpectacularSwaggerSplitView.as_view(url_name="schema")))
redoc = require_safe(csp_update(_LOOSER)(SpectacularRedocView.as_view(url_name="schema")))
