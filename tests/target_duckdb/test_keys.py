"""A key is identity: as many rows as keys came, whatever type their column has."""

from __future__ import annotations

import json
import tempfile
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from target_duckdb.columns import spelled
from target_duckdb.errors import TargetError
from target_duckdb.values import number_text
from tests.target_duckdb.helpers import load, query, record, schema, types

NUMBER = {"type": "number"}
INTEGER = {"type": "integer"}
MOMENT = {"type": "string", "format": "date-time"}
DAY = {"type": "string", "format": "date"}
CLOCK = {"type": "string", "format": "time"}
TEXT = {"type": "string"}
BEYOND = 2**53

NUMBERS = st.one_of(
    st.integers(-(10**20), 10**20).map(str),
    st.integers(BEYOND - 3, BEYOND + 3).map(str),
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.decimals(-10, 10, places=20).map(str),
    st.sampled_from(["0", "-0", "0.0", "-0.0", "1", "1.0", "1e0", "10", "1e1", "1E+1", "0.1",
                     "0.10", "1e-30", "1e30", "100000000000000000000000000000000000000000"]),
)  # fmt: skip


def line(members: str, stream: str = "items") -> str:
    return f'{{"type": "RECORD", "stream": "{stream}", "record": {{{members}}}}}'


def as_batch(directory: Path, number: int, members: list[str]) -> dict[str, Any]:
    file = directory / f"{number}.jsonl"
    file.write_text("".join(f"{{{each}}}\n" for each in members))
    return {
        "type": "BATCH",
        "stream": "items",
        "encoding": {"format": "jsonl"},
        "manifest": [file.as_uri()],
    }


def numbers_of(path: Path, column: str = "id") -> list[Decimal]:
    return sorted(Decimal(text) for (text,) in query(path, f"SELECT {column}::VARCHAR FROM items"))


def load_changed(path: Path, *kinds: tuple[dict[str, Any], list[Any]], is_one_run: bool) -> None:
    """Load keys of one type and then those of another, the latter again in runs of their own."""
    old, new = (
        [schema({"id": kind}, ["id"]), *(record({"id": key}) for key in keys)]
        for kind, keys in kinds
    )
    for messages in [old + new] if is_one_run else [old, new, new]:
        load(path, messages)


@given(
    runs=st.lists(st.lists(NUMBERS, min_size=1, max_size=5), min_size=1, max_size=3),
    kinds=st.lists(st.sampled_from(["messages", "batch"]), min_size=3, max_size=3),
)
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
def test_each_number_is_a_row(runs: list[list[str]], kinds: list[str]) -> None:
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "test.duckdb"
        for number, (run, kind) in enumerate(zip(runs, kinds, strict=False)):
            members = [f'"id": {key}, "v": {at}' for at, key in enumerate(run)]
            begin = schema({"id": NUMBER, "v": INTEGER}, ["id"])
            rows = (
                [as_batch(Path(name), number, members)] if kind == "batch" else map(line, members)
            )
            load(path, [begin, *rows])
        wanted = sorted({Decimal(key) for run in runs for key in run})
        assert numbers_of(path) == wanted
        # The last record of a key is its row.
        last = {Decimal(key): at for run in runs for at, key in enumerate(run)}
        found = query(path, "SELECT id::VARCHAR, v FROM items")
        assert {Decimal(key): v for key, v in found} == last


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), max_size=200))
@settings(max_examples=20, deadline=None)
def test_a_number_is_spelled_in_sql_as_in_python(values: list[float]) -> None:
    values += [1e16, 1e15, 1.5e-7, 1e40, 5e-324, 1.7e308, 123.456, -1e23, 0.1, -2.5e-10, -0.0]
    with duckdb.connect() as connection:
        for value in values:
            sql = f"SELECT {spelled('x', 'DOUBLE')} FROM (SELECT CAST($1 AS DOUBLE) AS x)"
            assert connection.execute(sql, [value]).fetchone() == (number_text(value),)


@pytest.mark.parametrize(
    ("keys", "sql_type"),
    [
        (["1", "2.5", "1e3"], "DOUBLE"),
        (["9007199254740993", "1"], "DECIMAL(38,0)"),
        (["12345678901234567890", "12345678901234567891"], "DECIMAL(38,0)"),
        (["0.1", "0.10000000000000000001"], "DECIMAL(38,20)"),
        (["1e30", "0.10000000000000000001"], "VARCHAR"),
    ],
)
def test_the_type_of_a_number_key(tmp_path: Path, keys: list[str], sql_type: str) -> None:
    path = tmp_path / "test.duckdb"
    for _ in range(2):
        load(path, [schema({"id": NUMBER}, ["id"]), *(line(f'"id": {key}') for key in keys)])
        assert types(path)["id"] == sql_type
        assert numbers_of(path) == sorted(map(Decimal, keys))


