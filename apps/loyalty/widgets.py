"""What the dashboard of the network takes from the ledger: who owes whom."""

from typing import Any

from django.utils import timezone

from apps.loyalty.settlement_queries import ZERO, matrix_of


def clearing() -> dict[str, Any]:
    """Clearing balance between partners in this month so far, ₽: `gross` = Σ of what pairs owe
    each other, `net` = Σ of what is left to pay after each partner's due and owed are set off,
    `offset` = 1 − net ÷ gross in %; and each partner's balance, above zero is received, Σ = 0."""
    at = timezone.now()
    month = timezone.localdate(at).replace(day=1)
    matrix = matrix_of(month, at=at)
    net = sum((one.net for one in matrix.nets if one.net > 0), ZERO)
    gross = sum((one.due for one in matrix.nets), ZERO)
    return {
        "month": month.isoformat(),
        "gross": f"{gross:.2f}",
        "net": f"{net:.2f}",
        "offset": round(float(100 * (1 - net / gross)), 1) if gross > 0 else None,
        "balances": [
            {
                "business_id": str(one.business.pk),
                "name": one.business.name,
                "due": f"{one.due:.2f}",
                "owed": f"{one.owed:.2f}",
                "net": f"{one.net:.2f}",
            }
            for one in sorted(matrix.nets, key=lambda one: (-one.net, one.business.name))
        ],
    }
