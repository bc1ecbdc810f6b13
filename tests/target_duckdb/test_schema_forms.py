"""Schemas as taps of all kinds send them: each makes a table, or is refused in one line."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from target_duckdb.message_errors import RecordError, SchemaError
from target_duckdb.shapes import shape
from tests.target_duckdb.helpers import load, query, record, schema, types

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

WHOLE = {"type": "integer"}
LOST = ["#/definitions/gone", "#gone", "other.json#/a", "file:///etc/hostname"]
# What holds itself: any JSON value, as many schemas spell it.
VALUE = {
    "anyOf": [
        {"type": ["string", "number", "null"]},
        {"type": ["array", "object"], "items": {"$ref": "#/definitions/value"},
         "additionalProperties": {"$ref": "#/definitions/value"}},
        {"$ref": "#/definitions/value"},
        {"$ref": "#/definitions/value"},
    ]
}  # fmt: skip


@pytest.fixture
def asked() -> Iterator[tuple[str, list[str]]]:
    """A server, its address and the paths it was asked for."""
    paths: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            paths.append(self.path)
            self.send_error(404)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (overrides)
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", paths
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("reference", LOST)
@pytest.mark.parametrize("wrapped", [False, True])
def test_a_reference_that_leads_nowhere_says_nothing_and_is_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, reference: str, *, wrapped: bool
) -> None:
    path = tmp_path / "test.duckdb"
    node: dict[str, Any] = {"$ref": reference}
    properties = {"id": {"enum": [1, 2]}, "v": {"allOf": [node]} if wrapped else node}
    load(path, [schema(properties), schema(properties), record({"id": 1, "v": "x"})])
    assert query(path, "SELECT id, v FROM items") == [("1", '"x"')]
    assert [entry.levelname for entry in caplog.records if reference in entry.getMessage()] == [
        "WARNING"
    ]
    # Others count all the same.
    with pytest.raises(RecordError, match=r"property \['id'\]: it breaks 'enum'"):
        load(path, [schema(properties), record({"id": 3, "v": "x"})])


def test_no_reference_is_asked_for_elsewhere(tmp_path: Path, asked: tuple[str, list[str]]) -> None:
    address, paths = asked
    nodes = {"a": {"$ref": f"{address}/a"}, "b": {"allOf": [{"$ref": f"{address}/b"}]}}
    inner = {"c": {"$dynamicRef": f"{address}/c"}}
    messages = [schema({**nodes, **inner}, **{"$id": f"{address}/own"}), record({"a": 1, "b": 2})]
    load(tmp_path / "test.duckdb", messages)
    assert query(tmp_path / "test.duckdb", "SELECT a, b FROM items") == [("1", "2")]
    assert paths == []


@pytest.mark.parametrize(
    "reference", ["#/definitions/a%20b", "#/properties/other/anyOf/0", "#/$defs/a~1b"]
)
def test_a_reference_is_a_json_pointer(tmp_path: Path, reference: str) -> None:
    path = tmp_path / "test.duckdb"
    places: dict[str, Any] = {"definitions": {"a b": WHOLE}, "$defs": {"a/b": WHOLE}}
    other = {"anyOf": [WHOLE, {"type": "null"}]}
    load(path, [schema({"v": {"$ref": reference}, "other": other}, **places), record({"v": 1})])
    assert types(path)["v"] == "BIGINT"


@pytest.mark.parametrize("form", [VALUE, {"anyOf": VALUE["anyOf"][:2]}])
def test_a_schema_that_holds_itself_is_understood_at_once(tmp_path: Path, form: Any) -> None:
    definitions = {"value": form}
    assert shape({"$ref": "#/definitions/value"}, {"definitions": definitions}) is None
    path = tmp_path / "test.duckdb"
    load(path, [schema({"v": {"$ref": "#/definitions/value"}}, definitions={"value": {
        "anyOf": form["anyOf"][:2]}}), record({"v": {"a": [1, {"b": "x"}]}})])  # fmt: skip
    assert query(path, "SELECT v FROM items") == [('{"a":[1,{"b":"x"}]}',)]


def test_a_schema_that_leads_to_nothing_but_itself_is_refused(tmp_path: Path) -> None:
    own = {"anyOf": [{"type": "string"}, {"$ref": "#/definitions/own"}]}
    with pytest.raises(SchemaError, match="stream 'items': the schema is nested too deeply"):
        load(tmp_path / "test.duckdb", [schema({"v": own}, definitions={"own": own})])


@pytest.mark.parametrize("depth", [300, 900])
def test_depth_is_told(tmp_path: Path, depth: int) -> None:
    node: dict[str, Any] = {}
    for _ in range(depth):
        node = {"type": "array", "items": node}
    with pytest.raises(SchemaError, match="stream 'items': the schema is nested too deeply"):
        load(tmp_path / "test.duckdb", [schema({"v": node})])


@pytest.mark.parametrize(
    ("node", "sql_type"),
    [
        ({"type": "integer", "minimum": float("-inf"), "maximum": float("inf")}, "HUGEINT"),
        ({"type": "integer", "minimum": float("nan")}, "BIGINT"),
        ({"type": "string", "maxLength": 10**20}, "VARCHAR"),
        ({"type": "string", "format": "singer.decimal", "precision": True, "scale": True},
         "VARCHAR"),
    ],
)  # fmt: skip
def test_limits_that_are_none(tmp_path: Path, node: dict[str, Any], sql_type: str) -> None:
    path = tmp_path / "test.duckdb"
    value = 1 if node["type"] == "integer" else "1"
    load(path, [schema({"v": node}), record({"v": value})])
    assert types(path) == {"v": sql_type}
    assert query(path, "SELECT v FROM items") == [(value,)]


def test_a_property_that_may_not_be_there(tmp_path: Path) -> None:
    path = tmp_path / "test.duckdb"
    properties = {"id": WHOLE, "never": False, "always": True}
    load(path, [schema(properties), record({"id": 1, "always": [2]})])
    assert query(path, "SELECT id, never, always FROM items") == [(1, None, "[2]")]
    with pytest.raises(RecordError, match="the schema allows no value here"):
        load(path, [schema(properties), record({"id": 2, "never": 5})])


EVERY_TYPE = ["object", "array", "string", "number", "boolean", "null"]


@pytest.mark.parametrize("names", [{}, {"properties": {"a": {}}, "additionalProperties": True}])
def test_a_schema_that_names_every_type_takes_all_there_is(names: dict[str, Any]) -> None:
    assert shape({"type": EVERY_TYPE, **names}, {}) is Any


@pytest.mark.parametrize(
    "limit",
    [
        {"type": [name for name in EVERY_TYPE if name != "null"]},
        {"maxLength": 3},
        {"properties": {"a": {"type": "string"}}},
        {"additionalProperties": False},
        {"items": {"type": "string"}},
    ],
)
def test_a_schema_that_names_every_type_and_limits_one_does_not(limit: dict[str, Any]) -> None:
    assert shape({"type": EVERY_TYPE, **limit}, {}) is not Any


def test_keywords_that_are_null_and_types_named_twice(tmp_path: Path) -> None:
    path = tmp_path / "test.duckdb"
    node = {"type": ["string", "null", "string"], "maxLength": None, "enum": None, "format": None}
    nested = {"type": "object", "properties": {"a": {"type": None, "minimum": None}}}
    messages = [
        schema({"v": node, "w": nested}, required=None),
        record({"v": "x", "w": {"a": 1}}),
    ]
    load(path, messages)
    assert types(path) == {"v": "VARCHAR", "w": "JSON"}
    assert query(path, "SELECT v, w FROM items") == [("x", '{"a":1}')]


TEXT = {"type": "string"}
ROW: dict[str, Any] = {"type": "object", "properties": {"id": WHOLE, "v": TEXT}, "required": ["id"]}


@pytest.mark.parametrize(
    "root",
    [
        {"$ref": "#/definitions/row", "definitions": {"row": ROW}},
        {"$ref": "#row", "$defs": {"any name": {"$anchor": "row", **ROW}}},
        {"allOf": [{"$ref": "#/$defs/row"}, {"required": ["v"]}], "$defs": {"row": ROW}},
        {"allOf": [{"properties": {"id": WHOLE}}, {"properties": {"v": TEXT}}]},
        {"properties": {"id": WHOLE}, "allOf": [{"properties": {"v": TEXT}}]},
        {"anyOf": [{"type": "null"}, ROW]},
        {"oneOf": [ROW, {"properties": {"id": WHOLE}}]},
    ],
)
def test_properties_that_do_not_stand_in_the_schema_itself(
    tmp_path: Path, root: dict[str, Any]
) -> None:
    path = tmp_path / "test.duckdb"
    message = {"type": "SCHEMA", "stream": "items", "key_properties": ["id"], "schema": root}
    load(path, [message, record({"id": 1, "v": "a"}), record({"id": 1, "v": "b"})])
    assert types(path) == {"id": "BIGINT", "v": "VARCHAR"}
    assert query(path, "SELECT id, v FROM items") == [(1, "b")]
    with pytest.raises(RecordError, match="'v'"):
        load(path, [message, record({"id": 2, "v": 5})])


@pytest.mark.parametrize(
    ("reference", "others"),
    [
        ("#text", {"$defs": {"a": {"$anchor": "text", **TEXT}}}),
        ("#text", {"definitions": {"a": {"$id": "#text", **TEXT}}}),
        ("#text", {"definitions": {"a": {"id": "#text", **TEXT}}}),
        ("http://a.test/s#/$defs/a", {"$id": "http://a.test/s", "$defs": {"a": TEXT}}),
        ("s#/$defs/a", {"$id": "http://a.test/s", "$defs": {"a": TEXT}}),
        ("urn:x:text", {"$defs": {"a": {"$id": "urn:x:text", **TEXT}}}),
        ("t", {"$id": "http://a.test/s", "$defs": {"a": {"$id": "http://a.test/t", **TEXT}}}),
        (
            "http://a.test/t#/$defs/x",  # a pointer within begins at the identifier, not the root
            {"$defs": {"x": WHOLE, "t": {"$id": "http://a.test/t", "$defs": {
                "x": {"$ref": "#/$defs/y"}, "y": TEXT}}}},
        ),
        ("#/$defs/a/items/1", {"$defs": {"a": {"items": [WHOLE, TEXT]}}}),
        ("#/$defs/a/extends", {"$defs": {"a": {"extends": TEXT}}}),
        ("#/$defs/a/type/0", {"$defs": {"a": {"type": [TEXT, "null"]}}}),
        ("#/$defs/a~1%25~0", {"$defs": {"a/%~": TEXT}}),
    ],
)  # fmt: skip
def test_a_reference_leads_to_identifiers_and_to_words_of_old(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, reference: str, others: dict[str, Any]
) -> None:
    path = tmp_path / "test.duckdb"
    for index, keyword in enumerate(("$ref", "$dynamicRef")):
        messages = [schema({"v": {keyword: reference}}, **others), record({"v": "x"})]
        load(path.with_name(f"{index}.duckdb"), messages)
        assert types(path.with_name(f"{index}.duckdb")) == {"v": "VARCHAR"}
        with pytest.raises(RecordError, match=r"property \['v'\]: expected string, got integer"):
            load(path, [*messages[:1], record({"v": 5})])
    assert "leads nowhere" not in caplog.text


@pytest.mark.parametrize(
    ("node", "value", "sql_type"),
    [
        ({"$id": "#/properties/v", "$recursiveAnchor": True, **TEXT}, "x", "VARCHAR"),
        ({"type": [None, "string"]}, None, "VARCHAR"),
        ({"type": []}, 5, "JSON"),
        (None, 5, "JSON"),
        ({**TEXT, "nullable": True}, None, "VARCHAR"),
        ({**TEXT, "nullable": True, "enum": ["a"]}, None, "VARCHAR"),
        ({"allOf": [TEXT], "nullable": True}, None, "VARCHAR"),
        ({"oneOf": [{"type": ["null", "string"]}, {"type": ["null", "integer"]}]}, None, "JSON"),
        ({"oneOf": [{**TEXT, "format": "date-time"}, TEXT]}, "2024-05-06T00:00:00Z", "VARCHAR"),
    ],
)
def test_forms_that_mean_what_they_seem_to(
    tmp_path: Path, node: Any, value: Any, sql_type: str, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "test.duckdb"
    load(path, [schema({"id": WHOLE, "v": node}, ["id"]), record({"id": 1, "v": value})])
    assert types(path)["v"] == sql_type
    assert query(path, "SELECT v FROM items") == [(None if value is None else str(value),)]
    assert "WARNING" not in caplog.text


@pytest.mark.parametrize(
    ("place", "node", "value"),
    [
        ("['pattern']", {**TEXT, "pattern": r"^\p{L}+$"}, "x"),
        ("['maxLength']", {**TEXT, "maxLength": "0"}, "x"),
        ("['format']", {**TEXT, "format": ["date-time"]}, "x"),
        ("['enum']", {**TEXT, "enum": "a"}, "x"),
        ("['anyOf']", {**TEXT, "anyOf": []}, "x"),
        ("['multipleOf']", {"type": "number", "multipleOf": 0}, 1.5),
        ("['items']", {"type": "array", "items": "string"}, [1]),
        ("['properties']", {"type": "object", "properties": []}, {"a": 1}),
        ("['required']", {"type": "object", "required": "a"}, {}),
        ("['items']['pattern']", {"items": {"pattern": "("}}, ["a"]),
        ("", "string", "x"),
    ],
)
def test_a_keyword_that_makes_no_sense_is_left_out_and_told(
    tmp_path: Path, place: str, node: Any, value: Any, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "test.duckdb"
    messages = [schema({"id": {**WHOLE, "minimum": 1}, "v": node}, ["id"])]
    load(path, [*messages, record({"id": 1, "v": value})])
    assert query(path, "SELECT id FROM items WHERE v IS NOT NULL") == [(1,)]
    assert f"makes no sense at ['properties']['v']{place}, which" in caplog.text
    with pytest.raises(RecordError, match=r"\['id'\]: it breaks 'minimum'"):
        load(path, [*messages, record({"id": 0, "v": value})])


def test_an_unknown_type_is_refused_by_the_name_of_its_property(tmp_path: Path) -> None:
    with pytest.raises(
        SchemaError, match=r"stream 'items': .* at \['properties'\]\['v'\]\['type'\]"
    ):
        load(tmp_path / "test.duckdb", [schema({"v": {"type": ["null", "datetime"]}})])


def test_a_number_of_characters_may_be_written_with_a_point(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match=r"\['v'\]: it breaks 'maxLength'"):
        load(tmp_path / "test.duckdb", [schema({"v": {"maxLength": 2.0}}), record({"v": "abc"})])
