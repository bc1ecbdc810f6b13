"""DuckDB's own reader over the records in a file, nothing fetched, nothing checked."""

from __future__ import annotations

import os

import duckdb

COLUMNS = {
    **dict.fromkeys(("id", "name", "email", "mobile_phone", "business_phone"), "VARCHAR"),
    **dict.fromkeys(("addresses", "tags", "domains", "custom_fields"), "JSON"),
    "created": "TIMESTAMPTZ",
}


def main() -> None:
    """Make a table of the file, and write it out."""
    with duckdb.connect(os.environ["BENCH_DUCKDB"]) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        columns = ", ".join(f"{name}: '{kind}'" for name, kind in COLUMNS.items())
        connection.execute("CREATE SCHEMA bench")
        connection.execute(
            "CREATE TABLE bench.companies AS SELECT * FROM "  # noqa: S608 (a path of our own)
            f"read_json('{os.environ['BENCH_RECORDS']}', columns = {{{columns}}})"
        )


if __name__ == "__main__":
    main()
