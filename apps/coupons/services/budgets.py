"""Money set aside and used up: one conditional update each, always the last lock of a transaction,
budgets in the order of their ids."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import connection
from django.utils.translation import gettext_lazy as _

from apps.core.errors import Refused
from apps.coupons import sql

ZERO = Decimal("0.00")


class BudgetEmpty(Refused):
    code = "WRONG_STATE"
    message = _("The budget of this promotion is used up.")


def reserve(budget_id: UUID | None, amount: Decimal) -> bool:
    """Set ₽ aside; False when the cap does not hold them. Without a budget everything holds."""
    if budget_id is None or amount == 0:
        return True
    with connection.cursor() as cursor:
        cursor.execute(sql.RESERVE, {"budget": budget_id, "amount": amount})
        return bool(cursor.rowcount == 1)


def charge(budget_id: UUID | None, *, reserved: Decimal, amount: Decimal) -> None:
    """Turn what was reserved into what was really given. Raises BudgetEmpty."""
    if budget_id is None or (reserved == 0 and amount == 0):
        return
    values: dict[str, Any] = {"budget": budget_id, "reserved": reserved, "amount": amount}
    with connection.cursor() as cursor:
        cursor.execute(sql.CHARGE, values)
        if cursor.rowcount != 1:
            raise BudgetEmpty


def release(reserved: Mapping[UUID | None, Decimal], *, charged: Decimal = ZERO) -> None:
    """Give back what is reserved, and `charged` of each."""
    with connection.cursor() as cursor:
        for budget_id in sorted(key for key in reserved if key is not None):
            values: dict[str, Any] = {"budget": budget_id, "reserved": reserved[budget_id]}
            values["charged"] = charged
            cursor.execute(sql.RELEASE, values)
