"""What dbt has made of a DuckDB file, to compare two builds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import duckdb

from refresh.build import MADE_SCHEMAS

if TYPE_CHECKING:
    from pathlib import Path

#: Times of the build itself.
TIMES = {"dbt_valid_from", "dbt_valid_to", "dbt_updated_at", "dbt_scd_id", "changed_at"}
#: Of the build itself, of the runs, and of the loads.
LEFT_OUT = {
    "intermediate.int_builds__last", "intermediate.int_runs__file", "marts.run_steps",
    "marts.run_streams", "marts.freshness",
}  # fmt: skip


def tables(database: Path) -> dict[str, Any]:
    """Return columns and rows of each table and view that dbt makes, but for times of builds."""
    found = {}
    with duckdb.connect(str(database), read_only=True) as connection:
        connection.execute("set TimeZone = 'UTC'")
        names = connection.execute(
            "select table_schema, table_name, list(column_name order by column_name) "
            "from information_schema.columns group by all order by all"
        ).fetchall()
        for schema, table, columns in names:
            name = f"{schema}.{table}"
            if schema not in MADE_SCHEMAS or schema == "build_mark" or name in LEFT_OUT:
                continue
            kept = ", ".join(f'"{each}"' for each in columns if each not in TIMES)
            rows = connection.execute(
                f'select {kept}, count(*) from "{schema}"."{table}" group by all order by all'
            )
            found[name] = (columns, rows.fetchall())
    return found
