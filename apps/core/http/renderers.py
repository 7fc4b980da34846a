from collections.abc import Mapping
from typing import Any

from rest_framework.renderers import BaseRenderer

from apps.core.http import envelope


class EnvelopeRenderer(BaseRenderer):
    """Wraps what a view answers. Failures arrive ready-made from the exception handler."""

    media_type = "application/json"
    format = "json"
    charset = None

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> bytes:
        response = (renderer_context or {}).get("response")
        if response is not None and response.status_code in (204, 304):
            return b""
        if isinstance(data, bytes):
            return data
        extra = getattr(response, "envelope_meta", {}) if response is not None else {}
        return envelope.success(data, **extra)
