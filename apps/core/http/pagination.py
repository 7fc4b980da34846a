"""Cursor pages, newest first: keyset on (moment, id), so rows that arrive skip nothing."""

import base64
import re
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import AutoField, Q
from django.utils.translation import gettext_lazy as _
from rest_framework.exceptions import ParseError
from rest_framework.pagination import BasePagination
from rest_framework.response import Response

DEFAULT, MOST = 20, 100
WHOLE = re.compile(r"[0-9]{1,18}", re.ASCII)
BROKEN = _("The cursor is broken.")


class NewestFirst(BasePagination):
    """`?cursor=&limit=`. A view names its moment in `page_by` (default `created_at`)."""

    def read_limit(self, request: Any) -> int:
        self.limit = self._limit(request.query_params.get("limit"))
        return self.limit

    def read_cursor(self, request: Any, *, kind: type = UUID) -> tuple[datetime, Any] | None:
        """Where the page begins; `kind` is that of the list's ids. Raises ParseError."""
        cursor = request.query_params.get("cursor")
        found = None if cursor is None else self._decode(cursor)
        if found and not isinstance(found[1], kind):
            raise ParseError(BROKEN)  # a cursor of another list
        return found

    def cut(self, rows: list[Any], *, moment: str) -> list[Any]:
        """The page out of `limit + 1` rows; the extra one tells that more follow."""
        self.next_cursor: str | None = None
        if len(rows) > self.limit:
            rows = rows[: self.limit]
            self.next_cursor = self._encode(getattr(rows[-1], moment), rows[-1].id)
        return rows

    def answer(self, rows: list[Any], *, moment: str, out: Any) -> Response:
        """A page for reads that are not querysets."""
        return self.get_paginated_response(out(self.cut(rows, moment=moment), many=True).data)

    def paginate_queryset(self, queryset: Any, request: Any, view: Any = None) -> list[Any]:
        moment = getattr(view, "page_by", "created_at")
        kind = int if isinstance(queryset.model._meta.pk, AutoField) else UUID
        limit, cursor = self.read_limit(request), self.read_cursor(request, kind=kind)
        if cursor:
            at, last = cursor
            queryset = queryset.filter(
                Q(**{f"{moment}__lt": at}) | Q(**{moment: at, "pk__lt": last})
            )
        return self.cut(list(queryset.order_by(f"-{moment}", "-pk")[: limit + 1]), moment=moment)

    def get_paginated_response(self, data: Any) -> Response:
        response = Response(data)
        response.envelope_meta = {  # type: ignore[attr-defined]
            "pagination": {"nextCursor": self.next_cursor, "limit": self.limit}
        }
        return response

    def get_paginated_response_schema(self, schema: Any) -> Any:
        return schema  # the envelope is added by the schema class

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        whole = {"type": "integer", "minimum": 1, "maximum": MOST, "default": DEFAULT}
        return [
            {"name": "cursor", "in": "query", "schema": {"type": "string"}, "required": False},
            {"name": "limit", "in": "query", "schema": whole, "required": False},
        ]

    @staticmethod
    def _limit(text: str | None) -> int:
        if text is None:
            return DEFAULT
        if not (re.fullmatch(r"[0-9]{1,3}", text) and 1 <= int(text) <= MOST):
            raise ParseError(f"limit must be a whole number from 1 to {MOST}.")
        return int(text)

    @staticmethod
    def _encode(at: datetime, pk: Any) -> str:
        return base64.urlsafe_b64encode(f"{at.isoformat()}|{pk}".encode()).decode().rstrip("=")

    @staticmethod
    def _decode(cursor: str) -> tuple[datetime, UUID | int]:
        try:
            plain = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
            at, _bar, pk = plain.partition("|")
            moment = datetime.fromisoformat(at)
            if moment.tzinfo is None:
                raise ValueError("naive")
            return moment, int(pk) if WHOLE.fullmatch(pk) else UUID(pk)
        except (ValueError, UnicodeError) as broken:
            raise ParseError(BROKEN) from broken
