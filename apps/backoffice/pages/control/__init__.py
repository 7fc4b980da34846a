"""«Управление»: queues and decisions of those who work for the network."""

from apps.backoffice.pages.control.audit import audit
from apps.backoffice.pages.control.decisions import decisions
from apps.backoffice.pages.control.events import event, events
from apps.backoffice.pages.control.events import live as event_live
from apps.backoffice.pages.control.fraud import fraud
from apps.backoffice.pages.control.home import health, home
from apps.backoffice.pages.control.integrations import integrations
from apps.backoffice.pages.control.jobs import jobs
from apps.backoffice.pages.control.members import member, members
from apps.backoffice.pages.control.onboarding import onboarding, partner
from apps.backoffice.pages.control.privacy import privacy
from apps.backoffice.pages.control.proposals import proposal, proposals
from apps.backoffice.pages.control.reports import reports
from apps.backoffice.pages.control.roles import roles
from apps.backoffice.pages.control.search import search

__all__ = [
    "audit",
    "decisions",
    "event",
    "event_live",
    "events",
    "fraud",
    "health",
    "home",
    "integrations",
    "jobs",
    "member",
    "members",
    "onboarding",
    "partner",
    "privacy",
    "proposal",
    "proposals",
    "reports",
    "roles",
    "search",
]