def test_a_number_key_among_others(tmp_path: Path) -> None:
    path = tmp_path / "test.duckdb"
    begin = schema({"a": TEXT, "b": NUMBER, "c": INTEGER}, ["a", "b", "c"])
    keys = [("x", BEYOND, 1), ("x", BEYOND + 1, 1), ("x", BEYOND + 1, 2), ("y", BEYOND, 1)]
    rows = [line(f'"a": "{a}", "b": {b}, "c": {c}') for a, b, c in keys]
    for _ in range(2):
        load(path, [begin, *rows, *rows[::-1]])
        assert sorted(query(path, "SELECT a, b::HUGEINT, c FROM items")) == keys


@pytest.mark.parametrize("is_one_run", [True, False])
@pytest.mark.parametrize(
    ("before", "after", "first", "second"),
    [
        (INTEGER, NUMBER, [BEYOND + 1], [BEYOND, BEYOND + 1, 0.5]),
        (NUMBER, INTEGER, [0.5, BEYOND], [BEYOND, BEYOND + 1]),
        (INTEGER, NUMBER, [1, 2], [2.0, 3.5]),
        (NUMBER, {"type": "number", "multipleOf": 0.01}, [1.5, BEYOND + 1], [1.5, BEYOND]),
        ({**NUMBER, "multipleOf": 0.01}, NUMBER, [1.5, 2], [1.5, BEYOND + 1]),
    ],
)
def test_the_type_changes(  # noqa: PLR0913
    tmp_path: Path,
    before: dict[str, Any],
    after: dict[str, Any],
    first: list[Any],
    second: list[Any],
    *,
    is_one_run: bool,
) -> None:
    path = tmp_path / "test.duckdb"
    load_changed(path, (before, first), (after, second), is_one_run=is_one_run)
    assert numbers_of(path) == sorted({Decimal(str(key)) for key in first + second})


EITHER = {"type": ["string", "integer"]}


@pytest.mark.parametrize("is_one_run", [True, False])
@pytest.mark.parametrize(
    ("before", "after", "first", "second", "rows"),
    [
        (TEXT, EITHER, ["1", "true", "{}", "x"], ["1", 1], ['"1"', '"true"', '"x"', '"{}"', "1"]),
        (INTEGER, EITHER, [1, 2], ["1", 1], ['"1"', "1", "2"]),
        (NUMBER, {}, [1e50, 1e-50], [1e50, "1"], ['"1"', f"0.{1:050}", str(10**50)]),
        (DAY, MOMENT, ["2024-01-01"], ["2024-01-01T00:00:00Z"], ["2024-01-01 00:00:00+00"]),
        (MOMENT, DAY, ["2024-01-01T00:00:00Z"], ["2024-01-01"], ["2024-01-01 00:00:00+00"]),
        (
            DAY,
            MOMENT,
            ["2024-01-01"],
            ["2024-01-01T00:00:00Z", "2024-01-01T00:00:00.0000001Z"],
            ["2024-01-01T00:00:00.0000001Z", "2024-01-01T00:00:00Z"],
        ),
        (NUMBER, TEXT, [1.0, 2.5], ["1", "2.5"], ["1", "2.5"]),
    ],
)
def test_the_type_changes_to_another_family(  # noqa: PLR0913, PLR0917
    tmp_path: Path,
    before: dict[str, Any],
    after: dict[str, Any],
    first: list[Any],
    second: list[Any],
    rows: list[str],
    *,
    is_one_run: bool,
) -> None:
    path = tmp_path / "test.duckdb"
    load_changed(path, (before, first), (after, second), is_one_run=is_one_run)
    found = query(path, "SELECT id::VARCHAR FROM items")
    assert sorted(found) == sorted((row,) for row in rows)


