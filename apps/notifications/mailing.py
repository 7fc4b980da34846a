"""A letter: the words of a message in the house's dress, with a way to stop such letters."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID

from django.conf import settings
from django.core import signing
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import translation

from apps.notifications.enums import Channel
from apps.notifications.kinds import KINDS
from apps.notifications.models import Notification
from apps.notifications.words import Words

SALT = "notifications.leave"


@dataclass(frozen=True)
class Letter:
    subject: str
    plain: str
    html: str
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Leaving:
    """What a link at the foot of a letter stops: advertising on a channel (`topic` empty), or one
    topic of service messages there."""

    member_id: UUID
    channel: str
    topic: str


def leave_token(leaving: Leaving) -> str:
    """Signed and without an end: a letter may be opened years later."""
    return signing.dumps([leaving.member_id.hex, leaving.channel, leaving.topic], salt=SALT)


def read_token(token: str) -> Leaving | None:
    """None when it was not made by `leave_token`."""
    try:
        member_id, channel, topic = signing.loads(token, salt=SALT)
        return Leaving(UUID(member_id), channel, topic)
    except (signing.BadSignature, ValueError):
        return None


def leave_url(leaving: Leaving) -> str:
    return settings.SITE_URL + reverse("notifications:leave", args=[leave_token(leaving)])


def stop_url(code: str) -> str:
    """At the end of an advert by SMS, without the scheme: phones make a link of it all the same."""
    url = settings.SITE_URL + reverse("notifications:stop", args=[code])
    return url.partition("://")[2]


def letter(message: Notification, words: Words, *, advert: bool) -> Letter:
    """Headers of RFC 2369 and RFC 8058 when she may stop such letters: a mail program then shows
    its own button, which posts and does not open."""
    kind, language = KINDS[message.kind], message.member.locale
    url = ""
    if advert or kind.can_be_muted:
        topic = "" if advert else kind.topic.value
        url = leave_url(Leaving(message.member_id, Channel.EMAIL.value, topic))
    shown = {"words": words, "leave_url": url, "advert": advert, "site_url": settings.SITE_URL}
    with translation.override(language):
        html = render_to_string("notifications/letter.html", shown | {"language": language})
        plain = render_to_string("notifications/letter.txt", shown)
    headers = {}
    if url:
        headers = {
            "List-Unsubscribe": f"<{url}>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        }
    subject = " ".join(words.title.splitlines())  # a header is one line
    return Letter(subject, plain.strip() + "\n", html, headers)
