from django.core.management.base import BaseCommand, CommandError

from apps.core import clickhouse_migrations
from apps.core.clickhouse import Unavailable


class Command(BaseCommand):
    help = "Bring the ClickHouse tables to the newest numbered step."

    def handle(self, **options: object) -> None:
        try:
            ran = clickhouse_migrations.migrate()
        except Unavailable as down:
            raise CommandError("ClickHouse does not answer: check CLICKHOUSE_URL.") from down
        except clickhouse_migrations.MigrationChanged as changed:
            raise CommandError(
                f"Step {changed} was edited after it ran. Restore it and add a new step."
            ) from changed
        self.stdout.write(f"ClickHouse: {', '.join(ran) if ran else 'up to date'}")
