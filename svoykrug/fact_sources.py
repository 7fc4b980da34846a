"""What analytics loads and reconciles from apps above it."""

from apps.analytics.tables import Sources
from apps.loyalty import fact_queries as ledger
from apps.transactions import fact_queries as sales

SOURCES = Sources(
    feeds=[ledger.LOTS, ledger.POSTINGS],
    books={"transaction_facts": sales.BOOK, "bonus_facts": ledger.BOOK},
)
