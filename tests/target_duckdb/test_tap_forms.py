"""Forms of messages that public taps send: deletes, old drafts, times, texts, odd files."""

from __future__ import annotations

import datetime as dt
import os
import sqlite3
from typing import TYPE_CHECKING, Any

import duckdb
import pytest

from target_duckdb.errors import BatchError, TargetError
from target_duckdb.message_errors import RecordError, SchemaError
from tests.target_duckdb.helpers import activate, load, query, record, schema, types

if TYPE_CHECKING:
    from pathlib import Path

ID = {"id": {"type": "integer"}}
TEXT = {"type": ["null", "string"]}
GONE = "2024-01-02T03:04:05Z"


# Deletes that a tap marks, though its schema does not name the property


@pytest.mark.parametrize("version", [None, 5])
@pytest.mark.parametrize("hard_delete", [True, False])
@pytest.mark.parametrize("strict", [True, False])
def test_a_row_is_deleted_and_comes_back(
    tmp_path: Path, version: int | None, *, hard_delete: bool, strict: bool
) -> None:
    path = tmp_path / "test.duckdb"
    given: dict[str, Any] = {} if version is None else {"version": version}
    rest: dict[str, Any] = {"additionalProperties": False} if strict else {}
    begin = schema({**ID, "v": TEXT}, ["id"], **rest)
    ends = [] if version is None else [activate(version)]

    def run(*rows: dict[str, Any]) -> list[tuple[Any, ...]]:
        messages = [begin, *(record(row, **given) for row in rows), *ends]
        load(path, messages, hard_delete=hard_delete)
        deleted = "epoch(_sdc_deleted_at)::BIGINT" if "_sdc_deleted_at" in types(path) else "NULL"
        return query(path, f"SELECT id, v, {deleted} FROM items ORDER BY id")

    seconds = 1704164645
    assert run({"id": 1, "v": "a"}, {"id": 2, "v": "b"}) == [(1, "a", None), (2, "b", None)]
    gone = [] if hard_delete else [(2, "b", seconds)]
    marked = {"id": 2, "v": "b", "_sdc_deleted_at": GONE}
    assert run(marked) == [(1, "a", None), *gone]
    assert run({"id": 2, "v": "c"}) == [(1, "a", None), (2, "c", None)]
    assert run({"id": 2, "v": "d"}, marked, {"id": 3}) == [(1, "a", None), *gone, (3, None, None)]
    assert run(marked, {"id": 2, "v": "e"})[1] == (2, "e", None)


def test_a_stream_without_marks_gets_no_column(tmp_path: Path) -> None:
    path = tmp_path / "test.duckdb"
    load(path, [schema(ID, ["id"]), record({"id": 1, "_sdc_deleted_at": None})])
    assert list(types(path)) == ["id"]


# JSON Schema of drafts 3 and 4


@pytest.mark.parametrize(
    ("node", "good", "bad", "sql_type"),
    [
        ({"type": "number", "maximum": 100, "exclusiveMaximum": True}, 99.5, 100, "DOUBLE"),
        ({"type": "number", "maximum": 100, "exclusiveMaximum": False}, 100, 100.5, "DOUBLE"),
        ({"type": "integer", "minimum": 0, "exclusiveMinimum": True}, 1, 0, "BIGINT"),
        ({"type": "integer", "maximum": 2**64, "exclusiveMaximum": True}, 2**63, 2**64, "HUGEINT"),
        ({"type": "number", "divisibleBy": 0.01}, 1.25, 1.255, "DECIMAL(38,2)"),
        ({"type": ["string", {"type": "integer"}]}, 5, 5.5, "JSON"),
        ({"type": [{"type": "integer"}, "null"]}, 5, "x", "BIGINT"),
        ({"extends": {"type": "integer", "maximum": 9}}, 9, 10, "BIGINT"),
        ({"type": "string", "disallow": [{"enum": ["no"]}]}, "yes", "no", "VARCHAR"),
        ({"type": "any"}, "x", None, "JSON"),
        ({"type": "array", "items": [{"type": "integer"}]}, [1, "x"], ["x"], "JSON"),
    ],
)
def test_an_old_draft_means_what_it_meant(
    tmp_path: Path, node: dict[str, Any], good: Any, bad: Any, sql_type: str
) -> None:
    path = tmp_path / "test.duckdb"
    begin = schema({**ID, "v": node}, ["id"])
    load(path, [begin, record({"id": 1, "v": good})])
    assert types(path)["v"] == sql_type
    if bad is not None:
        with pytest.raises(RecordError, match="'v'"):
            load(path, [begin, record({"id": 2, "v": bad})])


