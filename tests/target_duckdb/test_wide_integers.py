"""Integers of more than 64 bits in properties whose schema promises none."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from target_duckdb.message_errors import RecordError
from tests.target_duckdb.helpers import activate, load, query, record, schema, state

if TYPE_CHECKING:
    from pathlib import Path

WIDE = 2**63
PROPERTIES = {"id": {"type": "integer"}, "n": {"type": ["null", "integer"]}, "t": {}}
SCHEMA = schema(PROPERTIES, ["id"])
INTEGERS = st.sampled_from([0, 1, 2, WIDE - 1, WIDE, -WIDE, -WIDE - 1, 2**127 - 1, -(2**127)])


def rows(path: Path) -> dict[int, int | None]:
    return dict(query(path, "SELECT id, n FROM items"))


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.lists(st.tuples(INTEGERS, st.none() | INTEGERS), min_size=1, max_size=12),
    st.integers(0, 12),
    st.sampled_from(["as they are", "mapped", "schema again"]),
)
def test_of_each_key_the_last_record_stays(
    tmp_path_factory: pytest.TempPathFactory,
    sent: list[tuple[int, int | None]],
    commit_after: int,
    way: str,
) -> None:
    path = tmp_path_factory.mktemp("wide") / "test.duckdb"
    messages: list[Any] = [record({"id": key, "n": value}) for key, value in sent]
    messages.insert(commit_after, state({"read": commit_after}))
    if way == "schema again":
        messages = [each for message in messages for each in (SCHEMA, message)]
    maps = {"stream_maps": {"items": {"t": "'mapped'"}}} if way == "mapped" else {}
    load(path, [SCHEMA, *messages], batch_size_rows=1, **maps)
    assert rows(path) == dict(sent)


@pytest.mark.parametrize("method", ["upsert", "overwrite", "append-only"])
def test_the_next_run_holds_them_too(tmp_path: Path, method: str) -> None:
    path = tmp_path / "test.duckdb"
    for value in (WIDE, 1, -WIDE - 1):
        load(path, [SCHEMA, record({"id": 7, "n": value}), state({})], load_method=method)
    expected = {"append-only": [(WIDE,), (1,), (-WIDE - 1,)]}.get(method, [(-WIDE - 1,)])
    assert query(path, "SELECT n FROM items") == expected


def test_a_version_ends_as_without_them(tmp_path: Path) -> None:
    path = tmp_path / "test.duckdb"
    old = [SCHEMA, record({"id": 1, "n": 1}, version=1), record({"id": 2}, version=1), activate(1)]
    load(path, old, hard_delete=True)
    new = [SCHEMA, record({"id": 1, "n": 5}, version=2), record({"id": 3, "n": WIDE}, version=2)]
    load(path, [*new, record({"id": 4, "n": 0}, version=2), activate(2)], hard_delete=True)
    assert rows(path) == {1: 5, 3: WIDE, 4: 0}


def test_batch_files_and_bad_records_around_them(tmp_path: Path) -> None:
    path, file = tmp_path / "test.duckdb", tmp_path / "batch.jsonl"
    sent: list[dict[str, Any]] = [
        {"id": 1, "n": 1}, {"id": 2, "n": "bad"}, {"id": 3, "n": WIDE}, {"id": "bad"},
        {"id": WIDE, "n": 2**127}, {"id": WIDE, "n": 3},
    ]  # fmt: skip
    file.write_text("\n\n".join(map(json.dumps, sent)))
    batch = {
        "type": "BATCH", "stream": "items", "encoding": {"format": "jsonl"},
        "manifest": [file.as_uri()],
    }  # fmt: skip
    load(path, [SCHEMA, batch], on_invalid_record="quarantine")
    assert rows(path) == {1: 1, 3: WIDE, WIDE: 3}
    assert [json.loads(bad) for (bad,) in query(path, "SELECT record FROM _quarantine")] == [
        sent[1], sent[3], sent[4],
    ]  # fmt: skip


def test_the_line_of_a_bad_record_behind_them_is_told(tmp_path: Path) -> None:
    messages = [
        SCHEMA,
        record({"id": 1, "n": WIDE}),
        record({"id": 2}),
        record({"id": 3, "n": "x"}),
    ]
    with pytest.raises(RecordError, match=r"line 4: property \['n'\]"):
        load(tmp_path / "test.duckdb", messages)


def test_what_no_integer_of_duckdb_holds_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match="does not fit into 128 bits"):
        load(tmp_path / "test.duckdb", [SCHEMA, record({"id": 1, "n": 2**127})])
