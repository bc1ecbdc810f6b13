"""Any account goes through tap and loader, and comes back equal."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import duckdb
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from sandbox.server import Fault, running
from target_duckdb.names import assign, quote
from tests import servers
from tests.programs import kananas_settings, run_tap
from tests.target_duckdb.helpers import load

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandbox.server import Sandbox

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
DATES = st.dates().map(dt.date.isoformat)
ZONES = st.integers(-14 * 60, 14 * 60).map(
    lambda minutes: dt.timezone(dt.timedelta(0, minutes * 60))
)
MOMENTS = st.datetimes(timezones=ZONES).map(dt.datetime.isoformat)
SCALARS = st.none() | st.booleans() | st.integers(-(2**70), 2**70) | NUMBERS | TEXTS
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)
# InferredSchema of one kind, with the blanks a PHP service mixes in, and columns of anything.
COLUMNS = st.sampled_from(
    [
        st.integers(-(2**63), 2**63 - 1),
        st.integers(-9, 9) | NUMBERS,
        st.integers(2**53, 2**54) | NUMBERS,
        st.booleans(),
        TEXTS,
        st.integers(0, 99).map(lambda number: f"{number:03}"),
        DATES | st.just(""),
        DATES | st.just("0000-00-00"),
        MOMENTS | st.just(""),
        DATES | MOMENTS,
        st.dictionaries(TEXTS, VALUES, max_size=3) | st.just([]),
        VALUES,
    ]
)


@st.composite
def accounts(draw: st.DrawFn) -> list[dict[str, Any]]:
    names = draw(st.lists(TEXTS.filter(lambda name: name != "id"), max_size=4, unique=True))
    kinds = {name: draw(COLUMNS) for name in names}
    ids = draw(st.lists(st.integers(0, 2**40), max_size=6, unique=True))
    records = []
    for number in ids:
        record: dict[str, Any] = {"id": number}
        for name, kind in kinds.items():
            if draw(st.booleans()):
                record[name] = draw(kind | st.none())
        records.append(record)
    return records


def enveloped(records: list[dict[str, Any]], envelope: str) -> Any:
    if envelope == "array" or not records:
        return records
    if envelope == "object":
        return {"count": len(records), "data": {"contacts": records}}
    return {str(record["id"]): record for record in records}


def same(value: Any, loaded: Any, type_name: str) -> bool:
    """Tell whether what was loaded is what was served, by the meaning of the column's type."""
    if value is None or loaded is None:
        blank = type_name in {"DATE", "TIMESTAMP WITH TIME ZONE"} and value in {"", "0000-00-00"}
        return loaded is None and (value is None or blank)
    if type_name == "JSON":
        return bool(json.loads(loaded) == value)
    if type_name == "VARCHAR":
        return bool(loaded == value if isinstance(value, str) else json.loads(loaded) == value)
    if type_name == "DATE":
        return bool(loaded == dt.date.fromisoformat(value))
    if type_name == "TIMESTAMP WITH TIME ZONE":
        served = dt.datetime.fromisoformat(value).astimezone(dt.timezone.utc)
        return bool(loaded == served.replace(tzinfo=None))
    return bool(loaded == value) and isinstance(value, bool) is (type_name == "BOOLEAN")


def check(path: Path, records: list[dict[str, Any]], properties: dict[str, Any]) -> None:
    columns = assign(list(properties))
    with duckdb.connect(str(path), read_only=True) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        described = connection.execute("DESCRIBE contacts").fetchall()
        type_names = {name: type_name for name, type_name, *_ in described}
        # A timestamp with a zone would need another package to come to Python.
        chosen = ", ".join(
            f"{quote(name)}::TIMESTAMP" if "ZONE" in type_names[name] else quote(name)
            for name in columns.values()
        )
        rows = connection.execute(f"SELECT {chosen} FROM contacts").fetchall()
    loaded = {row[list(columns).index("id")]: dict(zip(columns, row, strict=True)) for row in rows}
    assert loaded.keys() == {record["id"] for record in records}
    assert len(rows) == len(records)
    for record in records:
        for name, column in columns.items():
            found = loaded[record["id"]][name]
            assert same(record.get(name), found, type_names[column]), (
                name,
                record.get(name),
                found,
            )


@pytest.fixture(scope="module")
def disturbed() -> Iterator[Sandbox]:
    with running(servers.SMALL) as server:
        yield server


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(records=accounts(), envelope=st.sampled_from(["array", "object", "keyed"]))
@example(records=[{"id": 1, "ID": 2, "": "x", "sélect": [{"a": None}]}], envelope="keyed")
@example(records=[{"id": 1, "t": "0001-01-01T00:00:00+14:00", "u": "\u2028\x85"}], envelope="array")
@example(records=[{"id": 1, "x": 2**60 + 1}, {"id": 2, "x": 0.5}], envelope="object")
@example(records=[{"id": 1, "x": 10**400, "y": [-(10**400)]}], envelope="array")
def test_any_account_comes_back_equal(
    disturbed: Sandbox, records: list[dict[str, Any]], envelope: str
) -> None:
    body = json.dumps(enveloped(records, envelope), ensure_ascii=False).encode()
    disturbed.faults.clear()
    disturbed.faults.add(Fault(status=200, body=body, content_type="application/json", times=None))
    with TemporaryDirectory() as folder:
        outcome = run_tap("tap_kananas", kananas_settings(disturbed), Path(folder))
        assert outcome.code == 0, outcome.err
        path = Path(folder) / "warehouse.duckdb"
        messages = outcome.out.rstrip("\n").split("\n")
        load(path, messages, default_target_schema="main", add_record_metadata=False)
        check(path, records, json.loads(messages[0])["schema"]["properties"])
