"""The OpenAPI schema tells the truth about the envelope and about camelCase."""

from typing import Any

from drf_spectacular.openapi import AutoSchema

from apps.core.http.casing import camel

META = {
    "type": "object",
    "properties": {
        "timestamp": {"type": "string", "format": "date-time"},
        "requestId": {"type": "string", "format": "uuid"},
        "pagination": {
            "type": "object",
            "properties": {
                "nextCursor": {"type": "string", "nullable": True},
                "limit": {"type": "integer"},
            },
        },
    },
    "required": ["timestamp", "requestId"],
}
FAILURE = {
    "type": "object",
    "properties": {
        "success": {"type": "boolean", "enum": [False]},
        "error": {
            "type": "object",
            "properties": {
                "code": {"type": "string"},
                "message": {"type": "string"},
                "details": {"type": "object", "additionalProperties": True},
            },
            "required": ["code", "message", "details"],
        },
        "meta": META,
    },
    "required": ["success", "error", "meta"],
}


class EnvelopeSchema(AutoSchema):
    """Wraps every 2xx in the success envelope and adds the common failures."""

    def _get_response_for_code(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        response: dict[str, Any] = super()._get_response_for_code(*args, **kwargs)  # type: ignore[no-untyped-call]
        for media in response.get("content", {}).values():
            media["schema"] = {
                "type": "object",
                "properties": {
                    "success": {"type": "boolean", "enum": [True]},
                    "data": media.get("schema", {}),
                    "meta": META,
                },
                "required": ["success", "data", "meta"],
            }
        return response

    def get_filter_backends(self) -> list[Any]:
        """Filters of querysets only: a list composed by hand declares its parameters itself."""
        if getattr(self.view, "queryset", None) is None and not hasattr(
            self.view, "filterset_class"
        ):
            return []
        backends: list[Any] = super().get_filter_backends()
        return backends

    def _get_response_bodies(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        bodies: dict[str, Any] = super()._get_response_bodies(*args, **kwargs)
        bodies["default"] = {
            "description": "Failure: see the code",
            "content": {"application/json": {"schema": FAILURE}},
        }
        return bodies


def _rename(schema: dict[str, Any]) -> None:
    if "properties" in schema:
        schema["properties"] = {camel(name): s for name, s in schema["properties"].items()}
    if "required" in schema:
        schema["required"] = [camel(name) for name in schema["required"]]


def camelize_properties(
    result: dict[str, Any], generator: Any, request: Any, public: bool
) -> dict[str, Any]:
    """Hook of drf-spectacular: property names as they stand on the wire."""
    for schema in result.get("components", {}).get("schemas", {}).values():
        _rename(schema)
    for path in result.get("paths", {}).values():
        for operation in path.values():
            for parameter in operation.get("parameters", []):
                if parameter.get("in") == "query":
                    parameter["name"] = camel(parameter["name"])
    return result
