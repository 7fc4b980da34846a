import csv
from datetime import UTC
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import translation
from django.utils.translation import gettext as _

from apps.accounts.models import Erasure
from apps.core import append_file
from apps.core.models import AuditEntry


class Command(BaseCommand):
    help = (
        "The act of destruction of one person's data, with the extract of the event log "
        "(Roskomnadzor order 179). Holds ids and names of fields, no personal data."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("person", type=UUID, metavar="PERSON_ID")
        parser.add_argument("--csv", action="store_true", help="for a table instead of for reading")

    def handle(self, *, person: UUID, **options: Any) -> None:
        erasure = Erasure.objects.filter(person_id=person).first()
        if erasure is None:
            raise CommandError("Nobody with this id was erased.")
        with translation.override("ru"):
            rows = _act(erasure) + _extract(erasure)
            if options["csv"]:
                csv.writer(self.stdout).writerows(rows)
                return
            self.stdout.write(_("Act of destruction of personal data"))
            for name, value in rows:
                self.stdout.write(f"{name}: {value}")


def _act(erasure: Erasure) -> list[tuple[str, str]]:
    filed = {line["person"] for line in append_file.read(settings.ERASURE_JOURNAL)}
    by = _("the system") if erasure.by_id is None else str(erasure.by_id)
    if erasure.by_id == erasure.person_id:
        by = _("the person herself")
    return [
        (_("Person"), str(erasure.person_id)),
        (_("Destroyed at (UTC)"), erasure.at.astimezone(UTC).isoformat(timespec="seconds")),
        (_("Because"), erasure.because),
        (_("Ordered by"), by),
        (_("What was destroyed"), ", ".join(erasure.fields)),
        (_("How"), _("the key was destroyed, the fields were emptied")),
        (
            _("In the journal outside of the database"),
            _("yes") if str(erasure.person_id) in filed else _("no"),
        ),
        (_("Digest"), erasure.digest),
    ]


def _extract(erasure: Erasure) -> list[tuple[str, str]]:
    """The event log about her from the day of the request on: number, time, action."""
    rows = AuditEntry.objects.filter(object_type="user", object_id=str(erasure.person_id))
    return [
        (f"№{row.pk}", f"{row.at.astimezone(UTC).isoformat(timespec='seconds')} {row.action}")
        for row in rows.filter(action="accounts.erased").order_by("pk")
    ]
