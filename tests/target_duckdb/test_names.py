"""Names of streams and properties: all load, each always into the same place."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import pytest

from target_duckdb.names import assign
from tests.target_duckdb.helpers import load, query, record, schema, tables, types

if TYPE_CHECKING:
    from pathlib import Path

TEXT = {"type": "string"}
WEIRD = [
    "select",
    "order by",
    "a.b",
    'quo"te',
    "apo'strophe",
    "back\\slash",
    "tab\there",
    "new\nline",
    "größe",
    "Élan",
    "élan",
    "名前",
    "emoji 😀",
    "rowid",
    " leading",
    "c0",
    "_sdc_like",
    "$.path",
    "a{b}",
    "x" * 300,
]


def suffix(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()[:8]


@pytest.mark.parametrize("batch", [WEIRD, [n for n in WEIRD if n.isprintable() and '"' not in n]])
def test_columns(tmp_path: Path, batch: list[str]) -> None:
    path = tmp_path / "test.duckdb"
    values = {name: f"value of {name}" for name in batch}
    load(path, [schema(dict.fromkeys(batch, TEXT), batch[:1]), record(values), record(values)])
    assert list(types(path)) == batch
    assert query(path, "SELECT * FROM items") == [tuple(values.values())]


@pytest.mark.parametrize("name", ["rowid", "RowId"])
def test_a_column_of_the_name_of_the_row_number_hides_no_row(tmp_path: Path, name: str) -> None:
    path = tmp_path / "test.duckdb"
    ids = [(1, 9), (1, 3), (2, 9), (2, 1), (3, 1)]
    records = [record({"key": key, name: number}) for key, number in ids]
    properties = {"key": {"type": "integer"}, name: {"type": "integer"}}
    for _ in range(2):
        load(path, [schema(properties, ["key"]), *records])
        assert query(path, "SELECT * FROM items ORDER BY 1") == [(1, 3), (2, 1), (3, 1)]


def test_streams(tmp_path: Path) -> None:
    path = tmp_path / "test.duckdb"
    messages: list[Any] = []
    for name in WEIRD:
        messages += [schema({"v": TEXT}, stream=name), record({"v": name}, stream=name)]
    load(path, messages, default_target_schema='a "schema"')
    assert tables(path) == sorted(f'a "schema".{name}' for name in WEIRD)
    for name in WEIRD:
        quoted = name.replace('"', '""')
        assert query(path, f'SELECT v FROM "a ""schema"""."{quoted}"') == [(name,)]


