"""Yes/no answers about sales."""

from datetime import UTC, datetime, timedelta

EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
CLOCK_SLACK = timedelta(minutes=5)  # a till's clock may run ahead this much


def is_believable_moment(occurred_at: datetime, *, now: datetime) -> bool:
    """A sale is neither in the future nor older than any partner."""
    return EARLIEST <= occurred_at <= now + CLOCK_SLACK
