"""`python -m target_duckdb` is `target-duckdb`."""

from target_duckdb.target import TargetDuckDB

TargetDuckDB.cli()
