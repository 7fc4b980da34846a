"""Messages in the admin: a filter by kind, and texts with their places."""

import re
from collections.abc import Iterator
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html_join
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import DropdownFilter

from apps.core.admin_base import code
from apps.notifications.kinds import KINDS
from apps.notifications.labels import kind_name

PLACE = re.compile(r"(\{\w+\})")


def with_places(text: str) -> str:
    """A text of the product; `{bonus}`, where a value will stand, is shown as a word of ours."""
    parts = PLACE.split(text)
    return format_html_join(
        "", "{}", [(code(one) if n % 2 else one,) for n, one in enumerate(parts)]
    )


class KindFilter(DropdownFilter):
    title = _("kind")
    parameter_name = "kind"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterator[tuple[str, Any]]:
        return ((code, kind_name(code)) for code in KINDS)

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        return queryset.filter(kind=self.value()) if self.value() else queryset