@pytest.mark.parametrize(
    "name", ["orders.csv", "json", 'a".parquet', "connection", "table", "time"]
)
def test_a_table_that_is_missing_is_nothing_else_of_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """DuckDB takes such names for files, and for variables of Python."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / f"test.main.{name}").write_text("other\n1\n")
    path = tmp_path / "test.duckdb"
    load(path, [schema({"id": TEXT}, stream="first"), record({"id": "0"}, stream="first")])
    for number in ("1", "2"):
        load(path, [schema({"id": TEXT}, ["id"], name), record({"id": number}, name)])
    quoted = name.replace('"', '""')
    assert query(path, f'FROM main."{quoted}"') == [("1",), ("2",)]


def test_names_that_differ_only_by_case(tmp_path: Path) -> None:
    path = tmp_path / "test.duckdb"
    other = f"id_{suffix('id')}"
    load(path, [schema({"Id": TEXT, "id": TEXT}, ["Id"]), record({"Id": "upper", "id": "lower"})])
    assert list(types(path)) == ["Id", other]
    # The other way round the columns stay what they were.
    load(path, [schema({"id": TEXT, "Id": TEXT}, ["Id"]), record({"Id": "2", "id": "b"})])
    assert list(types(path)) == ["Id", other]
    assert query(path, f'SELECT "Id", {other} FROM items ORDER BY 1') == [
        ("2", "b"),
        ("upper", "lower"),
    ]


def test_a_property_that_changes_its_case_keeps_its_column(tmp_path: Path) -> None:
    path = tmp_path / "test.duckdb"
    load(path, [schema({"ID": TEXT}), record({"ID": "1"})])
    load(path, [schema({"id": TEXT}), record({"id": "2"})])
    assert list(types(path)) == ["ID"]
    assert query(path, "SELECT id FROM items ORDER BY 1") == [("1",), ("2",)]


def test_streams_that_differ_only_by_case(tmp_path: Path) -> None:
    path = tmp_path / "test.duckdb"
    messages = [
        schema({"v": TEXT}, stream="Users"),
        schema({"v": TEXT}, stream="users"),
        record({"v": "upper"}, stream="Users"),
        record({"v": "lower"}, stream="users"),
    ]
    load(path, messages)
    load(path, messages[1::2])
    assert query(path, 'SELECT v FROM "Users"') == [("upper",)]
    assert query(path, f"SELECT v FROM users_{suffix('users')}") == [("lower",), ("lower",)]


def test_a_stream_that_comes_later_shares_no_table(tmp_path: Path) -> None:
    path = tmp_path / "test.duckdb"
    other = f"Items_{suffix('Items')}"
    for stream in ("items", "Items", "Items", "items"):
        load(
            path, [schema({"id": TEXT}, ["id"], stream=stream), record({"id": "1"}, stream=stream)]
        )
    assert tables(path) == [f"main.{other}", "main.items"]
    assert query(path, "SELECT id FROM items") == [("1",)]
    assert query(path, f"SELECT id FROM {other}") == [("1",)]


def test_names_duckdb_cannot_hold(tmp_path: Path) -> None:
    path = tmp_path / "test.duckdb"
    names = ["", "nul\0", "nul_", "half \ud83d"]
    load(path, [schema(dict.fromkeys(names, TEXT)), record(dict.fromkeys(names, "x"))])
    assert list(types(path)) == ["_", "nul_", f"nul__{suffix('nul_')}", "half _"]
    assert query(path, "SELECT * FROM items") == [("x", "x", "x", "x")]
    half = [schema({"v": TEXT}, stream=names[-1]), record({"v": "x"}, stream=names[-1])]
    load(path, half)
    assert query(path, 'SELECT v FROM "half _"') == [("x",)]


def test_case_is_compared_as_duckdb_does() -> None:
    assert assign(["É", "é", "K", "k"]) == {
        "É": "É",
        "é": "é",
        "K": "K",
        "k": f"k_{suffix('k')}",
    }


def test_a_name_that_looks_like_a_suffixed_one() -> None:
    other = f"id_{suffix('id')}"
    names = assign(["Id", other, "id"])
    assert len({name.lower() for name in names.values()}) == 3


def test_schema_of_tables(tmp_path: Path) -> None:
    path = tmp_path / "test.duckdb"
    load(path, [schema({"v": TEXT}), record({"v": "x"})], default_target_schema="raw data")
    assert tables(path) == ["raw data.items"]


def test_database_may_be_called_what_duckdb_calls_its_own(tmp_path: Path) -> None:
    for stem in ("memory", "temp", "system", "my data"):
        path = tmp_path / f"{stem}.duckdb"
        load(path, [schema({"v": TEXT}), record({"v": "x"})])
        load(path, [schema({"v": TEXT}), record({"v": "y"})], database="other")
    assert query(path, "SELECT v FROM items") == [("x",), ("y",)]


@pytest.mark.parametrize("folder", ["id=5", "a[1]", "a*", "it's"])
def test_the_name_of_a_folder_is_no_data(tmp_path: Path, folder: str) -> None:
    """DuckDB takes folders for columns, unless it is told not to, and some names for patterns."""
    path = tmp_path / folder / "w[2].duckdb"
    ids = {"id": {"type": "integer"}}
    for n in (1, 2):
        load(path, [schema(ids, ["id"]), record({"id": n})])
    load(path, [schema(ids, ["id"]), record({"id": "x"})], on_invalid_record="quarantine")
    assert query(path, "SELECT id FROM items ORDER BY id") == [(1,), (2,)]
    assert query(path, "SELECT record FROM _quarantine") == [('{"id": "x"}',)]
