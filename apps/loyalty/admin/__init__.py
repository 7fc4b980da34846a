"""The admin of loyalty: importing a module registers its pages."""

from apps.loyalty.admin import ledger

__all__ = ["ledger"]
