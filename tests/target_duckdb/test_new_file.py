"""A file that does not exist yet: written aside, put in place whole."""

from __future__ import annotations

import io
from typing import IO, TYPE_CHECKING, Any, cast

import duckdb
import pytest

from target_duckdb.errors import TargetError
from target_duckdb.target import TargetDuckDB
from tests.target_duckdb.helpers import (
    activate,
    files,
    lines,
    load,
    query,
    record,
    schema,
    state,
    tables,
    types,
)

if TYPE_CHECKING:
    from pathlib import Path

ID = {"id": {"type": "integer"}}
TEXT = {"type": ["string", "null"]}


def begun(path: Path, messages: list[Any], **config: Any) -> TargetDuckDB:
    target = TargetDuckDB(config={"path": str(path), **config})
    target.process_lines(cast("IO[str]", io.BytesIO(lines(messages))))
    return target


@pytest.mark.parametrize("order", ["new", "existing"])
@pytest.mark.parametrize("metadata", [False, True])
def test_same_table_as_in_a_file_that_exists(tmp_path: Path, order: str, *, metadata: bool) -> None:
    path = tmp_path / "test.duckdb"
    if order == "existing":
        duckdb.connect(str(path)).close()
    properties = {**ID, "c0": TEXT, "C1": TEXT, "c1": TEXT, "v": TEXT}
    names = ["id", "c0", "C1", "c1", "v"]
    rows = [dict(zip(names, (n % 4, str(n), None, "x", "y"), strict=True)) for n in range(6)]
    messages = [
        schema(properties, ["id"], stream="odd names"),
        *(record(row, stream="odd names") for row in rows),
        schema({**ID, "v": TEXT}, ["id"]),
        *(record({"id": n % 3, "v": str(n)}, version=5) for n in range(5)),
        activate(5),
        schema({**ID, "v": TEXT}, [], stream="no key"),
        *(record({"id": n % 3}, stream="no key") for n in range(5)),
        schema(ID, [], stream="empty"),
        state(1),
    ]
    assert load(path, messages, add_record_metadata=metadata, default_target_schema="raw") == [1]
    assert files(tmp_path) == ["test.duckdb"]
    assert tables(path) == ["raw.empty", "raw.items", "raw.no key", "raw.odd names"]
    assert query(path, 'SELECT * FROM raw."no key" ORDER BY ALL')[0][:2] == (0, None)
    assert query(path, 'SELECT count(*) FROM raw."no key"') == [(5,)]
    odd = 'SELECT id, c0 FROM raw."odd names" ORDER BY id'
    assert query(path, odd) == [(0, "4"), (1, "5"), (2, "2"), (3, "3")]
    items = "SELECT id, v, _sdc_table_version, _sdc_deleted_at FROM raw.items ORDER BY id"
    assert query(path, items) == [(0, "3", 5, None), (1, "4", 5, None), (2, "2", 5, None)]
    if not metadata:
        assert list(types(path, "odd names"))[:2] == ["id", "c0"]
        assert set(types(path)) == {"id", "v", "_sdc_table_version", "_sdc_deleted_at"}


def test_nothing_is_there_before_the_commit(tmp_path: Path) -> None:
    path = tmp_path / "test.duckdb"
    target = begun(path, [schema(ID, ["id"]), *(record({"id": n}) for n in range(20))])
    for stream in target._all_streams:  # noqa: SLF001 (staged as when there is enough)
        stream.stage()
    target.area.await_background()
    assert not path.exists()
    target.close()
    assert files(tmp_path) == []


def test_a_file_that_another_program_makes_meanwhile(tmp_path: Path) -> None:
    path = tmp_path / "test.duckdb"
    target = begun(
        path,
        [schema(ID, ["id"]), *(record({"id": n}, version=2) for n in range(3)), activate(2)],
    )
    for stream in target._all_streams:  # noqa: SLF001
        stream.stage()
    target.area.await_background()
    first = [schema(ID, ["id"]), record({"id": 1}), record({"id": 9})]
    load(path, first)
    target.process_endofpipe()
    assert query(path, "SELECT id, _sdc_table_version FROM items ORDER BY id") == [
        (0, 2), (1, 2), (2, 2), (9, None),
    ]  # fmt: skip
    assert files(tmp_path) == ["test.duckdb"]


def test_an_error_leaves_no_file(tmp_path: Path) -> None:
    path = tmp_path / "test.duckdb"
    with pytest.raises(TargetError):
        load(path, [schema(ID, ["id"]), record({"id": 1}), state(1), record({"id": "x"})])
    assert files(tmp_path) == []


def test_more_memory_than_usual_is_taken_where_it_is_needed(tmp_path: Path) -> None:
    path = tmp_path / "test.duckdb"
    begin = schema({**ID, "v": TEXT}, ["id"])
    length = 50 << 20
    load(path, [begin, record({"id": 1, "v": "x" * length}), record({"id": 2, "v": "y" * length})])
    found = query(path, "SELECT id, length(v), v[1] FROM items ORDER BY id")
    assert found == [(1, length, "x"), (2, length, "y")]


def test_the_limit_of_the_user_is_kept(tmp_path: Path) -> None:
    begin = schema({**ID, "v": TEXT}, ["id"])
    long = [begin, record({"id": 1, "v": "x" * (20 << 20)})]
    with pytest.raises(TargetError, match="Out of Memory"):
        load(tmp_path / "test.duckdb", long, max_memory="20MB")
    with pytest.raises(TargetError, match="Out of Memory"):
        load(tmp_path / "test.duckdb", long, settings={"memory_limit": "20MB"})
