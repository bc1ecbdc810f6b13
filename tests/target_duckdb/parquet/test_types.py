"""Every type of DuckDB comes back from a file as the same values, by the type in the manifest."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import duckdb
import pytest

from target_duckdb.parquet.cli import main
from target_duckdb.parquet.tables import content, tables
from tests.target_duckdb.parquet.tables import COLUMNS, example, make_types

if TYPE_CHECKING:
    from pathlib import Path


def test_each_type_comes_back_as_it_was(tmp_path: Path) -> None:
    database, out = tmp_path / "types.duckdb", tmp_path / "out"
    make_types(database)
    assert main([str(database), str(out)]) == 0
    table, _ = json.loads((out / "manifest.json").read_bytes())["tables"]
    described = {each["name"]: each for each in table["columns"]}
    assert [*described] == [*COLUMNS]
    (file,) = table["files"]
    with duckdb.connect(str(database), read_only=True) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute(f"CREATE TEMP VIEW file AS FROM read_parquet('{out / file['path']}')")
        connection.execute("CREATE TEMP VIEW original AS FROM marts.all_types")
        in_file = {name: of for name, of, *_ in connection.execute("DESCRIBE file").fetchall()}
        for name, (_, _, _, stored) in COLUMNS.items():
            column = '"' + name.replace('"', '""') + '"'
            assert in_file[name] == described[name]["parquet_type"], name
            assert in_file[name] == (stored or described[name]["type"]), name
            back = f"CAST({column} AS {described[name]['type']})"
            if name == "a_union":
                back = (
                    f"CASE {column}.tag WHEN 'number' THEN {column}.number::VARCHAR"
                    f" ELSE {column}.word END"
                )
            rows = [
                connection.execute(f"SELECT CAST({value} AS VARCHAR) FROM {view}").fetchall()
                for value, view in ((column, "original"), (back, "file"))
            ]
            assert rows[0] == rows[1], name
            assert [row is None for (row,) in rows[0]] == [False, False, True], name
        tag = connection.execute("SELECT a_union.tag, a_union IS NULL FROM file").fetchall()
        assert tag == [("number", False), ("word", False), (None, True)]


def test_the_example_of_the_page_reads_a_snapshot(tmp_path: Path) -> None:
    make_types(tmp_path / "types.duckdb")
    assert main([str(tmp_path / "types.duckdb"), str(tmp_path / "it's out")]) == 0
    with duckdb.connect() as connection:
        place = str(tmp_path / "it's out").replace("'", "''")
        *_, found = connection.execute(example("duckdb", place)).fetchall()
    assert found == (999,)


@pytest.mark.parametrize(
    ("type_", "before", "after"),
    [
        ("DOUBLE", "'0.0'", "'-0.0'"),
        ("DOUBLE[]", "['0.0']", "['-0.0']"),
        ("INTERVAL", "INTERVAL '1 month'", "INTERVAL '30 days'"),
        ("STRUCT(a INTERVAL)", "{'a': INTERVAL '1 month'}", "{'a': INTERVAL '30 days'}"),
        ("TIMETZ", "'12:00:00+01'", "'11:00:00+00'"),
        ("UNION(a INTEGER, b VARCHAR)", "union_value(a := 1)", "union_value(b := '1')"),
        ("VARCHAR", "NULL", "''"),
        ("VARCHAR[]", "['a, b']", "['a', 'b']"),
        ("DECIMAL(9,2)", "1.10", "1.11"),
    ],
)
def test_a_change_of_one_value_is_a_change(type_: str, before: str, after: str) -> None:
    digests = []
    with duckdb.connect() as connection:
        for value in (before, after, before):
            connection.execute(
                f"CREATE OR REPLACE TABLE t AS SELECT CAST({value} AS {type_}) AS value, 1 AS id"
            )
            (table,) = tables(connection, ["MAIN"])
            digests.append(content(connection, table))
    assert digests[0] == digests[2] != digests[1]


def test_order_is_no_change_and_a_type_is_one() -> None:
    digests = []
    with duckdb.connect() as connection:
        for query in (
            "SELECT i FROM range(5000) t(i) ORDER BY i",
            "SELECT i FROM range(5000) t(i) ORDER BY i DESC",
            "SELECT CAST(i AS INTEGER) AS i FROM range(5000) t(i)",
            "SELECT i AS j FROM range(5000) t(i)",
            "SELECT i FROM range(5000) t(i) UNION ALL SELECT 0",
            # Two changes that take each other away in the sum of hashes would show here.
            "SELECT unnest([0, 0]) AS i",
            "SELECT unnest([1, 1]) AS i",
        ):
            connection.execute(f"CREATE OR REPLACE TABLE t AS {query}")
            digests.append(content(connection, *tables(connection, ["main"])))
    assert digests[0] == digests[1]
    assert len(set(digests)) == 6
