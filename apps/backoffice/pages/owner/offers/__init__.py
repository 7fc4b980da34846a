"""Offers of a business: the list, one of them, and the constructor in five steps."""

from apps.backoffice.pages.owner.offers.constructor import begin, check, drop, preview, step
from apps.backoffice.pages.owner.offers.listing import offers
from apps.backoffice.pages.owner.offers.one import edit, offer

__all__ = ["begin", "check", "drop", "edit", "offer", "offers", "preview", "step"]
