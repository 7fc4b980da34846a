"""What admins change: words of messages, providers. Each with a reason in the audit log."""

from typing import Any

from django.db import transaction

from apps.core import audit
from apps.core.errors import Invalid
from apps.notifications.kinds import KINDS
from apps.notifications.models import Provider, Template
from apps.notifications.rules import unknown_places

WORDS = ("title", "body", "sms")
OF_PROVIDER = ("is_on", "per_second", "price", "least_balance")


class StrangePlace(Invalid):
    field = "title"


@transaction.atomic
def change_words(
    *, template: Template, changes: dict[str, Any], by: audit.Actor, reason: str
) -> None:
    """Raises StrangePlace when braces hold what the kind does not know."""
    row = Template.objects.select_for_update().get(pk=template.pk)
    for name in WORDS:
        text = changes.get(name, "")
        if unknown_places(text, KINDS[row.kind].places):
            raise StrangePlace
        if name in changes:
            setattr(row, name, text)
    row.save(update_fields=list(WORDS))
    audit.record(by, "notifications.words", "template", row.pk, reason=reason, changed=changes)


@transaction.atomic
def change_provider(
    *, provider: Provider, changes: dict[str, Any], by: audit.Actor, reason: str
) -> None:
    """Pace, price, alarm, or whether it is used at all."""
    kept = {name: value for name, value in changes.items() if name in OF_PROVIDER}
    Provider.objects.filter(pk=provider.pk).update(**kept)
    audit.record(by, "notifications.provider", "provider", provider.pk, reason=reason, changed=kept)
