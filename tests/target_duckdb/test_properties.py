"""Any schema, any records: what comes in is in the table, by records and by files alike."""

from __future__ import annotations

import datetime as dt
import io
import json
import tempfile
from decimal import Decimal
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, cast

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from target_duckdb.names import quote
from target_duckdb.target import TargetDuckDB
from tests.target_duckdb.helpers import lines, record, schema

if TYPE_CHECKING:
    from collections.abc import Callable

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | TEXTS
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)  # fmt: skip
OFFSETS = st.integers(-14 * 60, 14 * 60).map(lambda m: dt.timezone(dt.timedelta(minutes=m)))
MOMENTS = st.datetimes(
    dt.datetime(1000, 1, 2),  # noqa: DTZ001 (the zone is drawn apart)
    dt.datetime(9999, 12, 30),  # noqa: DTZ001
    timezones=OFFSETS,
)


def thousandth(number: int) -> float:
    return number / 1000


KINDS: list[tuple[dict[str, Any], st.SearchStrategy[Any]]] = [
    ({"type": "string"}, TEXTS),
    ({"type": "string", "maxLength": 20}, TEXTS),
    ({"type": "integer"}, st.integers(-(2**63), 2**63 - 1)),
    ({"type": "integer", "maximum": 2**127 - 1}, st.integers(-(2**127), 2**127 - 1)),
    ({"type": "number"}, st.floats(allow_nan=False)),
    ({"type": "number", "multipleOf": 0.001}, st.integers(-(10**15), 10**15).map(thousandth)),
    ({"type": "boolean"}, st.booleans()),
    ({"type": "string", "format": "date-time"}, MOMENTS.map(dt.datetime.isoformat)),
    ({"type": "string", "format": "date"}, st.dates().map(dt.date.isoformat)),
    ({"type": "string", "format": "time"}, st.times().map(dt.time.isoformat)),
    ({"type": "object"}, st.dictionaries(TEXTS, JSON_VALUES, max_size=4)),
    ({"type": "array"}, st.lists(JSON_VALUES, max_size=4)),
    ({}, JSON_VALUES),
    ({"type": ["string", "integer"]}, TEXTS | st.integers()),
    ({"anyOf": [{"type": "string"}, {"type": "boolean"}]}, TEXTS | st.booleans()),
]  # fmt: skip


def nullable(node: dict[str, Any]) -> dict[str, Any]:
    if "type" not in node:
        return {"anyOf": [*node["anyOf"], {"type": "null"}]} if "anyOf" in node else node
    names = node["type"] if isinstance(node["type"], list) else [node["type"]]
    return {**node, "type": [*names, "null"]}


@st.composite
def streams(draw: st.DrawFn) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    names = draw(st.lists(TEXTS, min_size=1, max_size=6, unique=True))
    properties: dict[str, Any] = {"key": {"type": "integer"}}
    values: dict[str, st.SearchStrategy[Any]] = {}
    for name in names:
        if name == "key":
            continue
        node, strategy = draw(st.sampled_from(KINDS))
        if draw(st.booleans()):
            node, strategy = nullable(node), strategy | st.none()
        properties[name] = node
        values[name] = strategy
    keys = st.integers(0, 4)
    rows = st.fixed_dictionaries({"key": keys}, optional=values)
    return properties, draw(st.lists(rows, max_size=8))


def moment(value: str) -> dt.datetime:
    return dt.datetime.fromisoformat(value).astimezone(dt.timezone.utc).replace(tzinfo=None)


def comparable(value: Any) -> Any:
    """JSON so that 1 and 1.0 are the same number, and neither is true."""
    if isinstance(value, dict):
        return {key: comparable(item) for key, item in value.items()}
    if isinstance(value, list):
        return [comparable(item) for item in value]
    if isinstance(value, (int, Decimal)) and not isinstance(value, bool):
        return ("number", Decimal(value))
    return (type(value).__name__, value)


# What Python should get from DuckDB for a value, by type; for other types the value itself.
EXPECTED: dict[str, Callable[[Any], Any]] = {
    "DATE": dt.date.fromisoformat,
    "DECIMAL(38,3)": lambda value: Decimal(repr(value)),
    "DOUBLE": float,
    "JSON": lambda value: comparable(json.loads(json.dumps(value), parse_float=Decimal)),
    "TIME": dt.time.fromisoformat,
    "TIMESTAMP WITH TIME ZONE": moment,
}


def expected(value: Any, sql_type: str) -> Any:
    return None if value is None else EXPECTED.get(sql_type, lambda one: one)(value)


def found(value: Any, sql_type: str) -> Any:
    if value is not None and sql_type == "JSON":
        return comparable(json.loads(value, parse_float=Decimal))
    return value


def loaded(messages: list[Any], **config: Any) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Load into a database in memory; return types and rows in the order they were loaded."""
    target = TargetDuckDB(config={"path": ":memory:", **config})
    try:
        target.process_lines(cast("IO[str]", io.BytesIO(lines(messages))))
        target.flush()
        connection = target.database.connection
        described = connection.execute("DESCRIBE target.main.items").fetchall()
        # Moments without their zone, which is UTC, as Python reads them without more packages.
        shown = ", ".join(
            f"timezone('UTC', {quote(name)})" if "ZONE" in sql_type else quote(name)
            for name, sql_type, *_ in described
        )
        rows = connection.execute(f"SELECT {shown} FROM target.main.items ORDER BY rowid")
        return [sql_type for _, sql_type, *_ in described], rows.fetchall()
    finally:
        target.close()


@given(stream=streams(), keyed=st.booleans(), metadata=st.booleans())
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_stream(
    stream: tuple[dict[str, Any], list[dict[str, Any]]], *, keyed: bool, metadata: bool
) -> None:
    properties, records = stream
    begin = schema(properties, ["key"] if keyed else [])
    kinds, rows = loaded([begin, *map(record, records)], add_record_metadata=metadata)
    with tempfile.TemporaryDirectory() as name:
        half = len(records) // 2
        manifest = []
        for number, part in enumerate((records[:half], records[half:])):
            file = Path(name) / f"{number}.jsonl"
            file.write_bytes(lines(part))
            manifest.append(file.as_uri())
        batch = {
            "type": "BATCH",
            "stream": "items",
            "encoding": {"format": "jsonl"},
            "manifest": manifest,
        }
        other_kinds, other_rows = loaded([begin, batch], add_record_metadata=metadata)
    width = len(properties)
    assert kinds == other_kinds
    assert [repr(row[:width]) for row in rows] == [repr(row[:width]) for row in other_rows]

    wanted = records
    if keyed:
        last = {one["key"]: index for index, one in enumerate(records)}
        wanted = [records[index] for index in sorted(last.values())]
    assert len(rows) == len(wanted)
    for row, source in zip(rows, wanted, strict=True):
        for value, name, kind in zip(row, properties, kinds, strict=False):
            assert found(value, kind) == expected(source.get(name), kind), (name, kind)