@pytest.mark.parametrize(
    ("kind", "keys", "sql_type"),
    [
        (
            MOMENT,
            ["2024-01-01T00:00:00.1234567Z", "2024-01-01T00:00:00.1234568Z"],
            "VARCHAR",
        ),
        (MOMENT, ["2024-01-01T00:00:00.9999999Z", "2024-01-01T00:00:01Z"], "VARCHAR"),
        (MOMENT, ["2024-01-01T00:00:00.5Z", "2024-01-01T00:00:00Z"], "TIMESTAMP WITH TIME ZONE"),
        (CLOCK, ["10:00:00.1234567", "10:00:00.1234568"], "VARCHAR"),
        (CLOCK, ["10:00:00.12", "9:05:00"], "TIME"),
        (TEXT, ["a", "A", "ä", "a ", "\u0061\u0308"], "VARCHAR"),
        ({"type": ["number", "string"]}, [1, "1", 1.5], "JSON"),
        ({"type": "boolean"}, [True, False], "BOOLEAN"),
    ],
)
def test_each_other_key_is_a_row(
    tmp_path: Path, kind: dict[str, Any], keys: list[Any], sql_type: str
) -> None:
    path = tmp_path / "test.duckdb"
    for number in range(2):
        members = [f'"id": {json.dumps(key)}' for key in keys]
        rows = map(line, members) if number else [as_batch(tmp_path, number, members)]
        load(path, [schema({"id": kind}, ["id"]), *rows])
        assert query(path, "SELECT count(*) FROM items") == [(len(keys),)]
        assert types(path)["id"] == sql_type


def test_one_moment_is_one_key(tmp_path: Path) -> None:
    path = tmp_path / "test.duckdb"
    same = ["2024-01-01T00:00:00.1234567Z", "2024-01-01T02:00:00.12345670+02:00"]
    for key in same:
        load(path, [schema({"id": MOMENT}, ["id"]), record({"id": key})])
    assert query(path, "SELECT id FROM items") == [("2024-01-01T00:00:00.1234567Z",)]


def test_a_key_may_be_in_a_year_that_only_utc_has(tmp_path: Path) -> None:
    path = tmp_path / "test.duckdb"
    keys = ["9999-12-31T23:59:59-05:00", "0001-01-01T00:00:00+01:00"]
    others = ["9999-12-31T22:59:59-06:00", "0001-01-01T01:00:00+02:00"]
    text = "strftime(id, '%Y-%m-%dT%H:%M:%S')"
    for each in (keys, others):
        load(path, [schema({"id": MOMENT}, ["id"]), *(record({"id": key}) for key in each)])
        assert types(path)["id"] == "TIMESTAMP WITH TIME ZONE"
        found = query(path, f"SELECT {text} FROM items ORDER BY 1")
        assert found == [("0000-12-31T23:00:00",), ("10000-01-01T04:59:59",)]
    fine = "9999-12-31T23:59:59.1234567-05:00"
    load(path, [schema({"id": MOMENT}, ["id"]), record({"id": fine})])
    assert sorted(query(path, "SELECT id FROM items")) == [
        ("0000-12-31T23:00:00Z",),
        ("10000-01-01T04:59:59.1234567Z",),
        ("10000-01-01T04:59:59Z",),
    ]


def test_numbers_in_json_keys_are_the_same_however_they_are_written(tmp_path: Path) -> None:
    path = tmp_path / "test.duckdb"
    begin = schema({"id": {"type": ["number", "string"]}}, ["id"])
    for key in ("1", "1.0", "1e0", '"1"'):
        load(path, [begin, line(f'"id": {key}')])
    assert sorted(query(path, "SELECT id::VARCHAR FROM items")) == [('"1"',), ("1",)]


@pytest.mark.parametrize("collation", ["NOCASE", "NOACCENT", "NOCASE.NOACCENT"])
def test_the_users_collation_joins_no_keys(tmp_path: Path, collation: str) -> None:
    path = tmp_path / "test.duckdb"
    messages = [schema({"id": TEXT}, ["id"]), *(record({"id": key}) for key in ("a", "A", "ä"))]
    for _ in range(2):
        load(path, messages, settings={"default_collation": collation})
        assert query(path, "SELECT count(*) FROM items") == [(3,)]


def test_a_column_with_a_collation_joins_no_keys(tmp_path: Path) -> None:
    path = tmp_path / "test.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE TABLE items (id VARCHAR COLLATE NOCASE)")
    messages = [schema({"id": TEXT}, ["id"]), *(record({"id": key}) for key in ("a", "A"))]
    for _ in range(2):
        load(path, messages)
        assert query(path, "SELECT count(*) FROM items") == [(2,)]
    load(path, [schema({"id": TEXT}, ["id"]), record({"id": "a"})])
    assert query(path, "SELECT count(*) FROM items") == [(2,)]


