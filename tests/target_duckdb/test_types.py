"""JSON Schema types as DuckDB types, and every value exactly as it came."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from target_duckdb.message_errors import RecordError
from tests.target_duckdb.helpers import load, query, record, schema, types

if TYPE_CHECKING:
    from pathlib import Path

TYPES: list[tuple[dict[str, Any], str]] = [
    ({"type": "string"}, "VARCHAR"),
    ({"type": ["string", "null"]}, "VARCHAR"),
    ({"type": "string", "format": "date-time"}, "TIMESTAMP WITH TIME ZONE"),
    ({"type": "string", "format": "date"}, "DATE"),
    ({"type": "string", "format": "time"}, "TIME"),
    ({"type": "string", "format": "uuid"}, "VARCHAR"),
    ({"type": "string", "format": "email"}, "VARCHAR"),
    (
        {"type": "string", "format": "singer.decimal", "precision": 20, "scale": 4},
        "DECIMAL(20,4)",
    ),
    ({"type": "string", "format": "singer.decimal"}, "VARCHAR"),
    ({"type": "integer"}, "BIGINT"),
    ({"type": "integer", "maximum": 2**63 - 1, "minimum": -(2**63)}, "BIGINT"),
    ({"type": "integer", "maximum": 2**63}, "HUGEINT"),
    ({"type": "integer", "minimum": -(2**63) - 1}, "HUGEINT"),
    ({"type": "integer", "x-sql-datatype": "HUGEINT"}, "HUGEINT"),
    ({"type": "number"}, "DOUBLE"),
    ({"type": "number", "multipleOf": 0.01}, "DECIMAL(38,2)"),
    ({"type": "number", "multipleOf": 1e-05}, "DECIMAL(38,5)"),
    ({"type": "number", "multipleOf": 0.25}, "DECIMAL(38,2)"),
    ({"type": "number", "multipleOf": 10}, "DECIMAL(38,0)"),
    ({"type": "number", "multipleOf": 1e-300}, "DOUBLE"),
    ({"type": "number", "x-sql-datatype": "NUMERIC(18, 4)"}, "DECIMAL(18,4)"),
    ({"type": "number", "x-sql-datatype": "DECIMAL(99,4)"}, "DOUBLE"),
    ({"type": ["integer", "number"]}, "DOUBLE"),
    ({"type": "boolean"}, "BOOLEAN"),
    ({"type": "object"}, "JSON"),
    ({"type": "array", "items": {"type": "integer"}}, "JSON"),
    ({}, "JSON"),
    ({"type": "null"}, "JSON"),
    ({"type": ["string", "integer"]}, "JSON"),
    ({"type": ["string", "object", "null"]}, "JSON"),
    ({"enum": ["a", "b"]}, "JSON"),
    ({"anyOf": [{"type": "string"}, {"type": "null"}]}, "VARCHAR"),
    ({"anyOf": [{"type": "string", "format": "date-time"}, {"type": "string"}]}, "VARCHAR"),
    ({"anyOf": [{"type": "integer"}, {"type": "number"}]}, "DOUBLE"),
    ({"oneOf": [{"type": "integer"}, {"type": "string"}]}, "JSON"),
    ({"allOf": [{"type": ["string", "null"]}, {"maxLength": 5}]}, "VARCHAR"),
    (
        {"allOf": [{"$ref": "#/definitions/moment"}], "description": "when"},
        "TIMESTAMP WITH TIME ZONE",
    ),
    ({"allOf": [{"anyOf": [{"type": "integer"}, {"type": "null"}]}, {"minimum": 0}]}, "BIGINT"),
    ({"allOf": [{"type": "object"}, {"properties": {"a": {"type": "string"}}}]}, "JSON"),
    ({"type": "string", "anyOf": [{"format": "date"}, {"maxLength": 3}]}, "VARCHAR"),
    ({"$ref": "#/definitions/money"}, "DECIMAL(38,2)"),
    ({"$ref": "#/definitions/missing"}, "JSON"),
    ({"$ref": "#/definitions/loop"}, "JSON"),
]


def test_types_of_columns(tmp_path: Path) -> None:
    path = tmp_path / "test.duckdb"
    definitions = {
        "money": {"type": "number", "multipleOf": 0.01},
        "loop": {"$ref": "#/definitions/loop"},
        "moment": {"type": ["string", "null"], "format": "date-time"},
    }
    properties = {f"c{index}": one for index, (one, _) in enumerate(TYPES)}
    load(path, [schema(properties, definitions=definitions)])
    assert list(types(path).values()) == [expected for _, expected in TYPES]


def test_uuid_as_uuid(tmp_path: Path) -> None:
    path = tmp_path / "test.duckdb"
    messages = [
        schema({"id": {"type": "string", "format": "uuid"}}, ["id"]),
        record({"id": "6BA7B810-9DAD-11D1-80B4-00C04FD430C8"}),
        record({"id": "6ba7b810-9dad-11d1-80b4-00c04fd430c8"}),
    ]
    load(path, messages, uuid_type="UUID")
    assert types(path) == {"id": "UUID"}
    assert query(path, "SELECT id::VARCHAR FROM items") == [
        ("6ba7b810-9dad-11d1-80b4-00c04fd430c8",)
    ]


def test_columns_stand_in_the_order_of_the_schema(tmp_path: Path) -> None:
    path = tmp_path / "test.duckdb"
    names = ["zebra", "id", "apple", "_x"]
    load(path, [schema({name: {"type": "string"} for name in names})])
    assert list(types(path)) == names


TEXT = {"type": ["string", "null"]}
MOMENT = {"type": ["string", "null"], "format": "date-time"}
DAY = {"type": ["string", "null"], "format": "date"}
CLOCK = {"type": ["string", "null"], "format": "time"}
WHOLE = {"type": ["integer", "null"]}
HUGE = {"type": ["integer", "null"], "maximum": 2**100, "minimum": -(2**100)}
REAL = {"type": ["number", "null"]}
MONEY = {"type": ["number", "null"], "multipleOf": 0.01}
FLAG = {"type": ["boolean", "null"]}
ANYTHING: dict[str, Any] = {}
OBJECT = {"type": ["object", "null"]}

VALUES = [
    (TEXT, '""', ""),
    (TEXT, '"null"', "null"),
    (TEXT, "null", None),
    (TEXT, r'"a\u0000b"', "a\0b"),
    (TEXT, r'"\u00e9 \ud83d\ude00 \" \\ \n"', 'é 😀 " \\ \n'),
    (TEXT, '" padded "', " padded "),
    (TEXT, '"007"', "007"),
    (MOMENT, '"2024-05-06T07:08:09Z"', "2024-05-06 07:08:09+00"),
    (MOMENT, '"2024-05-06T07:08:09.123456+05:30"', "2024-05-06 01:38:09.123456+00"),
    (MOMENT, '"2024-05-06T07:08:09.1-11:00"', "2024-05-06 18:08:09.1+00"),
    (MOMENT, '"2024-05-06T07:08:09"', "2024-05-06 07:08:09+00"),
    (MOMENT, '"2024-05-06 07:08:09+02:00"', "2024-05-06 05:08:09+00"),
    (MOMENT, '"2024-05-06"', "2024-05-06 00:00:00+00"),
    (MOMENT, '"9999-12-31T23:59:59.999999-12:00"', "10000-01-01 11:59:59.999999+00"),
    (MOMENT, '"2026-01-01T24:00:00"', "2026-01-02 00:00:00+00"),
    (MOMENT, '"2026-12-31 24:00:00.000Z"', "2027-01-01 00:00:00+00"),
    (MOMENT, '"2024-02-28T24:00+05:45"', "2024-02-28 18:15:00+00"),
    (MOMENT, '"2024-05-06 07:08:09.5 UTC"', "2024-05-06 07:08:09.5+00"),
    (MOMENT, '"2024-05-06T07:08:09+05:45"', "2024-05-06 01:23:09+00"),
    (MOMENT, '"2024-05-06T07:08:09-03:30"', "2024-05-06 10:38:09+00"),
    (MOMENT, '"2024-05-06 07:08:09.5+1245"', "2024-05-05 18:23:09.5+00"),
    (MOMENT, '"1930-05-06T07:08:09+00:19:32"', "1930-05-06 06:48:37+00"),
    (MOMENT, '"2024-05-06T07:08:09.1234567Z"', "2024-05-06 07:08:09.123457+00"),
    (MOMENT, '"2024-5-6 7:08:09.1234567"', "2024-05-06 07:08:09.123457+00"),
    (MOMENT, '"2024-05-06T23:59:59,9999999+01"', "2024-05-06 23:00:00+00"),
    (MOMENT, '"9999-12-31 23:59:59.9999999"', "9999-12-31 23:59:59.999999+00"),
    (MOMENT, "null", None),
    (DAY, '"2024-02-29"', "2024-02-29"),
    (DAY, '"2024-02-28T24:00:00"', "2024-02-29"),
    (CLOCK, '"23:59:59.999999"', "23:59:59.999999"),
    (CLOCK, '"23:59:59.9999999"', "23:59:59.999999"),
    (CLOCK, '"23:59:59.9999999+02:00"', "21:59:59.999999"),
    (CLOCK, '"9:05:00.1234567"', "09:05:00.123457"),
    (CLOCK, '"24:00:00"', "24:00:00"),
    (CLOCK, '"24:00:00Z"', "24:00:00"),
    (CLOCK, '"24:00:00+02:00"', "22:00:00"),
    (CLOCK, '"10:00:00+05:45"', "04:15:00"),
    (CLOCK, '"10:00:00-09:30"', "19:30:00"),
    (CLOCK, '"10:00:00+02:00"', "08:00:00"),
    (CLOCK, '"01:00:00Z"', "01:00:00"),
    (WHOLE, "9223372036854775807", "9223372036854775807"),
    (WHOLE, "-9223372036854775808", "-9223372036854775808"),
    (WHOLE, "9007199254740993", "9007199254740993"),
    (WHOLE, "1.0", "1"),
    (WHOLE, "1e3", "1000"),
    (WHOLE, "-0", "0"),
    (HUGE, str(2**100), str(2**100)),
    (HUGE, str(-(2**100)), str(-(2**100))),
    (REAL, "0.1", "0.1"),
    (REAL, "-0.0", "-0.0"),
    (REAL, "5e-324", "5e-324"),
    (REAL, "1.7976931348623157e308", "1.7976931348623157e+308"),
    (REAL, "3", "3.0"),
    (REAL, "NaN", "nan"),
    ({**REAL, "minimum": 0.5, "exclusiveMaximum": 1e10}, "NaN", "nan"),
    (REAL, "Infinity", "inf"),
    (REAL, "-Infinity", "-inf"),
    (MONEY, "1.10", "1.10"),
    (MONEY, "1", "1.00"),
    (MONEY, "1.100", "1.10"),
    (MONEY, "123456789012345678901234567890123456.78", "123456789012345678901234567890123456.78"),
    (MONEY, "-0.01", "-0.01"),
    (MONEY, "1E+2", "100.00"),
    (FLAG, "true", "true"),
    (FLAG, "false", "false"),
    (OBJECT, r'{"b": 1.10, "a": [1, null, "\u00e9"]}', '{"b":1.10,"a":[1,null,"é"]}'),
    (OBJECT, "{}", "{}"),
    (
        OBJECT,
        '{"a": 1e400, "b": 12345678901234567890123}',
        '{"a":1E+400,"b":12345678901234567890123}',
    ),
    (OBJECT, '{"a": 1.00000000000000000001}', '{"a":1.00000000000000000001}'),
    (ANYTHING, '"text"', '"text"'),
    (ANYTHING, "1.50", "1.50"),
    (ANYTHING, "[]", "[]"),
    (ANYTHING, "false", "false"),
    (ANYTHING, "null", None),
    (ANYTHING, r'"\u0000"', r'"\u0000"'),
]


@pytest.mark.parametrize("validate", [True, False], ids=["validated", "unvalidated"])
@pytest.mark.parametrize("weird", [False, True], ids=["fast", "slow"])
def test_values_arrive_exactly(tmp_path: Path, *, weird: bool, validate: bool) -> None:
    """Both ways through the loader: a quote in a name is beyond the fast one."""
    path = tmp_path / "test.duckdb"
    name = 'v"' if weird else "v"
    streams = [f"s{index}" for index in range(len(VALUES))]
    messages: list[Any] = []
    for stream, (property_schema, value, _) in zip(streams, VALUES, strict=True):
        messages.append(schema({name: property_schema}, stream=stream))
        key = name.replace('"', '\\"')
        messages.append(
            f'{{"type": "RECORD", "stream": "{stream}", "record": {{"{key}": {value}}}}}'
        )
    load(path, messages, validate_records=validate)
    column = '"' + name.replace('"', '""') + '"'
    union = " UNION ALL ".join(
        f"SELECT {index}, {column}::VARCHAR FROM {stream}" for index, stream in enumerate(streams)
    )
    found = dict(query(path, union))
    assert [found[index] for index in range(len(VALUES))] == [expected for *_, expected in VALUES]


NO_TIMES = [
    (MOMENT, "2026-01-01T24:00:00.5", "is no date-time"),
    (MOMENT, "2026-01-01T24:00:01Z", "is no date-time"),
    (MOMENT, "2026-01-01T24:30", "is no date-time"),
    (MOMENT, "2026-01-01T25:00", "is no date-time"),
    (MOMENT, "2026-01-01T12:30.5", "is no date-time"),
    (MOMENT, "2026-01-01T12.5Z", "is no date-time"),
    (MOMENT, "2026-01-01T12:00:00+05:75", "is no date-time"),
    (MOMENT, "9999-12-31T24:00:00", "outside the years 1 to 9999"),
    (MOMENT, "2016-12-31T23:59:60Z", "leap second"),
    (MOMENT, "2017-01-01 00:59:60.5+01:00", "leap second"),
    (MOMENT, "2026-01-01T00:00:00Z\ud800", "is no date-time"),
    (DAY, "\udfff", "is no date"),
    (DAY, "2026-01-01T24:00:01", "is no date"),
    (DAY, "2016-12-31T23:59:60", "leap second"),
    (CLOCK, "\ud800", "is no time"),
    (CLOCK, "24:00:00.5", "is no time"),
    (CLOCK, "24:01", "is no time"),
    (CLOCK, "12:30.5", "is no time"),
    (CLOCK, "23:59:60", "leap second"),
]


@pytest.mark.parametrize("keys", [[], ["v"]], ids=["plain", "key"])
@pytest.mark.parametrize(("property_schema", "value", "words"), NO_TIMES)
def test_what_is_no_time_is_refused(
    tmp_path: Path, property_schema: dict[str, Any], value: str, words: str, keys: list[str]
) -> None:
    messages = [schema({"v": property_schema}, keys), record({"v": value})]
    with pytest.raises(RecordError, match=f"line 2: property 'v': .*{words}") as refused:
        load(tmp_path / "test.duckdb", messages)
    assert value not in str(refused.value)


def test_keys_at_the_end_of_a_day(tmp_path: Path) -> None:
    """24:00 is 0:00 of the next day, whatever its offset is and however fine other keys are."""
    path = tmp_path / "test.duckdb"
    same = ["2026-01-01T24:00:00", "2026-01-02T00:00:00.000Z", "2026-01-01T24:00:00-00:00"]
    other = ["2026-01-01T23:59:59.9999999Z", "2026-01-02T00:00:00.0000001Z"]
    load(path, [schema({"v": MOMENT}, ["v"]), *(record({"v": each}) for each in same + other)])
    assert query(path, "SELECT v::VARCHAR FROM items ORDER BY v") == [
        ("2026-01-01T23:59:59.9999999Z",),
        ("2026-01-02T00:00:00.0000001Z",),
        ("2026-01-02T00:00:00Z",),
    ]


def test_infinities_and_nan_are_numbers(tmp_path: Path) -> None:
    path = tmp_path / "test.duckdb"
    values = [math.nan, math.inf, -math.inf, 1.5]
    load(path, [schema({"v": REAL}), *(record({"v": value}) for value in values)])
    found = [value for (value,) in query(path, "SELECT v FROM items")]
    assert math.isnan(found[0])
    assert found[1:] == values[1:]


def test_string_of_ten_megabytes(tmp_path: Path) -> None:
    path = tmp_path / "test.duckdb"
    sizes = [10_000_000, 20_000_000, 1]
    messages = [schema({"v": TEXT}), *(record({"v": "é" * size}) for size in sizes)]
    load(path, messages)
    assert query(path, "SELECT length(v), md5(v) = md5(repeat('é', length(v))) FROM items") == [
        (size, True) for size in sizes
    ]


@pytest.mark.parametrize(
    "real", [REAL, {**REAL, "minimum": 0}, {"oneOf": [{"type": "integer"}, REAL]}], ids=str
)
def test_rounding_is_not_silent(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, real: dict[str, Any]
) -> None:
    path = tmp_path / "test.duckdb"
    messages = [
        schema({"v": real, "w": real}),
        '{"type": "RECORD", "stream": "items", "record": {"v": 0.1234567890123456789}}',
        '{"type": "RECORD", "stream": "items", "record": {"v": 9007199254740993}}',
        '{"type": "RECORD", "stream": "items", "record": {"v": 0.30000000000000004}}',
        '{"type": "RECORD", "stream": "items", "record": {"w": 1e-400}}',
    ]
    load(path, messages)
    warnings = [r.getMessage() for r in caplog.records if "more digits" in r.getMessage()]
    assert len(warnings) == 2
    assert "property 'v'" in warnings[0]
    assert "property 'w'" in warnings[1]
    assert "multipleOf" in warnings[0]


def test_no_warning_where_nothing_is_rounded(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "test.duckdb"
    literals = ["0.30000000000000004", "123456789012345678e3", "1.0000000000000000000"]
    messages = [
        schema({"v": REAL}),
        *(f'{{"type":"RECORD","stream":"items","record":{{"v":{v}}}}}' for v in literals[:1]),
        '{"type":"RECORD","stream":"items","record":{"v":1.00000000000000000000}}',
    ]
    load(path, messages)
    assert not [r for r in caplog.records if "more digits" in r.getMessage()]


def test_decimals_compare_as_decimals(tmp_path: Path) -> None:
    path = tmp_path / "test.duckdb"
    load(path, [schema({"v": MONEY}), record({"v": 0.1}), record({"v": 0.2})])
    assert query(path, "SELECT sum(v) FROM items") == [(Decimal("0.30"),)]
