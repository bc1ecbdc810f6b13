"""Schemas that change: columns are added and widened, never narrowed, and nothing is lost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import duckdb
import pytest

from target_duckdb.decode import Decoder
from target_duckdb.errors import EvolutionError
from tests.target_duckdb.helpers import load, query, record, schema, types

if TYPE_CHECKING:
    from pathlib import Path

ID = {"id": {"type": "integer"}}
TEXT = {"type": ["string", "null"]}
MOMENT = {**TEXT, "format": "date-time"}
DAY = {**TEXT, "format": "date"}
CLOCK = {**TEXT, "format": "time"}
UUID = {**TEXT, "format": "uuid"}
WHOLE = {"type": ["integer", "null"]}
HUGE = {"type": ["integer", "null"], "maximum": 2**100}
REAL = {"type": ["number", "null"]}
MONEY = {"type": ["number", "null"], "multipleOf": 0.01}
FINE = {"type": ["number", "null"], "multipleOf": 0.0001}
FLAG = {"type": ["boolean", "null"]}
ANYTHING: dict[str, Any] = {}

WIDENINGS = [
    (WHOLE, REAL, 1, 2.5, "DOUBLE", ["1.0", "2.5"]),
    (WHOLE, HUGE, 1, 2**70, "HUGEINT", ["1", str(2**70)]),
    (WHOLE, MONEY, 1, 2.5, "DECIMAL(38,2)", ["1.00", "2.50"]),
    (WHOLE, TEXT, 1, "x", "VARCHAR", ["1", "x"]),
    (WHOLE, ANYTHING, 1, [2], "JSON", ["1", "[2]"]),
    (HUGE, TEXT, 2**70, "x", "VARCHAR", [str(2**70), "x"]),
    (HUGE, ANYTHING, 2**70, {}, "JSON", [str(2**70), "{}"]),
    (MONEY, REAL, 1.25, 0.1, "DOUBLE", ["1.25", "0.1"]),
    (MONEY, TEXT, 1.25, "x", "VARCHAR", ["1.25", "x"]),
    (MONEY, FINE, 1.25, 0.1234, "DECIMAL(38,4)", ["1.2500", "0.1234"]),
    (FINE, MONEY, 0.1234, 1.25, "DECIMAL(38,4)", ["0.1234", "1.2500"]),
    (REAL, TEXT, 0.1, "x", "VARCHAR", ["0.1", "x"]),
    (REAL, ANYTHING, 0.5, "x", "JSON", ["0.5", '"x"']),
    (FLAG, TEXT, True, "x", "VARCHAR", ["true", "x"]),
    (FLAG, ANYTHING, True, "x", "JSON", ["true", '"x"']),
    (DAY, MOMENT, "2024-05-06", "2024-05-06T07:08:09+02:00", "TIMESTAMP WITH TIME ZONE",
     ["2024-05-06 00:00:00+00", "2024-05-06 05:08:09+00"]),
    (DAY, TEXT, "2024-05-06", "x", "VARCHAR", ["2024-05-06", "x"]),
    (CLOCK, TEXT, "07:08:09.5", "x", "VARCHAR", ["07:08:09.5", "x"]),
    (MOMENT, TEXT, "2024-05-06T07:08:09.120+02:00", "x", "VARCHAR",
     ["2024-05-06T05:08:09.12Z", "x"]),
    (MOMENT, TEXT, "2024-05-06T00:00:00Z", "x", "VARCHAR", ["2024-05-06T00:00:00Z", "x"]),
    (MOMENT, ANYTHING, "2024-05-06T07:08:09Z", 1, "JSON", ['"2024-05-06T07:08:09Z"', "1"]),
    (FLAG, WHOLE, True, 1, "VARCHAR", ["true", "1"]),
    (WHOLE, FLAG, 1, True, "VARCHAR", ["1", "true"]),
    (DAY, WHOLE, "2024-05-06", 1, "VARCHAR", ["2024-05-06", "1"]),
    (CLOCK, MOMENT, "07:08:09", "2024-05-06T09:08:09+02:00", "VARCHAR",
     ["07:08:09", "2024-05-06T07:08:09Z"]),
    (CLOCK, DAY, "07:08:09", "2024-05-06", "VARCHAR", ["07:08:09", "2024-05-06"]),
    (MONEY, MOMENT, 1.5, "2024-05-06T07:08:09Z", "VARCHAR", ["1.50", "2024-05-06T07:08:09Z"]),
    (TEXT, ANYTHING, 'a "b"', [1], "JSON", ['"a \\"b\\""', "[1]"]),
]  # fmt: skip
NAMES = [f"{old or 'any'}-{new or 'any'}" for old, new, *_ in WIDENINGS]


@pytest.mark.parametrize(
    ("old", "new", "first", "second", "sql_type", "found"), WIDENINGS, ids=NAMES
)
def test_widening_rewrites_the_column(  # noqa: PLR0913, PLR0917
    tmp_path: Path, old: Any, new: Any, first: Any, second: Any, sql_type: str, found: list[str]
) -> None:
    path = tmp_path / "test.duckdb"
    load(path, [schema({**ID, "v": old}, ["id"]), record({"id": 1, "v": first}), record({"id": 3})])
    load(path, [schema({**ID, "v": new}, ["id"]), record({"id": 2, "v": second})])
    assert types(path)["v"] == sql_type
    rows = query(path, "SELECT v::VARCHAR FROM items ORDER BY id")
    assert [value for (value,) in rows] == [*found, None]


@pytest.mark.parametrize(
    ("old", "new", "first", "second", "sql_type", "found"), WIDENINGS, ids=NAMES
)
def test_a_wider_table_takes_narrower_values(  # noqa: PLR0913, PLR0917
    tmp_path: Path, old: Any, new: Any, first: Any, second: Any, sql_type: str, found: list[str]
) -> None:
    path = tmp_path / "test.duckdb"
    load(path, [schema({**ID, "v": new}, ["id"]), record({"id": 2, "v": second})])
    load(path, [schema({**ID, "v": old}, ["id"]), record({"id": 1, "v": first}), record({"id": 3})])
    assert types(path)["v"] == sql_type
    rows = query(path, "SELECT v::VARCHAR FROM items ORDER BY id")
    assert [value for (value,) in rows] == [*found, None]


def test_a_column_of_a_type_of_somebody_elses(tmp_path: Path) -> None:
    path = tmp_path / "test.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE TABLE items AS SELECT 'x'::BLOB AS v")
    with pytest.raises(EvolutionError) as caught:
        load(path, [schema({"v": WHOLE, "w": TEXT}), record({"v": 1})])
    text = str(caught.value)
    for part in ("stream 'items'", "column 'v'", "BLOB", "BIGINT", "alter or drop"):
        assert part in text
    assert "\n" not in text
    assert list(types(path)) == ["v"]
    assert query(path, "SELECT v FROM items") == [(b"x",)]


@pytest.mark.parametrize(
    ("old", "new", "first", "second"),
    [(WHOLE, REAL, 2**53 + 1, 0.5), (REAL, WHOLE, 0.5, 2**53 + 1), (HUGE, REAL, 2**99 + 1, 0.5)],
    ids=["column", "value", "hugeint"],
)
def test_widening_never_rounds(tmp_path: Path, old: Any, new: Any, first: Any, second: Any) -> None:
    path = tmp_path / "test.duckdb"
    load(path, [schema({"v": old}), record({"v": first})])
    with pytest.raises(EvolutionError, match=r"1 values of column .* would not be the same"):
        load(path, [schema({"v": new}), record({"v": second})])
    assert query(path, "SELECT count(*) FROM items") == [(1,)]


def test_columns_are_added_and_removed_ones_stay(tmp_path: Path) -> None:
    path = tmp_path / "test.duckdb"
    load(path, [schema({**ID, "a": TEXT}, ["id"]), record({"id": 1, "a": "x"})])
    load(path, [schema({**ID, "b": WHOLE}, ["id"]), record({"id": 2, "b": 5})])
    assert list(types(path)) == ["id", "a", "b"]
    assert query(path, "SELECT * FROM items ORDER BY id") == [(1, "x", None), (2, None, 5)]


def test_several_schemas_in_one_run(tmp_path: Path) -> None:
    path = tmp_path / "test.duckdb"
    messages = [
        schema({**ID, "v": WHOLE}, ["id"]),
        record({"id": 1, "v": 1}),
        record({"id": 2, "v": 2}),
        schema({**ID, "v": REAL, "w": TEXT}, ["id"]),
        record({"id": 2, "v": 2.5, "w": "x"}),
        schema({**ID, "v": TEXT}, ["id"]),
        record({"id": 3, "v": "three"}),
    ]
    for _ in range(2):
        load(path, messages)
        assert query(path, "SELECT id, v, w FROM items ORDER BY id") == [
            (1, "1", None), (2, "2.5", "x"), (3, "three", None),
        ]  # fmt: skip


def test_a_schema_that_is_repeated_costs_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "test.duckdb"
    made: list[Any] = []

    def counted(*args: Any, **kwargs: Any) -> Decoder:
        made.append(args)
        return Decoder(*args, **kwargs)

    monkeypatch.setattr("target_duckdb.staging.Decoder", counted)
    messages: list[Any] = []
    for n in range(50):
        messages += [schema({**ID, "v": WHOLE}, ["id"]), record({"id": n, "v": n})]
    load(path, messages)
    assert len(made) == 1
    assert query(path, "SELECT count(*) FROM items") == [(50,)]


def test_a_view_over_the_table_survives(tmp_path: Path) -> None:
    path = tmp_path / "test.duckdb"
    load(path, [schema({**ID, "v": WHOLE}, ["id"]), record({"id": 1, "v": 1})])
    with duckdb.connect(str(path)) as connection:
        connection.execute(
            "CREATE VIEW doubled AS SELECT id, CAST(v AS DOUBLE) * 2 AS w FROM items"
        )
    load(path, [schema({**ID, "v": REAL, "x": TEXT}, ["id"]), record({"id": 2, "v": 0.5})])
    assert query(path, "SELECT w FROM doubled ORDER BY id") == [(2.0,), (1.0,)]


def test_a_table_of_another_loader(tmp_path: Path) -> None:
    path = tmp_path / "test.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE TABLE items (id INTEGER PRIMARY KEY, v TIMESTAMP, w FLOAT)")
        connection.execute("INSERT INTO items VALUES (1, '2024-05-06 07:08:09', 0.5)")
    properties = {**ID, "v": MOMENT, "w": REAL}
    message = record({"id": 2, "v": "2024-05-06T00:00:00Z", "w": 0.1})
    with pytest.raises(Exception, match="DuckDB cannot load this"):
        load(path, [schema(properties, ["id"]), message])
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE OR REPLACE TABLE items AS SELECT * FROM items")
    load(path, [schema(properties, ["id"]), message])
    assert types(path) == {"id": "BIGINT", "v": "TIMESTAMP WITH TIME ZONE", "w": "DOUBLE"}
    assert query(path, "SELECT id, v::VARCHAR, w FROM items ORDER BY id") == [
        (1, "2024-05-06 07:08:09+00", 0.5),
        (2, "2024-05-06 00:00:00+00", 0.1),
    ]


@pytest.mark.parametrize("is_table_finer", [True, False])
def test_a_decimal_that_a_finer_step_leaves_no_room_for_is_told(
    tmp_path: Path, *, is_table_finer: bool
) -> None:
    path = tmp_path / "test.duckdb"
    long = [
        schema({**ID, "v": MONEY}, ["id"]),
        f"""{{"type": "RECORD", "stream": "items",
        "record": {{"id": 1, "v": {"9" * 36}.99}}}}""".replace("\n", ""),
    ]
    fine = [schema({**ID, "v": FINE}, ["id"]), record({"id": 2, "v": 0.1234})]
    first, second = (fine, long) if is_table_finer else (long, fine)
    load(path, first)
    with pytest.raises(
        EvolutionError, match=r"'items': 1 values of column 'v' are DECIMAL\(38,2\) .*38,4"
    ):
        load(path, second)
    assert len(query(path, "FROM items")) == 1
