"""The admin of loyalty: importing a module registers its pages."""

from apps.loyalty.admin import ledger, offers

__all__ = ["ledger", "offers"]
