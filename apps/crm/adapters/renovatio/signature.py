"""Renovatio calls nobody: whatever comes to this address is no call of it."""

from apps.crm.adapters.base import Hint


def read_hint(body: bytes) -> Hint:
    raise ValueError("Renovatio sends no webhooks")
