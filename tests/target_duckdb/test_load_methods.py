"""Upsert, append-only and overwrite; keys of one column and of several."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.target_duckdb.helpers import activate, load, query, record, schema, state

if TYPE_CHECKING:
    from pathlib import Path

TWO = {"id": {"type": "integer"}, "v": {"type": ["string", "null"]}}


def rows(*values: tuple[int, str | None]) -> list[Any]:
    return [record({"id": key, "v": value}) for key, value in values]


def content(path: Path) -> list[tuple[Any, ...]]:
    return query(path, "SELECT id, v FROM items ORDER BY id, v")


def test_upsert_last_one_wins(tmp_path: Path) -> None:
    path = tmp_path / "test.duckdb"
    load(path, [schema(TWO, ["id"]), *rows((1, "a"), (2, "b"), (1, "c"), (1, "d"), (3, "e"))])
    assert content(path) == [(1, "d"), (2, "b"), (3, "e")]
    load(path, [schema(TWO, ["id"]), *rows((2, "x"), (4, "f"), (2, "y"))])
    assert content(path) == [(1, "d"), (2, "y"), (3, "e"), (4, "f")]


def test_upsert_last_one_wins_across_chunks(tmp_path: Path) -> None:
    path = tmp_path / "test.duckdb"
    values = [(n % 7, str(n)) for n in range(100)]
    load(path, [schema(TWO, ["id"]), *rows(*values)], batch_size_rows=10)
    assert content(path) == sorted(dict(values).items())


def test_upsert_clears_what_a_record_no_longer_has(tmp_path: Path) -> None:
    path = tmp_path / "test.duckdb"
    load(path, [schema(TWO, ["id"]), *rows((1, "a")), record({"id": 1})])
    assert content(path) == [(1, None)]


def test_composite_key(tmp_path: Path) -> None:
    path = tmp_path / "test.duckdb"
    properties = {"a": {"type": "string"}, "b": {"type": "integer"}, "v": {"type": "integer"}}
    messages = [
        schema(properties, ["a", "b"]),
        *(record({"a": a, "b": b, "v": v}) for a, b, v in [("x", 1, 1), ("x", 2, 2), ("x", 1, 3)]),
    ]
    load(path, messages)
    load(path, [schema(properties, ["a", "b"]), record({"a": "x", "b": 2, "v": 4})])
    assert query(path, "SELECT * FROM items ORDER BY a, b") == [("x", 1, 3), ("x", 2, 4)]


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ({"type": "string", "format": "date-time"}, ["2024-01-01T00:00:00Z"]),
        ({"type": "number"}, [1.5, 0.1]),
        ({"type": "number", "multipleOf": 0.01}, [1.5, 0.1]),
        ({"type": "array"}, [[1, 2], []]),
        ({"type": "boolean"}, [True, False]),
        ({"type": ["string", "null"]}, ["", "a"]),
    ],
    ids=["moment", "double", "decimal", "json", "boolean", "text"],
)
def test_keys_of_any_type(tmp_path: Path, kind: dict[str, Any], values: list[Any]) -> None:
    path = tmp_path / "test.duckdb"
    for _ in range(2):
        load(path, [schema({"k": kind}, ["k"]), *(record({"k": v}) for v in values * 2)])
    assert query(path, "SELECT count(*) FROM items") == [(len(values),)]


def test_without_keys_records_are_added(tmp_path: Path) -> None:
    path = tmp_path / "test.duckdb"
    for _ in range(2):
        load(path, [schema(TWO), *rows((1, "a"), (1, "a"))])
    assert content(path) == [(1, "a")] * 4


def test_append_only(tmp_path: Path) -> None:
    path = tmp_path / "test.duckdb"
    for _ in range(2):
        load(path, [schema(TWO, ["id"]), *rows((1, "a"), (1, "b"))], load_method="append-only")
    assert content(path) == [(1, "a"), (1, "a"), (1, "b"), (1, "b")]


@pytest.mark.parametrize("keys", [[], ["id"]])
def test_overwrite(tmp_path: Path, keys: list[str]) -> None:
    path = tmp_path / "test.duckdb"
    load(path, [schema(TWO, keys), *rows((1, "a"), (2, "b"))])
    messages = [
        schema(TWO, keys),
        *rows((2, "x")),
        state(1),
        *rows((3, "y")),
        state(2),
        schema({**TWO, "w": {"type": "string"}}, keys),
        *rows((4, "z")),
    ]
    states = load(path, messages, load_method="overwrite", batch_size_rows=1)
    assert content(path) == [(2, "x"), (3, "y"), (4, "z")]
    assert states == [2]


def test_overwrite_with_nothing_keeps_the_table_unless_nothing_is_all_there_is(
    tmp_path: Path,
) -> None:
    path = tmp_path / "test.duckdb"
    load(path, [schema(TWO), *rows((1, "a"))])
    load(path, [schema(TWO)], load_method="overwrite")
    assert content(path) == [(1, "a")]
    load(path, [schema(TWO), activate(1)], load_method="overwrite")
    assert content(path) == []


def test_overwrite_leaves_other_streams_alone(tmp_path: Path) -> None:
    path = tmp_path / "test.duckdb"
    load(path, [schema(TWO), *rows((1, "a")), schema(TWO, stream="others")])
    load(path, [schema(TWO, stream="others")], load_method="overwrite")
    assert content(path) == [(1, "a")]


def test_a_stream_without_records_gets_its_table(tmp_path: Path) -> None:
    path = tmp_path / "test.duckdb"
    load(path, [schema(TWO, ["id"])])
    assert content(path) == []


@pytest.mark.parametrize("others", [[], ["also"]])
def test_numbers_that_are_equal_are_one_key(tmp_path: Path, others: list[str]) -> None:
    path = tmp_path / "test.duckdb"
    properties = {"n": {"type": "number"}, "also": {"type": "string"}, "v": {"type": "string"}}
    begin = schema(properties, ["n", *others])
    for run in "ab":
        values = [0.0, 1.5, -0.0, 2]
        rows = [record({"n": n, "also": "x", "v": f"{run}{n}"}) for n in values]
        load(path, [begin, *rows])
        found = query(path, "SELECT v FROM items ORDER BY n")
        assert found == [(f"{run}-0.0",), (f"{run}1.5",), (f"{run}2",)]
