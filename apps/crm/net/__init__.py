"""Requests out: one client for all systems, with its guard, its limits and its journal."""

from apps.crm.net.client import Answer, Call, Client, Judge, Policy, by_status
from apps.crm.net.failure import Failed
from apps.crm.net.limits import Limit

__all__ = ["Answer", "Call", "Client", "Failed", "Judge", "Limit", "Policy", "by_status"]
