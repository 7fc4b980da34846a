"""The fact tables of a test run."""

from apps.core import clickhouse


def empty() -> None:
    """ClickHouse with empty fact tables."""
    with clickhouse.session(database=clickhouse.database()) as client:
        for (table,) in client.query("SHOW TABLES").result_rows:
            if table != "schema_migrations":
                client.command(f"TRUNCATE TABLE {table}")
