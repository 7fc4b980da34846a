"""Messages to members.

* Notification: one message of one kind to one member because of one thing (`source`): unique. It
  stands in her inbox and travels by one channel at a time. Words are not stored: they come from
  Template or texts/*.toml when somebody reads or sends.
* Attempt: one try on one channel, what came of it, its cost and the consent it relied on.
* Template: words of a kind in one language, when an admin changed them.
* Device: a phone that takes push. Its token is sealed with her own key.
* Mute: a topic that she does not want on a channel. Suppression: an address that refused for good.
* StopCode: by which she stops adverts from a link in an SMS.
* Provider: one row a provider: its rest, its pace, price and balance.
* Broadcast: one text to a segment; more than 1,000 people want a second person.
* Callback: what a provider told us, as a digest, so that a repeat is heard once.

Invariants: advertising leaves only with a consent that stood at the moment of sending; nothing
personal stands in `values`, in a push or in a log.
"""

from apps.notifications.models.addresses import Device, Mute, StopCode, Suppression
from apps.notifications.models.broadcasts import Broadcast
from apps.notifications.models.messages import Attempt, Notification, Template
from apps.notifications.models.providers import Callback, Provider

__all__ = [
    "Attempt",
    "Broadcast",
    "Callback",
    "Device",
    "Mute",
    "Notification",
    "Provider",
    "StopCode",
    "Suppression",
    "Template",
]
