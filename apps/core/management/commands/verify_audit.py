from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction
from django.utils import timezone

from apps.core import audit, audit_chain


class Command(BaseCommand):
    help = "Walk the hash chain of the audit log and compare it with its anchors."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--after-restore",
            metavar="REASON",
            help="anchors above the restored head no longer count; the reason is kept with them",
        )

    def handle(self, *, after_restore: str | None = None, **options: Any) -> None:
        at = timezone.now()
        if after_restore:
            self._note_restore(after_restore)
        verdict = audit_chain.verify(path=settings.AUDIT_ANCHOR_FILE, at=at)
        if not verdict.whole:
            raise CommandError(f"first bad row №{verdict.bad}: {verdict.because}")
        waiting = f", {verdict.unsealed} not sealed yet" if verdict.unsealed else ""
        self.stdout.write(f"chain whole up to №{verdict.upto}{waiting}")

    def _note_restore(self, reason: str) -> None:
        path, at = settings.AUDIT_ANCHOR_FILE, timezone.now()
        audit_chain.anchor(path=path, at=at, restored_because=reason)
        with transaction.atomic():
            audit.record(None, "core.restored", "audit", "chain", reason=reason)
