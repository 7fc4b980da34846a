from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.core import key_rotation
from apps.core.sealing import SealBroken


class Command(BaseCommand):
    help = (
        "Seal everything with the first key of FIELD_KEYS. Put the new key first, keep the old one "
        "after it, run this, then remove the old one. May be stopped and started again."
    )

    def handle(self, **options: Any) -> None:
        for place in key_rotation.columns():
            total, done = key_rotation.left(place), 0
            name = f"{place.table}.{place.column}"
            try:
                for batch in key_rotation.rotate(place):
                    done += batch
                    self.stdout.write(f"{name}: {done} of {total}")
            except SealBroken as broken:
                raise CommandError(f"{name}: {broken} does not open with FIELD_KEYS.") from broken
            if not done:
                self.stdout.write(f"{name}: nothing to do")
        self.stdout.write(f"Everything is sealed with {key_rotation.first_key()}.")
