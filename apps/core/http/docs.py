"""API documentation pages from our own host."""

import functools
from typing import Any

from csp.decorators import csp_update
from django.utils import translation
from django.views.decorators.http import require_safe
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.views import SpectacularRedocView, SpectacularSwaggerSplitView


@functools.cache
def _made(language: str) -> dict[str, Any]:
    schema: dict[str, Any] = SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    return schema


class OnceGenerator(SchemaGenerator):
    """The contract does not change while a process lives, and making it takes seconds."""

    def get_schema(self, request: Any = None, public: bool = False) -> dict[str, Any]:
        return _made(translation.get_language() or "ru")


# Both viewers write style elements of their own; scripts stay ours.
_LOOSER = {
    "style-src": ["'self'", "'unsafe-inline'"],
    "worker-src": ["'self'", "blob:"],
}
swagger = require_safe(csp_update(_LOOSER)(SpectacularSwaggerSplitView.as_view(url_name="schema")))
redoc = require_safe(csp_update(_LOOSER)(SpectacularRedocView.as_view(url_name="schema")))
