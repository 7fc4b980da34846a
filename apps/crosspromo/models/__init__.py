"""Cross-promo chains: a purchase at one partner brings a coupon for another.

* Chain: what partners agreed on; its live version is the one that counts.
* Version: the terms, frozen when written; an edit writes another one. Live once every partner in
  it has accepted. At most one version of a chain is live and one is proposed.
* Step: from → to, what triggers it, the campaign its coupons belong to.
* Acceptance: a partner's yes to a version.
* Run: the exposure: one per (version, member, trigger), its arm decided by hash beforehand. The
  control arm gets nothing and is measured the same.
* Mint: the coupon of a run's step; one per (run, step).
* Scale: the index's yardstick of a quarter.
"""

from apps.crosspromo.models.chains import Acceptance, Chain, Step, Version
from apps.crosspromo.models.runs import Mint, Run, Scale

__all__ = ["Acceptance", "Chain", "Mint", "Run", "Scale", "Step", "Version"]
