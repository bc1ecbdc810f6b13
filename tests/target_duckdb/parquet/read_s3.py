"""DuckDB, pandas and Polars read a snapshot from a server of S3, each by itself, and agree.

It runs in the environment of `make check-s3`, with the keys of the server in the environment.

Usage: python read_s3.py s3://BUCKET/PREFIX EXAMPLE, a file with that of docs/open-files.md
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
from obstore.fsspec import FsspecStore
from pyarrow import fs

if TYPE_CHECKING:
    from collections.abc import Callable


def by_duckdb(files: list[str]) -> pa.Table:
    """Read by DuckDB, which gets the files by a file system of Python."""
    with duckdb.connect() as connection:
        connection.register_filesystem(FsspecStore("s3"))
        connection.execute("SET TimeZone = 'UTC'")
        return connection.read_parquet(files).to_arrow_table()


def by_pandas(files: list[str]) -> pa.Table:
    """Read by pandas, which leaves it to Arrow."""
    place = fs.S3FileSystem(
        endpoint_override=os.environ["AWS_ENDPOINT_URL"], region=os.environ["AWS_REGION"]
    )
    frames = [
        pd.read_parquet(file.removeprefix("s3://"), filesystem=place, dtype_backend="pyarrow")
        for file in files
    ]
    return pa.Table.from_pandas(pd.concat(frames), preserve_index=False)


def by_polars(files: list[str]) -> pa.Table:
    """Read by Polars, by itself."""
    options = {"aws_endpoint_url": os.environ["AWS_ENDPOINT_URL"], "aws_allow_http": "true"}
    return pl.read_parquet(files, storage_options=options).to_arrow()


READERS: dict[str, Callable[[list[str]], pa.Table]] = {
    "DuckDB": by_duckdb,
    "pandas": by_pandas,
    "Polars": by_polars,
}


def main(url: str) -> None:
    """Read by each, and compare."""
    place = fs.S3FileSystem(endpoint_override=os.environ["AWS_ENDPOINT_URL"])
    with place.open_input_stream(f"{url.removeprefix('s3://')}/manifest.json") as file:
        manifest = json.loads(file.read())
    for table in manifest["tables"]:
        files = [f"{url}/{each['path']}" for each in table["files"]]
        found = {}
        for name, read in READERS.items():
            found[name] = read(files).to_pylist()
            assert len(found[name]) == table["rows"], name
            for row, expected in zip(found[name], found["DuckDB"], strict=True):
                for column, value in expected.items():
                    assert row[column] == value, (name, column, row[column], value)
        print(f"{table['schema']}.{table['name']}: {', '.join(found)} read the same values")


if __name__ == "__main__":
    main(sys.argv[1])
    found: dict[str, pl.DataFrame] = {}
    exec(Path(sys.argv[2]).read_text(encoding="utf-8"), found)  # noqa: S102 - it is what is tried
    assert found["contacts"]["contact_id"].to_list() == list(range(1000))
    print("The example for Polars reads marts.contacts")
