from collections.abc import Mapping
from typing import IO, Any

import orjson
from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser

from apps.core.http.casing import snakeize

MOST_DEEP = 16  # levels of objects and lists; nothing in the contract needs more than four


def _is_deeper(value: Any, levels: int) -> bool:
    if not isinstance(value, dict | list):
        return False
    inner = value.values() if isinstance(value, dict) else value
    return levels == 0 or any(_is_deeper(item, levels - 1) for item in inner)


def _holds_nul(value: Any) -> bool:
    if isinstance(value, str):
        return "\x00" in value
    if isinstance(value, dict):
        return any(_holds_nul(item) for pair in value.items() for item in pair)
    return isinstance(value, list) and any(_holds_nul(item) for item in value)


class CamelCaseParser(BaseParser):
    """JSON only, an object at the top, keys to snake_case. Anything else is MALFORMED."""

    media_type = "application/json"

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        raw = stream.read()
        if not raw.strip():
            return {}
        try:
            body = orjson.loads(raw)
        except orjson.JSONDecodeError as broken:
            raise ParseError("The body is not valid JSON.") from broken
        if not isinstance(body, dict):
            raise ParseError("The body must be a JSON object.")
        if _is_deeper(body, MOST_DEEP):
            raise ParseError("The body is nested too deeply.")
        if b"\\u0000" in raw and _holds_nul(body):
            raise ParseError("The body holds a NUL character.")
        return snakeize(body)  # type: ignore[no-any-return]
