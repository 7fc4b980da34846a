"""Numbered SQL files that change ClickHouse tables: `manage.py migrate_clickhouse`.

Files are `apps/<app>/clickhouse/NNNN_name.sql`, statements separated by a line `-- next`. The
state table remembers each with a checksum: a file that was changed after it ran stops the run.
One runner at a time, under a PostgreSQL advisory lock. Additive changes only; anything else is a
new table, a backfill and EXCHANGE TABLES.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from django.apps import apps
from django.db import connection

from apps.core import clickhouse

LOCK = 7_206_151_301  # any number, the same for every runner
STATE = """
CREATE TABLE IF NOT EXISTS schema_migrations (
    name String, checksum String, applied_at DateTime64(3, 'UTC') DEFAULT now64(3)
) ENGINE = ReplacingMergeTree(applied_at) ORDER BY name
"""


class MigrationChanged(Exception):
    """A numbered file differs from what was applied: write a new file instead."""


@dataclass(frozen=True)
class Step:
    name: str
    sql: str

    @property
    def checksum(self) -> str:
        return hashlib.sha256(self.sql.encode()).hexdigest()

    def statements(self) -> list[str]:
        return [part.strip() for part in self.sql.split("-- next") if part.strip()]


def steps() -> list[Step]:
    """All files of all apps in the order of their numbers."""
    files = [
        path
        for config in apps.get_app_configs()
        for path in sorted((Path(config.path) / "clickhouse").glob("[0-9]*.sql"))
    ]
    return [Step(path.stem, path.read_text()) for path in sorted(files, key=lambda path: path.name)]


def migrate() -> list[str]:
    """Bring the database to the newest step; names of the steps that ran now."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [LOCK])
        try:
            return _migrate()
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [LOCK])


def _migrate() -> list[str]:
    with clickhouse.session() as client:
        client.command(f"CREATE DATABASE IF NOT EXISTS `{clickhouse.database()}`")
    ran = []
    with clickhouse.session(database=clickhouse.database()) as client:
        client.command(STATE)
        rows = client.query("SELECT name, checksum FROM schema_migrations FINAL").result_rows
        applied = {str(row[0]): row[1] for row in rows}
        for step in steps():
            if step.name in applied:
                if applied[step.name] != step.checksum:
                    raise MigrationChanged(step.name)
                continue
            for statement in step.statements():
                client.command(statement, settings=clickhouse.COMPATIBLE)
            client.insert(
                "schema_migrations", [[step.name, step.checksum]], column_names=["name", "checksum"]
            )
            ran.append(step.name)
    return ran
