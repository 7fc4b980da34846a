"""The admin of people, their standing, their devices and what they decided about their data."""

from apps.accounts.admin import people, positions, privacy, sessions, tiers

__all__ = ["people", "positions", "privacy", "sessions", "tiers"]
