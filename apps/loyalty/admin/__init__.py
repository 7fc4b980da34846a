"""The admin of loyalty: importing a module registers its pages."""

from apps.loyalty.admin import ledger, moving, offers, programme, rewards, segments, settlement

__all__ = ["ledger", "moving", "offers", "programme", "rewards", "segments", "settlement"]
