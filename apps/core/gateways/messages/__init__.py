"""Thin clients of message providers: one file each, chosen by name in `MESSAGE_PROVIDERS`.

A new provider is one file here with a class that keeps to `base.Provider`, and its dotted name in
the settings. Nothing else knows how a provider answers.
"""

from functools import cache

from django.conf import settings
from django.utils.module_loading import import_string

from apps.core.gateways.messages.base import News, Outcome, Parcel, Provider, Verdict

__all__ = ["News", "Outcome", "Parcel", "Provider", "Verdict", "named", "of_channel"]


@cache
def _made(dotted: str) -> Provider:
    provider: Provider = import_string(dotted)()
    return provider


def of_channel(channel: str) -> Provider | None:
    """The provider that carries this channel; None when the channel is switched off."""
    dotted = settings.MESSAGE_PROVIDERS.get(channel)
    return _made(dotted) if dotted else None


def named(name: str) -> Provider | None:
    """The provider of this name among those in use."""
    used = [of_channel(channel) for channel in settings.MESSAGE_PROVIDERS]
    return next((one for one in used if one and one.name == name), None)
