"""«Управление»: queues and decisions of those who work for the network."""

from apps.backoffice.pages.control.audit import audit
from apps.backoffice.pages.control.decisions import decisions
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

__all__ = [
    "audit",
    "decisions",
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
]