@pytest.mark.parametrize("step", ["1e-38", "1e-30", "1e-19"])
def test_a_step_that_no_decimal_has_room_for(tmp_path: Path, step: str) -> None:
    path = tmp_path / "test.duckdb"
    node = f'{{"type": ["number", "null"], "multipleOf": {step}}}'
    properties = f'{{"id": {{"type": "integer"}}, "v": {node}}}'
    begin = (
        '{"type": "SCHEMA", "stream": "items", "key_properties": ["id"], '
        f'"schema": {{"properties": {properties}}}}}'
    )
    values = ["1", "1e25", "0.5", "123456789012345678901", "0", step]
    for number, value in enumerate(values):
        load(path, [begin, line(f'"id": {number}, "v": {value}'), line('"id": 99, "v": null')])
    found = query(path, "SELECT v::VARCHAR FROM items WHERE id < 99 ORDER BY id")
    assert [Decimal(text) for (text,) in found] == list(map(Decimal, values))


@pytest.mark.parametrize(
    ("node", "sql_type"),
    [
        ({"multipleOf": 0.01}, "DECIMAL(38,2)"),
        ({"multipleOf": 1e-18}, "DECIMAL(38,18)"),
        ({"multipleOf": 1e-30, "minimum": -99999999, "maximum": 99999999}, "DECIMAL(38,30)"),
        ({"multipleOf": 1e-38, "minimum": 0, "exclusiveMaximum": 0.5}, "DECIMAL(38,38)"),
        ({"multipleOf": 0.01, "minimum": -(10**62), "maximum": 10**62}, "DOUBLE"),
        ({"multipleOf": 1e-30, "maximum": 5}, "DOUBLE"),
    ],
)
def test_the_type_of_a_step_with_bounds(
    tmp_path: Path, node: dict[str, Any], sql_type: str
) -> None:
    path = tmp_path / "test.duckdb"
    load(path, [schema({"v": {"type": "number", **node}}), record({"v": 0})])
    assert types(path)["v"] == sql_type


FLOATS = ["1.1", "-0.0001", "99999999999.9999", "0.3"]


@pytest.mark.parametrize("node", [{"multipleOf": 0.0001}, {"x-sql-datatype": "DECIMAL(20,4)"}])
def test_all_digits_of_a_float_are_the_decimal_it_was_made_of(
    tmp_path: Path, node: dict[str, Any]
) -> None:
    path = tmp_path / "test.duckdb"
    digits = [Decimal(float(text)) for text in FLOATS]  # as pipelinewise-tap-postgres sends them
    rows = [line(f'"id": {number}, "v": {digit:f}') for number, digit in enumerate(digits)]
    load(path, [schema({"id": INTEGER, "v": {"type": "number", **node}}, ["id"]), *rows])
    found = query(path, "SELECT v FROM items ORDER BY id")
    assert [value for (value,) in found] == [Decimal(text) for text in FLOATS]


@pytest.mark.parametrize("text", ["0.1", "0.3"])  # a float above, and one below
def test_all_digits_of_a_float_keep_to_a_bound(tmp_path: Path, text: str) -> None:
    bounds = {"minimum": float(text), "maximum": float(text)}
    begin = schema({"v": {"type": "number", **bounds}})
    path = tmp_path / "test.duckdb"
    load(path, [begin, line(f'"v": {Decimal(float(text)):f}')])
    assert query(path, "SELECT v FROM items") == [(float(text),)]


@pytest.mark.parametrize("digits", ["1.10000000000000008881784197001252", "1.10001", "1e-400"])
def test_other_numbers_between_two_steps_are_refused(tmp_path: Path, digits: str) -> None:
    begin = schema({"id": INTEGER, "v": {"type": "number", "multipleOf": 0.0001}}, ["id"])
    with pytest.raises(TargetError, match="it breaks 'multipleOf'"):
        load(tmp_path / "test.duckdb", [begin, line(f'"id": 1, "v": {digits}')])


def test_a_key_keeps_all_digits_of_a_float_apart(tmp_path: Path) -> None:
    begin = schema({"id": {"type": "number", "multipleOf": 0.0001}}, ["id"])
    with pytest.raises(TargetError, match="does not fit into DECIMAL"):
        load(
            tmp_path / "test.duckdb",
            [begin, line('"id": 1.1'), line(f'"id": {Decimal(float("1.1")):f}')],
        )


def test_numbers_that_are_loaded_as_texts_have_one_spelling(tmp_path: Path) -> None:
    path = tmp_path / "test.duckdb"
    keys = ['"k": 1', '"k": 1.0', '"k": 1E0', '"k": 9007199254740993', '"k": true', '"k": "x"']
    load(path, [schema({"k": TEXT}, ["k"]), *map(line, keys)], validate_records=False)
    assert query(path, "SELECT k FROM items ORDER BY k") == [
        ("1",), ("9007199254740993",), ("true",), ("x",),
    ]  # fmt: skip
