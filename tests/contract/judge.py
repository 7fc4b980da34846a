"""Is an answer one that the schema promises? Status, code, envelope, headers."""

import gzip
import json
import re
from typing import Any

ENVELOPE = {"success", "meta"}


class Judge:
    """`faults(method, path, answer)`: what the schema does not know of; empty when all is well."""

    def __init__(self, schema: dict[str, Any]) -> None:
        self.schema = schema
        self.paths = [
            (re.compile("^" + re.sub(r"\\{\w+\\}", "[^/]*", re.escape(path)) + "$"), methods)
            for path, methods in sorted(schema["paths"].items(), key=lambda one: "{" in one[0])
        ]

    def operation(self, method: str, path: str) -> dict[str, Any] | None:
        for pattern, methods in self.paths:
            if pattern.match(path) and method.lower() in methods:
                return dict(methods[method.lower()])
        return None

    def faults(self, method: str, path: str, answer: Any) -> list[str]:
        status = answer.status_code
        operation = self.operation(method, path)
        if status >= 500:
            return [f"{status}: {answer.content[:200]!r}"]
        if operation is None:
            return [] if status in (400, 404, 405) else [f"{status} of no operation"]
        said = operation["responses"].get(str(status))
        if said is None:
            return [f"{status} is not documented: {answer.content[:200]!r}"]
        if status < 400 or "json" not in answer["Content-Type"]:
            return []
        return self._failure(said, answer)

    def _failure(self, said: dict[str, Any], answer: Any) -> list[str]:
        raw = answer.content
        packed = answer.headers.get("Content-Encoding") == "gzip"
        body = json.loads(gzip.decompress(raw) if packed else raw)
        wrong = [] if set(body) == {*ENVELOPE, "error"} else [f"no envelope: {body}"]
        codes = self._codes(said)
        code = body.get("error", {}).get("code")
        if code not in codes:
            wrong.append(f"{answer.status_code} {code} is not among {codes}")
        if answer.status_code == 429 and not answer.headers.get("Retry-After"):
            wrong.append("429 without Retry-After")
        return wrong

    def _codes(self, said: dict[str, Any]) -> list[str]:
        if "$ref" in said:
            said = self.schema["components"]["responses"][said["$ref"].split("/")[-1]]
        shape = said["content"]["application/json"]["schema"]
        return list(shape["allOf"][1]["properties"]["error"]["properties"]["code"]["enum"])
