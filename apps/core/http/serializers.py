"""Bases of explicit In / Out pairs. Writes refuse fields that they do not know."""

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, ClassVar

from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from apps.core.errors import Invalid
from apps.core.money import parse_amount


class In(serializers.Serializer[Any]):
    """What a call takes."""

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, dict):
            return super().to_internal_value(data)
        unknown = set(data) - set(self.fields)
        if unknown:
            raise serializers.ValidationError(
                {name: [_("Unknown field.")] for name in sorted(unknown)}
            )
        numbers = [name for name in self._texts() if isinstance(data.get(name), int | float)]
        if numbers:
            raise serializers.ValidationError(
                {name: [self.fields[name].error_messages["invalid"]] for name in numbers}
            )
        return super().to_internal_value(data)

    def _texts(self) -> list[str]:
        """Fields of text. The framework would take 123 for "123", which the schema does not say;
        sums have a word of their own."""
        return [
            name
            for name, field in self.fields.items()
            if isinstance(field, serializers.CharField) and not isinstance(field, MoneyIn)
        ]


class Out(serializers.Serializer[Any]):
    """What a call answers; read only."""


class MoneyIn(serializers.CharField):
    """Roubles as a string, `"1234.50"`: a JSON number is refused, floats are never money."""

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, str):
            raise serializers.ValidationError(_('Send the sum as a string, such as "1234.50".'))
        try:
            return parse_amount(data)
        except Invalid as wrong:
            raise serializers.ValidationError(str(wrong)) from wrong


class MoneyOut(serializers.DecimalField):
    """A string with two decimals."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_digits=14, decimal_places=2, read_only=True, **kwargs)

    def to_representation(self, value: Any) -> str:
        return f"{Decimal(value):.2f}"


class MomentIn(serializers.DateTimeField):
    """RFC 3339 with a zone: a moment without one would be a guess."""

    default_error_messages: ClassVar[dict[str, Any]] = {
        "invalid": _("Write the moment as RFC 3339, such as 2026-01-31T10:30:00Z."),
        "naive": _("Say the time zone too: 2026-01-31T10:30:00Z or +03:00."),
    }

    def enforce_timezone(self, value: datetime) -> datetime:
        if value.tzinfo is None:
            self.fail("naive")
        return value


class UntilIn(MomentIn):
    """A moment, or a day (`2026-12-31`), which means its end by our clock."""

    def to_internal_value(self, value: Any) -> datetime:
        if isinstance(value, str) and len(value) == len("2026-12-31"):
            try:
                day = date.fromisoformat(value) + timedelta(days=1)
            except (ValueError, OverflowError):
                self.fail("invalid")
            return timezone.make_aware(
                datetime.combine(day, time()), timezone.get_default_timezone()
            )
        return super().to_internal_value(value)


class MomentOut(serializers.DateTimeField):
    """RFC 3339 in UTC with Z."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(read_only=True, default_timezone=UTC, **kwargs)