def test_required_in_the_property_and_a_property_called_so(tmp_path: Path) -> None:
    path = tmp_path / "test.duckdb"
    begin = schema({"required": {"type": "string", "required": True}, "divisibleBy": TEXT})
    load(path, [begin, record({"required": "x", "divisibleBy": "y"})])
    assert query(path, 'SELECT required, "divisibleBy" FROM items') == [("x", "y")]
    with pytest.raises(RecordError, match="'required' is missing"):
        load(path, [begin, record({"divisibleBy": "y"})])


@pytest.mark.parametrize("keyword", ["anyOf", "oneOf", "allOf", "properties", "items"])
def test_references_that_multiply_are_one_line(tmp_path: Path, keyword: str) -> None:
    definitions: dict[str, Any] = {"d40": {"type": "string"}}
    for level in range(40):
        step = {"$ref": f"#/definitions/d{level + 1}"}
        inner: Any = {"properties": {"a": step, "b": step}, "items": {"anyOf": [step, step]}}
        definitions[f"d{level}"] = {keyword: inner.get(keyword, [step, step])}
    begin = schema({"v": {"$ref": "#/definitions/d0"}}, definitions=definitions)
    with pytest.raises(SchemaError, match="stream 'items': the references of the schema multiply"):
        load(tmp_path / "test.duckdb", [begin])


# Dates, times and texts


@pytest.mark.parametrize(
    ("text_format", "text", "value"),
    [
        ("time", "9:05:00", dt.time(9, 5)),
        ("time", "9:05", dt.time(9, 5)),
        ("time", "9:05:00.25", dt.time(9, 5, 0, 250_000)),
        ("time", "9:05:00+02:00", dt.time(7, 5)),
        ("date", "2024-01-05T00:00:00", dt.date(2024, 1, 5)),
        ("date", "2024-01-05T00:00:00.000000Z", dt.date(2024, 1, 5)),
        ("date", "2024-01-05 00:00:00+00:00", dt.date(2024, 1, 5)),
        ("date", "2024-1-5", dt.date(2024, 1, 5)),
        ("date-time", "2024-1-5 9:05:00", dt.datetime(2024, 1, 5, 9, 5, tzinfo=dt.timezone.utc)),
    ],
)
def test_a_time_as_taps_write_it(tmp_path: Path, text_format: str, text: str, value: Any) -> None:
    path = tmp_path / "test.duckdb"
    load(path, [schema({"v": {"type": "string", "format": text_format}}), record({"v": text})])
    ((found,),) = query(path, "SELECT v FROM items")
    assert found == value


@pytest.mark.parametrize(
    ("text_format", "text"),
    [
        ("date", "2024-01-05T10:00:00"), ("date", "2024-13-05"), ("time", "25:00:00"),
        ("time", "9:5:00"), ("time", "-9:05:00"), ("date", "2024-01-05T00:00:00.001Z"),
    ],
)  # fmt: skip
def test_a_time_that_is_none(tmp_path: Path, text_format: str, text: str) -> None:
    begin = schema({"v": {"type": "string", "format": text_format}})
    with pytest.raises(RecordError, match=f"the text is no {text_format}"):
        load(tmp_path / "test.duckdb", [begin, record({"v": text})])


def test_without_validation_a_text_column_takes_anything(tmp_path: Path) -> None:
    path = tmp_path / "test.duckdb"
    values = [1, 1.5, True, {"a": [1, None]}, [1], "x", None]
    rows = [record({"id": n, "v": value}) for n, value in enumerate(values)]
    load(path, [schema({**ID, "v": TEXT}, ["id"]), *rows], validate_records="false")
    found = [text for (text,) in query(path, "SELECT v FROM items ORDER BY id")]
    assert found == ["1", "1.5", "true", '{"a":[1,null]}', "[1]", "x", None]


# Files


def batch(url: str, form: str = "jsonl") -> dict[str, Any]:
    return {"type": "BATCH", "stream": "items", "encoding": {"format": form}, "manifest": [url]}


@pytest.mark.parametrize("url", ["file://out/x.jsonl", "out/x.jsonl", "file://./out/x.jsonl"])
def test_a_relative_batch_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "x.jsonl").write_text('{"id": 1}\n')
    path = tmp_path / "test.duckdb"
    load(path, [schema(ID, ["id"]), batch(url)])
    assert query(path, "SELECT id FROM items") == [(1,)]


