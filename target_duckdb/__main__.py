"""`python -m target_duckdb` is `target-duckdb`."""

import sys

try:
    from target_duckdb.target import TargetDuckDB
except ModuleNotFoundError as error:
    if error.name != "duckdb":
        raise
    sys.exit("the package 'duckdb' is not installed: pip install 'kananas-kizen-elt[duckdb]'")

TargetDuckDB.cli()
