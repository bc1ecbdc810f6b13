"""No row counts as deleted, and no table is emptied, on what is not certain."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import duckdb
import pytest

from target_duckdb.target import TargetDuckDB

if TYPE_CHECKING:
    from pathlib import Path

SCHEMA = {
    "type": "SCHEMA",
    "stream": "people",
    "schema": {
        "properties": {"id": {"type": "integer"}, "day": {"type": "string", "format": "date"}}
    },
    "key_properties": ["id"],
}


def record(key: int, version: int, day: str = "2026-01-31") -> dict[str, Any]:
    body = {"id": key, "day": day}
    return {"type": "RECORD", "stream": "people", "record": body, "version": version}


def activate(version: int) -> dict[str, Any]:
    return {"type": "ACTIVATE_VERSION", "stream": "people", "version": version}


def load(path: Path, *messages: dict[str, Any], **settings: Any) -> None:
    lines = [json.dumps(message) for message in (SCHEMA, *messages)]
    file = path.with_suffix(".singer")
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    with file.open(encoding="utf-8") as messages_file:
        TargetDuckDB(config={"path": str(path), **settings}).listen(messages_file)


def rows(path: Path, query: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(path), read_only=True) as connection:
        return connection.execute(query).fetchall()


@pytest.mark.parametrize("hard_delete", [False, True])
def test_a_quarantined_record_does_not_delete_its_row(tmp_path: Path, *, hard_delete: bool) -> None:
    path = tmp_path / "w.duckdb"
    settings = {"on_invalid_record": "quarantine", "hard_delete": hard_delete}
    load(path, record(1, 1), record(2, 1), activate(1), **settings)
    load(path, record(1, 2), record(2, 2, day="no date"), activate(2), **settings)
    assert rows(path, "select id from people order by id") == [(1,), (2,)]
    if not hard_delete:
        assert rows(path, "select count(_sdc_deleted_at) from people") == [(0,)]
    load(path, record(1, 3), activate(3), **settings)
    gone = "select count(*) from people" + ("" if hard_delete else " where _sdc_deleted_at is null")
    assert rows(path, gone) == [(1,)]


def test_overwrite_keeps_the_table_of_a_stream_that_brings_nothing(tmp_path: Path) -> None:
    path = tmp_path / "w.duckdb"
    load(path, record(1, 1), activate(1), load_method="overwrite")
    load(path, load_method="overwrite")
    assert rows(path, "select id from people") == [(1,)]
    load(path, activate(2), load_method="overwrite")
    assert rows(path, "select id from people") == []


def test_a_file_that_is_no_batch_file_is_not_removed(tmp_path: Path) -> None:
    path, stranger = tmp_path / "w.duckdb", tmp_path / "stranger.conf"
    stranger.write_text("user:secret\n", encoding="utf-8")
    target = tmp_path / "real.jsonl"
    target.write_text('{"id": 7}\n', encoding="utf-8")
    link = tmp_path / "link.jsonl"
    link.symlink_to(target)
    batch = {
        "type": "BATCH",
        "stream": "people",
        "encoding": {"format": "jsonl", "compression": "none"},
        "manifest": [str(stranger), str(link)],
    }
    load(path, batch, on_invalid_record="quarantine")
    assert rows(path, "select id from people") == [(7,)]
    assert stranger.exists()
    assert link.is_symlink()
