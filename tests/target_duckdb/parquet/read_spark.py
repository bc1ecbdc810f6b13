"""Spark reads a snapshot from a folder, by the manifest, in the environment of `make spark`.

Usage: python read_spark.py FOLDER EXAMPLE, a file with that of docs/open-files.md
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from pyspark.sql import SparkSession


def main(folder: Path, example: Path) -> None:
    """Read each table, and compare what can be counted with the manifest."""
    manifest = json.loads((folder / "manifest.json").read_bytes())
    spark = (
        SparkSession.builder.master("local[1]")
        .config("spark.ui.enabled", "false")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.ui.showConsoleProgress", "false")
        .config("spark.sql.session.timeZone", "UTC")
        .getOrCreate()
    )
    spark.sparkContext.setLogLevel("ERROR")
    for table in manifest["tables"]:
        frame = spark.read.parquet(*(str(folder / file["path"]) for file in table["files"]))
        rows = frame.collect()
        assert len(rows) == table["rows"]
        assert frame.columns == [column["name"] for column in table["columns"]]
        if table["name"] != "all_types":
            continue
        (first,) = (row for row in rows if row["a_tinyint"] == -128)
        assert first["a_hugeint"] == str(-(2**127))
        assert str(first["a_decimal"]) == "-1.25"
        assert first["a_uuid"] == "00000000-0000-0000-0000-000000000001"
        assert first["an_interval"] == "1 month -2 days 00:00:00.000001"
        assert first["a_list"] == [1, None]
        assert sum(all(value is None for value in row) for row in rows) == 1
        print(f"{table['schema']}.{table['name']}: Spark {spark.version} reads every column")
    found: dict[str, Any] = {"json": json, "place": str(folder), "spark": spark}
    exec(example.read_text(encoding="utf-8"), found)  # noqa: S102 - it is what is tried
    assert found["contacts"].count() == 1000
    print("The example for Spark reads marts.contacts")
    spark.stop()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
