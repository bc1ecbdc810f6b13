"""The sequence of records behaves like a list."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sandbox.records import Record, Records

if TYPE_CHECKING:
    from collections.abc import Callable

    Change = Callable[[Any], object]

_SIZE = 2500


def _make(index: int) -> Record:
    return {"id": index, "text": "é" * (index % 7)}


def _served(records: Records, start: int, end: int, **options: Any) -> list[Record]:
    body = b"[" + records.encoded(start, end, **options) + b"]"
    return msgspec.json.decode(body, type=list[Record])


_positions = st.integers(0, _SIZE - 50)
_changes = st.lists(
    st.one_of(
        _positions.map(lambda at: ("delete", at)),
        _positions.map(lambda at: ("insert", at)),
        _positions.map(lambda at: ("replace", at)),
        _positions.map(lambda at: ("touch", at)),
        st.just(("append", 0)),
    ),
    max_size=12,
)


def _apply(target: Any, changes: list[tuple[str, int]]) -> None:
    for number, (kind, at) in enumerate(changes):
        if kind == "delete":
            del target[at]
        elif kind == "insert":
            target.insert(at, {"inserted": number})
        elif kind == "replace":
            target[at] = {"replaced": number}
        elif kind == "touch":
            target[at]["touched"] = number
        else:
            target.append({"appended": number})


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(_changes, st.integers(0, _SIZE), st.integers(0, 1200))
def test_like_a_list_whatever_is_done_to_it(
    changes: list[tuple[str, int]], start: int, size: int
) -> None:
    plain = [_make(index) for index in range(_SIZE)]
    records = Records(_SIZE, _make)
    _apply(records, changes)
    _apply(plain, changes)
    assert len(records) == len(plain)
    assert _served(records, start, start + size) == plain[start : start + size]
    backwards = plain[::-1][start : start + size]
    assert _served(records, start, start + size, descending=True) == backwards
    assert [msgspec.json.decode(line) for line in records.lines()] == plain


def test_records_are_made_when_they_are_needed() -> None:
    made: list[int] = []

    def make(index: int) -> Record:
        made.append(index)
        return _make(index)

    records = Records(5000, make)
    assert made == []
    assert _served(records, 2100, 2102) == [_make(2100), _make(2101)]
    assert made == [2100, 2101]
    records.warm()
    assert sorted(made) == list(range(5000))
    records[3]["x"] = 1
    assert _served(records, 3, 4) == [{**_make(3), "x": 1}]
    assert len(made) == 5000


def test_a_snapshot_outlives_changes() -> None:
    records = Records(10, _make)
    before = records.snapshot()
    del records[2:9]
    records[0:1] = [{"a": 1}, {"b": 2}]
    assert _served(records, 0, 99, of=before) == [_make(index) for index in range(10)]
    assert records[:2] == [{"a": 1}, {"b": 2}]
    assert len(records) == 4
    with pytest.raises(IndexError):
        records[4]


def test_timestamps_are_those_of_the_records_as_they_are() -> None:
    records = Records(5, _make, lambda record: cast("int", record["id"]))
    records[1]["id"] = 7
    records.append({"id": 3})
    assert list(records.between(2, 5)) == [2, 3, 4, 5]
    assert list(records.by_timestamp(records.snapshot())) == [0, 2, 3, 5, 4, 1]
