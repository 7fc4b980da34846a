"""The OpenAPI schema tells the truth: envelope, camelCase, codes of refusal, headers, who may call.

Nothing here is written twice: rights come from the gate before the view, codes from the code that
raises them (`refusals`), headers from the decorators that handle them.
"""

from collections.abc import Callable
from typing import Any

from drf_spectacular.openapi import AutoSchema

from apps.core.http import schema_parts as parts
from apps.core.http.casing import camel
from apps.core.http.errors import STATUS
from apps.core.http.refusals import refusals_of

PAGING = {"page", "paginate_queryset", "get_paginated_response", "answer"}
WRITES = ("POST", "PUT", "PATCH", "DELETE")
HEADER_OF = {"ETag": ("revalidated", "If-Match"), "Idempotency-Replayed": ("idempotent",)}


def _reference(kind: str, name: str) -> dict[str, str]:
    return {"$ref": f"#/components/{kind}/{name}"}


def _names_in(code: Any) -> set[str]:
    """Names that a function uses, those of its lambdas among them."""
    if code is None:
        return set()
    inner = [one for one in code.co_consts if hasattr(one, "co_names")]
    return set(code.co_names).union(*(_names_in(one) for one in inner))


class EnvelopeSchema(AutoSchema):
    """Success in the envelope, every failure with its codes, headers and the caller's rights."""

    view: Any

    # --- what the view is --------------------------------------------------------------------
    def _action(self) -> Callable[..., Any]:
        return getattr(self.view, self.view.action)  # type: ignore[no-any-return]

    def _gates(self) -> list[Any]:
        return [gate for gate in self.view.permission_classes if hasattr(gate, "codes_of")]

    def _is_paged(self) -> bool:
        """Whether the action answers pages: it names the paginator's words."""
        action: Any = self._action()
        action = getattr(action, "__func__", action)
        while hasattr(action, "__wrapped__"):
            action = action.__wrapped__
        names = _names_in(action.__code__)
        for helper in [name for name in names if name.startswith("_")]:
            names |= _names_in(getattr(getattr(type(self.view), helper, None), "__code__", None))
        return bool(PAGING & names)

    # --- parameters ----------------------------------------------------------------------------
    def get_filter_backends(self) -> list[Any]:
        """Filters of querysets only: a list composed by hand declares its parameters itself."""
        if getattr(self.view, "queryset", None) is None and not hasattr(
            self.view, "filterset_class"
        ):
            return []
        backends: list[Any] = super().get_filter_backends()
        return backends if self._is_paged() else []

    def _get_paginator(self) -> Any:
        return super()._get_paginator() if self._is_paged() else None  # type: ignore[no-untyped-call]

    def _get_parameters(self) -> list[dict[str, Any]]:
        given: list[dict[str, Any]] = super()._get_parameters()
        action = self._action()
        if hasattr(action, "idempotent"):
            given = [one for one in given if one["name"] != "Idempotency-Key"]
            given.append(parts.IDEMPOTENCY_KEY)
        if hasattr(action, "revalidated"):
            given.append(parts.IF_NONE_MATCH)
        return [*given, _reference("parameters", "Accept-Language")]

    # --- who may call --------------------------------------------------------------------------
    def get_auth(self) -> list[dict[str, Any]]:
        known: list[dict[str, Any]] = super().get_auth()
        is_open = all(gate.is_open(self.view.action) for gate in self._gates())
        return [{}, *known] if is_open else known

    def get_summary(self) -> str | None:
        """The first line of the action's docstring, else its name in words."""
        said = (self._action().__doc__ or "").strip().split("\n")[0].rstrip(".")
        words = self.get_operation_id().replace("_", " ")
        return said or words[:1].upper() + words[1:]

    def get_description(self) -> str:  # type: ignore[override]
        said: str = super().get_description() or ""
        who = " ".join(gate.words_of(self.view.action) for gate in self._gates())
        return f"{said}\n\nWho: {who}".strip()

    # --- answers -------------------------------------------------------------------------------
    def _get_response_for_code(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        response: dict[str, Any] = super()._get_response_for_code(*args, **kwargs)  # type: ignore[no-untyped-call]
        content = response.get("content", {})
        if "application/json" in content:
            media = content["application/json"]
            media["schema"] = parts.success(media.get("schema", {}), paged=self._is_paged())
        headers: dict[str, Any] = {"X-Request-ID": _reference("headers", "X-Request-ID")}
        for header, words in HEADER_OF.items():
            if any(hasattr(self._action(), word) or self._takes(word) for word in words):
                headers[header] = _reference("headers", header)
        response["headers"] = response.get("headers", {}) | headers
        response["description"] = response.get("description") or "Done"
        return response

    def _takes(self, header: str) -> bool:
        given = self.get_override_parameters()
        return any(getattr(one, "name", "") == header for one in given)

    def get_operation(self, *args: Any, **kwargs: Any) -> dict[str, Any] | None:
        operation: dict[str, Any] | None = super().get_operation(*args, **kwargs)
        if operation is not None:
            operation["responses"] |= self._failures(self._codes(operation))
        return operation

    def _codes(self, operation: dict[str, Any]) -> set[str]:
        """Every code that this call can answer."""
        codes = {"MALFORMED", "RATE_LIMITED", "INTERNAL", "UNAVAILABLE"} | self._raised()
        for gate in self._gates():
            codes |= set(gate.codes_of(self.view.action))
        if self.view.get_authenticators():
            codes |= {"UNAUTHENTICATED", "TOKEN_EXPIRED", "BLOCKED"}
        if "{" in self.path:
            codes.add("NOT_FOUND")
        if self.method in WRITES:
            codes |= {"TOO_LARGE"}
        if "requestBody" in operation:
            codes |= {"UNSUPPORTED_MEDIA", "VALIDATION_ERROR"}
        if hasattr(self._action(), "idempotent"):
            codes |= {"IDEMPOTENCY_IN_PROGRESS", "IDEMPOTENCY_MISMATCH"}
        asked = {one["name"] for one in operation["parameters"] if one.get("in") == "query"}
        if asked - {"cursor", "limit"}:
            codes.add("VALIDATION_ERROR")
        return codes

    @staticmethod
    def _failures(codes: set[str]) -> dict[str, Any]:
        by_status: dict[int, list[str]] = {}
        for code in STATUS:
            if code in codes:
                by_status.setdefault(STATUS[code], []).append(code)
        return {str(status): parts.failure(status, some) for status, some in by_status.items()}

    def _raised(self) -> set[str]:
        action: Any = self._action()
        kind: Any = type(self.view)
        found = refusals_of(kind, getattr(action, "__func__", action))
        return {one.code for one in found}

    def _get_response_bodies(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        shape = self.get_response_serializers()
        if self.method == "DELETE" and not isinstance(shape, dict):
            # The library takes every DELETE for an empty 204; ours tell what became of the thing.
            bodies = {"200": self._get_response_for_code(shape, "200")}
        else:
            bodies = super()._get_response_bodies(*args, **kwargs)
        if hasattr(self._action(), "revalidated"):
            header = {"ETag": _reference("headers", "ETag")}
            bodies["304"] = {"description": "The caller holds it already", "headers": header}
        return bodies


# --- hooks of drf-spectacular --------------------------------------------------------------------
def _rename(schema: dict[str, Any]) -> None:
    if "properties" in schema:
        schema["properties"] = {camel(name): s for name, s in schema["properties"].items()}
    if "required" in schema:
        schema["required"] = [camel(name) for name in schema["required"]]


def _show(schema: dict[str, Any]) -> None:
    for name, shape in schema.get("properties", {}).items():
        if name in parts.EXAMPLES and shape.get("type") == "string" and "enum" not in shape:
            shape.setdefault("example", parts.EXAMPLES[name])


def camelize_properties(
    result: dict[str, Any], generator: Any, request: Any, public: bool
) -> dict[str, Any]:
    """Property names as they stand on the wire, examples, writes that refuse other fields, and
    filters that refuse an empty value."""
    for name, schema in result.get("components", {}).get("schemas", {}).items():
        _rename(schema)
        _show(schema)
        if name.endswith("Request") and schema.get("type") == "object":
            schema["additionalProperties"] = False
    for path in result.get("paths", {}).values():
        for operation in path.values():
            for parameter in operation.get("parameters", []):
                if parameter.get("in") == "query":
                    parameter["name"] = camel(parameter["name"])
                    parameter["allowEmptyValue"] = False  # what is not meant is left out
    return result


def _share_failures(result: dict[str, Any]) -> dict[str, Any]:
    """Moves the failures of all operations to components, where equal ones are one."""
    shared: dict[str, Any] = {}
    for path in result["paths"].values():
        for operation in path.values():
            for status, answer in operation["responses"].items():
                if int(status) >= 400:
                    codes = answer.pop("codes")
                    name = parts.failure_name(codes)
                    shared[name] = answer
                    operation["responses"][status] = _reference("responses", name)
    return shared


def add_common_parts(
    result: dict[str, Any], generator: Any, request: Any, public: bool
) -> dict[str, Any]:
    """Components, tags and the calls that no viewset serves."""
    result["paths"] |= parts.webhooks()
    added = parts.components() | {"responses": _share_failures(result)}
    for kind, named in added.items():
        result["components"][kind] = dict(
            sorted((result["components"].get(kind, {}) | named).items())
        )
    result["tags"] = [{"name": name, "description": text} for name, text in parts.TAGS.items()]
    result["servers"] = [{"url": "/", "description": "This host"}]
    return result
