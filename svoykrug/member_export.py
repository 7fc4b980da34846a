"""Everything held about one person, composed from the apps that hold it.

A new app with personal data adds its `queries.export_of(member, *, at)` here, and its listener of
MemberErased in outbox.py.
"""

from datetime import UTC, datetime
from typing import Any

from apps.accounts import export as accounts
from apps.accounts.models import User
from apps.analytics.churn import queries as analytics
from apps.businesses import queries as businesses
from apps.core.http.casing import camelize
from apps.coupons import queries as coupons
from apps.crm import queries as crm
from apps.crosspromo import queries as crosspromo
from apps.events import queries as events
from apps.loyalty import queries as loyalty
from apps.notifications import queries as notifications
from apps.transactions import queries as transactions

PARTS = {
    "account": accounts.export_of,
    "analytics": analytics.export_of,
    "businesses": businesses.export_of,
    "crm": crm.export_of,
    "coupons": coupons.export_of,
    "crosspromo": crosspromo.export_of,
    "events": events.export_of,
    "loyalty": loyalty.export_of,
    "notifications": notifications.export_of,
    "transactions": transactions.export_of,
}


def compose(member: User, *, at: datetime) -> dict[str, Any]:
    """One JSON document: a part for each app, keys as everywhere on the wire."""
    document = {"exported_at": at, "member_id": member.pk}
    parts = {name: export_of(member, at=at) for name, export_of in PARTS.items()}
    whole: dict[str, Any] = _plain(camelize(document | parts))
    return whole


def _plain(value: Any) -> Any:
    """Moments in UTC with Z, everything else that is no JSON as text."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return value if isinstance(value, str | int | bool | None) else str(value)
