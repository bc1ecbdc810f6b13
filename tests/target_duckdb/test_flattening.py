"""Objects flattened into columns by the SDK: nothing that a schema names is lost on the way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from target_duckdb.message_errors import SchemaError
from target_duckdb.schemas import flattenable
from tests.target_duckdb.helpers import load, query, record, schema, types

if TYPE_CHECKING:
    from pathlib import Path

WHOLE = {"type": "integer"}
MAYBE_WHOLE = {"anyOf": [WHOLE, {"type": "null"}]}
MOMENT = {"type": "string", "format": "date-time"}
ANYTHING = {"type": ["object", "array", "string", "number", "boolean", "null"]}
DEEP = {"type": "object", "properties": {"x": WHOLE}}
OPEN = {"type": ["object", "null"], "properties": {}, "additionalProperties": True}
OBJECT = {"type": "object", "properties": {"a": WHOLE, "t": MOMENT, "deep": DEEP}}


def test_flattening(tmp_path: Path) -> None:
    path = tmp_path / "test.duckdb"
    nested = {
        "type": "object",
        "properties": {"a": {"type": "integer"}, "b": {"type": "object", "properties": {}}},
    }
    load(
        path,
        [schema({"id": WHOLE, "o": nested}), record({"id": 1, "o": {"a": 2, "b": {"c": 3}}})],
        flattening_enabled=True,
        flattening_max_depth=1,
    )
    assert query(path, "SELECT id, o__a, o__b FROM items") == [(1, 2, '{"c":3}')]


@pytest.mark.parametrize(
    ("property_schema", "value", "columns", "row"),
    [
        (OPEN, {"k": [1]}, {"p": "VARCHAR"}, ('{"k":[1]}',)),
        (OPEN, None, {"p": "VARCHAR"}, (None,)),
        (MAYBE_WHOLE, 3, {"p": "BIGINT"}, (3,)),
        (ANYTHING, 5, {"p": "JSON"}, ("5",)),
        ({}, 5.5, {"p": "JSON"}, ("5.5",)),
        ({"type": ["object", "string"], "properties": {"a": WHOLE}}, "s", {"p": "VARCHAR"}, ("s",)),
        (
            {"type": ["object", "string"], "properties": {"a": WHOLE}},
            {"a": 1},
            {"p": "VARCHAR"},
            ('{"a":1}',),
        ),
        ({"$ref": "#/definitions/whole"}, 4, {"p": "BIGINT"}, (4,)),
        (
            {"anyOf": [OBJECT, {"type": "null"}]},
            {"a": 1, "deep": {"x": 2}},
            {"p__a": "BIGINT", "p__t": "TIMESTAMP WITH TIME ZONE", "p__deep": "VARCHAR"},
            (1, None, '{"x":2}'),
        ),
        (
            {"$ref": "#/definitions/itself"},
            {"me": {"me": {}}, "n": 1},
            {"p__me": "VARCHAR", "p__n": "BIGINT"},
            ('{"me":{}}', 1),
        ),
        ({"type": ["array", "null"]}, [1], {"p": "VARCHAR"}, ("[1]",)),
    ],
)
def test_each_property_has_a_column(
    tmp_path: Path,
    property_schema: dict[str, Any],
    value: object,
    columns: dict[str, str],
    row: tuple[Any, ...],
) -> None:
    message = schema({"id": WHOLE, "p": property_schema})
    itself = {"type": "object", "properties": {"me": {"$ref": "#/definitions/itself"}, "n": WHOLE}}
    message["schema"]["definitions"] = {"whole": WHOLE, "itself": itself}
    path = tmp_path / "test.duckdb"
    load(
        path,
        [message, record({"id": 1, "p": value})],
        flattening_enabled=True,
        flattening_max_depth=1,
    )
    found = types(path)
    assert {name: found[name] for name in found if name.startswith("p")} == columns
    assert query(path, f"SELECT {', '.join(columns)} FROM items") == [row]


def test_an_object_that_is_null_is_not_told_as_lost(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "test.duckdb"
    nullable = {**DEEP, "type": ["object", "null"]}
    load(
        path,
        [schema({"id": WHOLE, "o": nullable}), record({"id": 1, "o": None})],
        flattening_enabled=True,
        flattening_max_depth=1,
    )
    assert query(path, "SELECT id, o__x FROM items") == [(1, None)]
    assert "dropped" not in caplog.text


def test_objects_end_where_flattening_does() -> None:
    nested = {"type": "object", "properties": {"o": {"type": "object", "properties": {"d": DEEP}}}}
    inner = flattenable(nested, 1)["properties"]["o"]["properties"]["d"]
    assert inner == {"type": ["object"]}


def test_two_properties_in_one_column_end_in_one_line(tmp_path: Path) -> None:
    message = schema({"id": WHOLE, "o__x": WHOLE, "o": DEEP})
    settings = {"flattening_enabled": True, "flattening_max_depth": 1}
    with pytest.raises(SchemaError, match=r"'items': .*o__x; change 'flattening_separator'"):
        load(tmp_path / "test.duckdb", [message], **settings)


@pytest.mark.parametrize("kind", [["null", ["null"]], 5, [5]])
def test_a_type_that_is_none_ends_the_run_in_one_line(tmp_path: Path, kind: Any) -> None:
    message = schema({"id": WHOLE, "p": {"type": "object", "properties": {"a": {"type": kind}}}})
    with pytest.raises(SchemaError, match="stream 'items': the schema is no valid JSON schema"):
        load(tmp_path / "test.duckdb", [message], flattening_enabled=True, flattening_max_depth=1)
