"""What analytics takes from apps above it: facts, books to reconcile by, widgets."""

from apps.analytics.tables import Sources
from apps.coupons import widgets as coupons
from apps.crm import widgets as systems
from apps.crosspromo import widgets as chains
from apps.loyalty import fact_queries as ledger
from apps.loyalty import widgets as settlement
from apps.transactions import fact_queries as sales
from apps.transactions import widgets as tills

SOURCES = Sources(
    feeds=[ledger.LOTS, ledger.POSTINGS],
    books={"transaction_facts": sales.BOOK, "bonus_facts": ledger.BOOK},
    core_figures=tills.core_figures,
    core_series=tills.core_series,
    of_range={
        "members_share": systems.members_share,
        "tiers": tills.tiers,
        "items": tills.lines,
    },
    of_now={
        "win_win": chains.win_win,
        "chains": chains.chains,
        "recommendations": chains.recommendations,
    },
    of_network={"clearing": settlement.clearing, "shared_gain": chains.shared_gain},
    coupon_steps=coupons.steps,
)
