import itertools
from decimal import Decimal
from typing import Any

from django.utils import timezone

from apps.transactions.models import Transaction
from apps.transactions.services import record_purchase
from tests.factories.accounts import UserFactory
from tests.factories.businesses import BusinessFactory

_keys = itertools.count()


def sale(**given: Any) -> Transaction:
    """A sale through the real service; everything has a default."""
    return record_purchase(
        business=given.pop("business", None) or BusinessFactory(),
        member=given.pop("member", None) or UserFactory(),
        amount=Decimal(given.pop("amount", "1000.00")),
        occurred_at=given.pop("occurred_at", None) or timezone.now(),
        by=given.pop("by", None),
        key=given.pop("key", None) or f"test:{next(_keys)}",
        **given,
    )
