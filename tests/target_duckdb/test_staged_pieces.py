"""What the lines of a staging file have in common, and what of it the next file has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.target_duckdb.helpers import load, query, record, schema

if TYPE_CHECKING:
    from pathlib import Path

NESTED = {"id": {"type": "string"}, "more": {"type": ["object", "null"]}}
AS_IT_IS = '{"a":[1,{"b":null}]}'
#: A number that DuckDB would write otherwise has its object staged as text.
AS_TEXT = '{"a":1.50}'
VERSIONS: list[list[int | None]] = [
    [None, 7, None, 7],
    [7, None, 7, 8],
    [7, 8, 7, None],
    [7, 7, 2**62, 0],
]


@pytest.mark.parametrize("rows_at_once", [2, 3, 100])
@pytest.mark.parametrize("usual", [AS_IT_IS, "null"])
@pytest.mark.parametrize("unusual", [True, False])
def test_objects_as_they_are_and_as_texts(
    tmp_path: Path, usual: str, rows_at_once: int, *, unusual: bool
) -> None:
    values = [usual, AS_TEXT, usual, usual, usual, AS_TEXT, AS_TEXT, usual]
    manifest = []
    for number, value in enumerate(values):
        file = tmp_path / f"{number}.jsonl"
        # Three at once, some of which may have to wait for the next staging file. A space
        # before the end of a line has its record looked at alone.
        between = " \n" if unusual and value == AS_TEXT else "\n"
        rows = [f'{{"id":"{number}-{copy}","more":{value}}}{between}' for copy in range(3)]
        file.write_text("".join(rows))
        manifest.append(file.as_uri())
    batch = {"type": "BATCH", "stream": "items", "encoding": {"format": "jsonl"}}
    path = tmp_path / "test.duckdb"
    messages = [schema(NESTED, ["id"]), {**batch, "manifest": manifest}]
    load(path, messages, batch_size_rows=rows_at_once)
    found = query(path, "SELECT more::VARCHAR FROM items ORDER BY rowid")
    wanted = [None if value == "null" else value for value in values for _ in range(3)]
    assert [text for (text,) in found] == wanted


@pytest.mark.parametrize("versions", VERSIONS)
@pytest.mark.parametrize("rows_at_once", [2, 3, 100])
@pytest.mark.parametrize("unusual", [True, False])
def test_each_row_has_its_version(
    tmp_path: Path, versions: list[int | None], rows_at_once: int, *, unusual: bool
) -> None:
    messages: list[Any] = [schema({"id": {"type": "integer"}})]
    wanted = []
    for number, version in enumerate(v for v in versions for _ in range(3)):
        # An integer with a fraction is unusual, and its record is looked at alone.
        value = float(number) if unusual and number % 2 else number
        given: dict[str, Any] = {} if version is None else {"version": version}
        messages.append(record({"id": value}, **given))
        wanted.append((number, version))
    path = tmp_path / "test.duckdb"
    load(path, messages, batch_size_rows=rows_at_once)
    assert query(path, "SELECT id, _sdc_table_version FROM items ORDER BY rowid") == wanted
