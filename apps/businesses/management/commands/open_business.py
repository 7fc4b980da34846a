from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from apps.businesses.models import Business, Category
from apps.businesses.services import open_business


class Command(BaseCommand):
    help = "Onboard a partner. Does nothing when the address name is taken by one already."

    def add_arguments(self, parser: CommandParser) -> None:
        kinds = [kind for kind in Category.values if kind != Category.NETWORK]
        parser.add_argument("slug", help="address name, such as mindal")
        parser.add_argument("--name", required=True)
        parser.add_argument("--category", required=True, choices=kinds)
        parser.add_argument("--city", default="")

    def handle(self, *, slug: str, name: str, category: str, city: str, **options: Any) -> None:
        there = Business.objects.filter(slug=slug).first()
        if there:
            self.stdout.write(f"{slug}: there already ({there.name}).")
            return
        open_business(slug=slug, name=name, category=category, city=city, by=None)
        self.stdout.write(f"{slug}: opened.")
