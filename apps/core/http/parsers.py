from collections.abc import Mapping
from typing import IO, Any

import orjson
from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser

from apps.core.http.casing import snakeize


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
        if b"\\u0000" in raw:
            raise ParseError("The body holds a NUL character.")
        return snakeize(body)  # type: ignore[no-any-return]
