"""Cross-promo chains of a business: the list, one of them, and the builder."""

from apps.backoffice.pages.owner.chains.builder import begin, build, diagram, drop
from apps.backoffice.pages.owner.chains.listing import chains, ideas
from apps.backoffice.pages.owner.chains.one import chain, change

__all__ = ["begin", "build", "chain", "chains", "change", "diagram", "drop", "ideas"]
