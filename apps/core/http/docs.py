"""API documentation pages from our own host."""

from csp.decorators import csp_update
from drf_spectacular.views import SpectacularRedocView, SpectacularSwaggerSplitView

# Both viewers write style elements of their own; scripts stay ours.
_LOOSER = {
    "style-src": ["'self'", "'unsafe-inline'"],
    "worker-src": ["'self'", "blob:"],
}
swagger = csp_update(_LOOSER)(SpectacularSwaggerSplitView.as_view(url_name="schema"))
redoc = csp_update(_LOOSER)(SpectacularRedocView.as_view(url_name="schema"))
