"""150,000 records in, 150,000 rows out, equal to the file they came from, written but once."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import duckdb
import pytest

from target_duckdb.staging import CHUNK_ROWS, StagingTable
from target_duckdb.target import TargetDuckDB
from tests.target_duckdb.helpers import load, query, schema

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from target_duckdb.staging import StagingFile

ROWS = 150_000
TEXT = {"type": ["string", "null"]}

STRINGS = {"id": {"type": "string"}, "a": TEXT, "b": TEXT, "c": TEXT}
MIXED = {
    "id": {"type": "integer"},
    "text": TEXT,
    "real": {"type": ["number", "null"]},
    "flag": {"type": ["boolean", "null"]},
    "moment": {**TEXT, "format": "date-time"},
    "day": {**TEXT, "format": "date"},
}
NESTED = {"id": {"type": "integer"}, "object": {"type": "object"}, "list": {"type": "array"}}


def strings(n: int) -> dict[str, Any]:
    return {"id": f"{n:06d}", "a": "" if n % 3 else None, "b": f"é{n}\n", "c": "null"}


def mixed(n: int) -> dict[str, Any]:
    return {
        "id": n,
        "text": f'quo"te {n}',
        "real": n / 7,
        "flag": None if n % 5 == 0 else n % 2 == 0,
        "moment": f"2024-01-{n % 28 + 1:02d}T10:00:00.{n:06d}+05:30",
        "day": f"20{n % 90 + 10}-02-28",
    }


def nested(n: int) -> dict[str, Any]:
    return {"id": n, "object": {"n": n, "deep": {"x": [n, None, str(n)]}}, "list": [n] * (n % 4)}


@pytest.mark.parametrize(
    ("properties", "make"),
    [(STRINGS, strings), (MIXED, mixed), (NESTED, nested)],
    ids=["strings", "mixed", "nested"],
)
def test_every_value_arrives(
    tmp_path: Path, properties: dict[str, Any], make: Callable[[int], dict[str, Any]]
) -> None:
    path, source = tmp_path / "test.duckdb", tmp_path / "records.jsonl"
    messages = tmp_path / "messages.jsonl"
    begin = json.dumps(schema(properties, ["id"]))
    with source.open("w") as records, messages.open("w") as lines:
        lines.write(begin + "\n")
        for n in range(ROWS):
            line = json.dumps(make(n))
            records.write(line + "\n")
            lines.write(f'{{"type": "RECORD", "stream": "items", "record": {line}}}\n')
    for _ in range(2):
        with messages.open() as file:
            TargetDuckDB(config={"path": str(path)}).listen(file)
        # DuckDB reads the file by itself, with types it finds in the table.
        with duckdb.connect(str(path), read_only=True) as connection:
            connection.execute("SET TimeZone = 'UTC'")
            described = connection.execute("DESCRIBE items").fetchall()
            columns = ", ".join(f"{name}: '{sql_type}'" for name, sql_type, *_ in described)
            file_rows = f"SELECT * FROM read_json('{source}', columns = {{{columns}}})"
            assert connection.execute("SELECT count(*) FROM items").fetchone() == (ROWS,)
            for left, right in (("FROM items", file_rows), (file_rows, "FROM items")):
                missing = f"SELECT count(*) FROM (({left}) EXCEPT ALL ({right}))"
                assert connection.execute(missing).fetchone() == (0,)


@pytest.mark.parametrize("in_batches", [True, False])
def test_each_row_group_is_written_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, in_batches: bool
) -> None:
    path, source = tmp_path / "test.duckdb", tmp_path / "records.jsonl"
    rows = 2 * CHUNK_ROWS + 100
    begin = schema(STRINGS, ["id"])
    records = [json.dumps(strings(n)) for n in range(rows)]
    if in_batches:
        source.write_text("".join(f"{text}\n" for text in records))
        batch = {"type": "BATCH", "stream": "items", "encoding": {"format": "jsonl"}}
        messages: list[Any] = [begin, {**batch, "manifest": [source.as_uri()]}]
    else:
        head = '{"type": "RECORD", "stream": "items", "record": '
        messages = [begin, *(f"{head}{text}}}" for text in records)]
    taken = []
    load_file = StagingTable.load

    def noted(table: StagingTable, connection: Any, file: StagingFile, place: Any) -> None:
        taken.append(file.rows)
        load_file(table, connection, file, place)

    monkeypatch.setattr(StagingTable, "load", noted)
    load(path, messages)
    assert taken == [CHUNK_ROWS, CHUNK_ROWS, 100]
    assert query(path, "SELECT count(*), count(DISTINCT id) FROM items") == [(rows, rows)]
    groups = query(
        path,
        "SELECT sum(count) FROM pragma_storage_info('items') WHERE column_name = 'id' "
        "AND segment_type = 'VARCHAR' GROUP BY row_group_id ORDER BY row_group_id",
    )
    assert groups == [(CHUNK_ROWS,), (CHUNK_ROWS,), (100,)]
    sizes = query(path, "SELECT free_blocks / total_blocks FROM pragma_database_size()")
    assert sizes[0][0] < 0.2  # about half, where groups are written twice