@pytest.mark.parametrize("form", ["jsonl", "parquet"])
@pytest.mark.parametrize("kind", ["/dev/zero", "pipe", "folder", "ftp://127.0.0.1:9/x", "what://x"])
def test_what_is_no_batch_file_is_one_line(tmp_path: Path, kind: str, form: str) -> None:
    pipe, folder = tmp_path / "pipe", tmp_path / "folder"
    os.mkfifo(pipe)
    folder.mkdir()
    url = {"pipe": pipe.as_uri(), "folder": folder.as_uri(), "/dev/zero": "file:///dev/zero"}
    with pytest.raises(BatchError, match="cannot read the batch file ") as caught:
        load(tmp_path / "test.duckdb", [schema(ID), batch(url.get(kind, kind), form)])
    assert "\n" not in str(caught.value)


def test_a_line_without_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("target_duckdb.messages.LONGEST_LINE", 1 << 20)
    file = tmp_path / "zeros"
    with file.open("wb") as zeros:
        zeros.truncate(8 << 20)
    with pytest.raises(BatchError, match="a line is longer than"):
        load(tmp_path / "test.duckdb", [schema(ID), batch(file.as_uri())])


def test_a_file_of_sqlite_is_one_line_and_nothing_is_fetched(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE t (id)")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(TargetError, match="not a valid DuckDB database file") as caught:
        load(path, [schema(ID), record({"id": 1})])
    assert "extension" not in str(caught.value).lower()
    assert path.read_bytes() == before


# What somebody has put on a table


def test_an_index_works_or_is_named(tmp_path: Path) -> None:
    path = tmp_path / "test.duckdb"
    begin = schema({**ID, "v": TEXT}, ["id"])
    load(path, [begin, record({"id": 1, "v": "a"})])
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE INDEX by_id ON items (id)")
    load(path, [begin, record({"id": 1, "v": "b"})])
    assert query(path, "SELECT id, v FROM items") == [(1, "b")]
    wider = schema({"id": TEXT, "v": TEXT}, ["id"])
    with pytest.raises(TargetError, match=r"index by_id of table main\.items") as caught:
        load(path, [wider, record({"id": "1", "v": "c"})])
    assert "drop what somebody has put on the table" in str(caught.value)
    assert query(path, "SELECT id, v FROM items") == [(1, "b")]
    with duckdb.connect(str(path)) as connection:
        connection.execute("DROP INDEX by_id")
    load(path, [wider, record({"id": "1", "v": "c"})])
    assert query(path, "SELECT id, v FROM items") == [("1", "c")]


def test_a_unique_index_in_the_way_is_named(tmp_path: Path) -> None:
    path = tmp_path / "test.duckdb"
    begin = schema({**ID, "v": TEXT}, ["id"])
    load(path, [begin, record({"id": 1, "v": "a"})])
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE UNIQUE INDEX by_v ON items (v)")
    with pytest.raises(TargetError, match=r"index by_v of table main\.items"):
        load(path, [begin, record({"id": 2, "v": "a"})])
    assert query(path, "SELECT id, v FROM items") == [(1, "a")]


def test_a_column_that_must_not_be_null_is_named(tmp_path: Path) -> None:
    path = tmp_path / "test.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE TABLE items (id BIGINT, w INTEGER NOT NULL)")
    with pytest.raises(TargetError, match=r"items\.w; drop .* \(NOT NULL constraint of table main"):
        load(path, [schema(ID, ["id"]), record({"id": 1})])


def test_a_foreign_key_of_another_table_is_named(tmp_path: Path) -> None:
    path = tmp_path / "test.duckdb"
    messages = [schema(ID, ["id"]), record({"id": 1})]
    load(path, messages)
    with duckdb.connect(str(path)) as connection:
        connection.execute("ALTER TABLE items ADD PRIMARY KEY (id)")
        connection.execute("CREATE TABLE child (id BIGINT REFERENCES items (id))")
        connection.execute("INSERT INTO child VALUES (1)")
    with pytest.raises(TargetError, match="foreign key of table child to a column of table main"):
        load(path, messages)


def test_a_view_of_the_name_of_a_stream_is_named(tmp_path: Path) -> None:
    path = tmp_path / "test.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE VIEW items AS SELECT 1 AS id")
    with pytest.raises(TargetError, match=r"main\.items is a view, where a table was due"):
        load(path, [schema(ID, ["id"]), record({"id": 1})])
