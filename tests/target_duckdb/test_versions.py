"""ACTIVATE_VERSION: rows that are gone from the source go from the table, all at once."""

from __future__ import annotations

import logging
import time
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from singer_sdk import metrics

from tests.target_duckdb.helpers import activate, load, query, record, schema, state, types

if TYPE_CHECKING:
    from pathlib import Path

ID = {"id": {"type": "integer"}, "v": {"type": "string"}}


def full(version: int, *ids: int, ends: bool = True, text: str = "") -> list[Any]:
    """A full-table stream as a tap sends it; without its end where the tap died."""
    rows = [record({"id": n, "v": f"{text}{version}"}, version=version) for n in ids]
    return [*rows, activate(version)] if ends else rows


def alive(path: Path) -> list[tuple[Any, ...]]:
    return query(path, "SELECT id, v FROM items WHERE _sdc_deleted_at IS NULL ORDER BY id, v")


def test_soft_delete(tmp_path: Path) -> None:
    path = tmp_path / "test.duckdb"
    load(path, [schema(ID, ["id"]), *full(1, 1, 2, 3)])
    load(path, [schema(ID, ["id"]), *full(2, 2, 3, 4)])
    assert alive(path) == [(2, "2"), (3, "2"), (4, "2")]
    deleted = "SELECT id, v FROM items WHERE _sdc_deleted_at IS NOT NULL"
    assert query(path, deleted) == [(1, "1")]
    assert types(path)["_sdc_deleted_at"] == "TIMESTAMP WITH TIME ZONE"
    assert types(path)["_sdc_table_version"] == "BIGINT"


def test_time_of_deletion_stays_and_a_row_that_returns_is_alive(tmp_path: Path) -> None:
    path = tmp_path / "test.duckdb"
    load(path, [schema(ID, ["id"]), *full(1, 1, 2, 3)])
    load(path, [schema(ID, ["id"]), *full(2, 3)])
    first = query(path, "SELECT _sdc_deleted_at::VARCHAR FROM items WHERE id = 1")
    load(path, [schema(ID, ["id"]), *full(3, 2, 3)])
    assert query(path, "SELECT _sdc_deleted_at::VARCHAR FROM items WHERE id = 1") == first
    assert alive(path) == [(2, "3"), (3, "3")]


@pytest.mark.parametrize("keys", [[], ["id"]])
def test_hard_delete(tmp_path: Path, keys: list[str]) -> None:
    path = tmp_path / "test.duckdb"
    for version, ids in [(1, (1, 2, 3)), (2, (2, 3, 4))]:
        load(path, [schema(ID, keys), *full(version, *ids)], hard_delete=True)
    assert query(path, "SELECT id, v FROM items ORDER BY id") == [(2, "2"), (3, "2"), (4, "2")]
    assert list(types(path)) == ["id", "v", "_sdc_table_version"]


def test_rows_loaded_before_versions_began_are_older(tmp_path: Path) -> None:
    path = tmp_path / "test.duckdb"
    load(path, [schema(ID, ["id"]), record({"id": 1, "v": "old"})])
    load(path, [schema(ID, ["id"]), *full(1, 2)])
    assert alive(path) == [(2, "1")]


def test_an_interrupted_stream_deletes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "test.duckdb"
    load(path, [schema(ID, ["id"]), *full(1, 1, 2, 3)])
    load(path, [schema(ID, ["id"]), *full(2, 1, 4, ends=False)])
    assert alive(path) == [(1, "2"), (2, "1"), (3, "1"), (4, "2")]
    # The tap goes on where it stopped, with the version it had.
    load(path, [schema(ID, ["id"]), *full(2, 3)])
    assert alive(path) == [(1, "2"), (3, "2"), (4, "2")]


def test_an_interrupted_stream_without_keys(tmp_path: Path) -> None:
    path = tmp_path / "test.duckdb"
    load(path, [schema(ID), *full(1, 1, 2)])
    load(path, [schema(ID), *full(2, 1, ends=False)])
    load(path, [schema(ID), *full(3, 1, 2, 3)])
    assert alive(path) == [(1, "3"), (2, "3"), (3, "3")]


def test_a_table_is_not_shown_half_read(tmp_path: Path) -> None:
    path = tmp_path / "test.duckdb"
    load(path, [schema(ID, ["id"]), *full(1, 1, 2)])
    messages: list[Any] = [schema(ID, ["id"])]
    for n in range(5):
        messages += [record({"id": n, "v": "2"}, version=2), state(n)]
    # States wait until the version is activated, whatever the size of a batch.
    assert load(path, [*messages, activate(2), state(5)], batch_size_rows=1) == [5]


@pytest.mark.parametrize("hard_delete", [False, True])
def test_activation_before_the_records(tmp_path: Path, *, hard_delete: bool) -> None:
    path = tmp_path / "test.duckdb"
    load(path, [schema(ID, ["id"]), *full(1, 1, 2)], hard_delete=hard_delete)
    messages = [schema(ID, ["id"]), activate(2), state(0), *full(2, 2), state(1)]
    states = load(path, messages, hard_delete=hard_delete, batch_size_rows=1)
    assert states == [1]
    condition = "true" if hard_delete else "_sdc_deleted_at IS NULL"
    assert query(path, f"SELECT id, v FROM items WHERE {condition}") == [(2, "2")]


def test_a_table_that_became_empty(tmp_path: Path) -> None:
    path = tmp_path / "test.duckdb"
    load(path, [schema(ID, ["id"]), *full(1, 1, 2)])
    load(path, [schema(ID, ["id"]), activate(2), state(1)])
    assert alive(path) == []
    assert query(path, "SELECT count(*) FROM items") == [(2,)]


def test_an_older_version_deletes_nothing_newer(tmp_path: Path) -> None:
    path = tmp_path / "test.duckdb"
    load(path, [schema(ID, ["id"]), *full(5, 1)])
    load(path, [schema(ID, ["id"]), activate(3)])
    assert alive(path) == [(1, "5")]


def test_activation_can_be_switched_off(tmp_path: Path) -> None:
    path = tmp_path / "test.duckdb"
    for version, ids in [(1, (1, 2)), (2, (2,))]:
        messages = [schema(ID, ["id"]), *full(version, *ids)]
        load(path, messages, process_activate_version_messages=False)
    assert query(path, "SELECT id, v FROM items ORDER BY id") == [(1, "1"), (2, "2")]


def test_a_quarantined_record_deletes_no_row_even_if_the_schema_changes_after_it(
    tmp_path: Path,
) -> None:
    path = tmp_path / "test.duckdb"
    load(path, [schema(ID, ["id"]), *full(1, 1, 2)])
    messages = [
        schema(ID, ["id"]),
        record({"id": 1, "v": 5}, version=2),
        schema({**ID, "w": {"type": "string"}}, ["id"]),
        *full(2, 2),
    ]
    load(path, messages, on_invalid_record="quarantine")
    assert alive(path) == [(1, "1"), (2, "2")]


def test_rows_the_tap_marks_as_deleted(tmp_path: Path) -> None:
    path = tmp_path / "test.duckdb"
    marked = {**ID, "_sdc_deleted_at": {"type": ["string", "null"], "format": "date-time"}}
    messages = [
        schema(marked, ["id"]),
        record({"id": 1, "v": "a"}),
        record({"id": 2, "v": "b", "_sdc_deleted_at": "2024-01-01T00:00:00Z"}),
    ]
    load(path, messages)
    assert alive(path) == [(1, "a")]
    assert query(path, "SELECT count(*) FROM items") == [(2,)]
    load(path, messages, hard_delete=True)
    assert query(path, "SELECT id FROM items") == [(1,)]


MARK = {"type": ["string", "null"]}


@pytest.mark.parametrize(
    ("declared", "nothing", "gone"),
    [
        ({}, "", "2024-01-01"),
        ({"_sdc_deleted_at": MARK}, "", "2024-01-01"),
        ({"_sdc_deleted_at": {**MARK, "format": "date-time"}}, "", "2024-01-01"),
        ({"_sdc_deleted_at": {"type": ["boolean", "null"]}}, False, True),
        ({"_sdc_deleted_at": {"type": ["boolean", "string", "null"]}}, False, "2024-01-01"),
        ({"_sdc_deleted_at": {"type": ["integer", "null"]}}, 0, 1704067200),
        ({"_sdc_deleted_at": {}}, "", "2024-01-01"),
    ],
)
def test_an_empty_text_marks_nothing_as_deleted(
    tmp_path: Path, declared: dict[str, Any], nothing: object, gone: object
) -> None:
    path = tmp_path / "test.duckdb"
    messages = [
        schema({**ID, **declared}, ["id"]),
        record({"id": 1, "_sdc_deleted_at": nothing}),
        record({"id": 2, "_sdc_deleted_at": None}),
        record({"id": 3, "_sdc_deleted_at": gone}),
    ]
    load(path, messages, hard_delete=True)
    assert query(path, "SELECT id FROM items ORDER BY id") == [(1,), (2,)]


def test_changes_of_the_version_in_the_table_are_committed_on_the_way(tmp_path: Path) -> None:
    path = tmp_path / "test.duckdb"
    load(path, [schema(ID, ["id"]), *full(2, 1, 2)])
    messages: list[Any] = [schema(ID, ["id"])]
    for n in range(3):
        messages += [record({"id": n, "v": "changed"}, version=2), state(n)]
    assert load(path, messages, batch_size_rows=1) == [0, 1, 2]
    # The next whole table is held back again, and with it what follows of other streams.
    messages = [schema(ID, ["id"]), *full(3, 1, ends=False), state(0), activate(3), state(1)]
    messages += [record({"id": 1, "v": "later"}, version=3), state(2)]
    assert load(path, messages, batch_size_rows=1) == [1, 2]
    assert alive(path) == [(1, "later")]


def test_a_version_is_held_back_while_the_table_cannot_be_asked(tmp_path: Path) -> None:
    path = tmp_path / "test.duckdb"
    load(path, [schema(ID, ["id"]), record({"id": 1, "v": "no version"})])
    messages = [schema(ID, ["id"]), *full(1, 1, ends=False), state(0)]
    for n in (2, 3):
        messages += [*full(1, n, ends=False), state(n)]
    # Rows without a version are older than any.
    assert load(path, messages, batch_size_rows=1) == [3]
    assert load(tmp_path / "new.duckdb", messages, batch_size_rows=1) == [3]


def milliseconds(hours: int = 0) -> int:
    """The version of a read that begins so many hours from now."""
    return time.time_ns() // 1_000_000 + hours * 3_600_000


@pytest.mark.parametrize("keys", [[], ["id"]])
@pytest.mark.parametrize("hard_delete", [False, True])
def test_a_version_of_a_clock_that_was_ahead(
    tmp_path: Path, keys: list[str], *, hard_delete: bool
) -> None:
    path = tmp_path / "test.duckdb"
    ahead, now = milliseconds(hours=24 * 365), milliseconds()
    for version, ids in [(ahead, (1, 2, 3)), (now, (2, 3, 4)), (now + 1, (3, 4))]:
        load(path, [schema(ID, keys), *full(version, *ids)], hard_delete=hard_delete)
    alive_now = "true" if hard_delete else "_sdc_deleted_at IS NULL"
    rows = query(path, f"SELECT id, v FROM items WHERE {alive_now} ORDER BY id")
    assert rows == [(3, str(now + 1)), (4, str(now + 1))]


def test_versions_that_are_all_still_to_come_keep_their_order(tmp_path: Path) -> None:
    path = tmp_path / "test.duckdb"
    soon, later = milliseconds(hours=1), milliseconds(hours=2)
    load(path, [schema(ID, ["id"]), *full(later, 1, 2)])
    load(path, [schema(ID, ["id"]), activate(soon)])
    assert alive(path) == [(1, str(later)), (2, str(later))]
    load(path, [schema(ID, ["id"]), *full(later + 1, 2)])
    assert alive(path) == [(2, str(later + 1))]


def test_a_table_of_a_clock_that_was_ahead_is_not_shown_half_read(tmp_path: Path) -> None:
    path = tmp_path / "test.duckdb"
    ahead, now = milliseconds(hours=24), milliseconds()
    load(path, [schema(ID, ["id"]), *full(ahead, 1, 2)])
    messages: list[Any] = [schema(ID, ["id"])]
    for n in range(3):
        messages += [record({"id": n, "v": "2"}, version=now), state(n)]
    assert load(path, [*messages, activate(now), state(3)], batch_size_rows=1) == [3]
    # Changes to a table whose version is still to come are no new table.
    load(path, [schema(ID, ["id"]), *full(ahead, 1, 2)])
    changes = [record({"id": 1, "v": "changed"}, version=ahead), state(1)]
    changes += [record({"id": 2, "v": "changed"}, version=ahead), state(2)]
    assert load(path, [schema(ID, ["id"]), *changes], batch_size_rows=1) == [1, 2]


def test_changes_since_a_read_that_is_in_another_file_are_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The tap goes on from its state, but the file was deleted, or is another one."""
    now = round(time.time() * 1000)
    yesterday = now - 24 * 3_600_000
    changes = [schema(ID, ["id"]), record({"id": 1, "v": "new"}, version=yesterday)]
    path, other = tmp_path / "test.duckdb", tmp_path / "other.duckdb"
    warning = "Stream 'items' goes on from an earlier read, of which its table has no row"

    def is_told(file: Path, messages: list[Any]) -> bool:
        caplog.clear()
        load(file, messages)
        return warning in caplog.text

    # A whole read, as it ends and where it broke off; then what changed since.
    assert not is_told(path, [schema(ID, ["id"]), *full(yesterday, 1, 2, 3)])
    assert not is_told(path, changes)
    assert not is_told(other, [schema(ID, ["id"]), *full(now, 1, 2, ends=False)])
    assert not is_told(other, changes)
    other.unlink()
    assert is_told(other, changes)
    assert query(other, "SELECT id, v FROM items") == [(1, "new")]
    # An older copy: the whole read is not in it.
    older = tmp_path / "older.duckdb"
    load(older, [schema(ID, ["id"]), *full(yesterday - 1, 1, 2, 3)])
    assert is_told(older, changes)
    # Numbers of another kind, and no versions at all.
    for name, rows in (("a", full(7, 1, ends=False)), ("b", [record({"id": 1})])):
        assert not is_told(tmp_path / f"{name}.duckdb", [schema(ID, ["id"]), *rows])


@pytest.mark.parametrize("hard_delete", [False, True])
@pytest.mark.parametrize("order", ["before", "after"])
def test_records_without_versions_are_those_of_the_version_activated(
    tmp_path: Path, order: str, *, hard_delete: bool
) -> None:
    path = tmp_path / "test.duckdb"
    wider = schema({**ID, "w": {"type": "integer"}}, ["id"])
    for version, ids in [(1, (1, 2)), (2, (2, 3))]:
        rows = [record({"id": n, "v": str(version)}) for n in ids]
        messages = [schema(ID, ["id"]), rows[0], wider, rows[1]]
        at = len(messages) if order == "after" else 1
        messages.insert(at, activate(version))
        load(path, messages, hard_delete=hard_delete)
    condition = "true" if hard_delete else "_sdc_deleted_at IS NULL"
    found = query(path, f"SELECT id, v, _sdc_table_version FROM items WHERE {condition} ORDER BY 1")
    assert found == [(2, "2", 2), (3, "2", 2)]


def test_records_that_were_committed_without_a_version_stay(tmp_path: Path) -> None:
    path = tmp_path / "test.duckdb"
    load(path, [schema(ID, ["id"]), *full(1, 1)], hard_delete=True)
    messages = [schema(ID, ["id"]), record({"id": 2}), state(0), record({"id": 3}), activate(2)]
    load(path, messages, hard_delete=True, batch_size_rows=1)
    assert query(path, "SELECT id FROM items ORDER BY id") == [(2,), (3,)]


@pytest.mark.parametrize("options", [{}, {"hard_delete": True}, {"batch_size_rows": 1}])
@pytest.mark.parametrize("others", [{}, {"version": 4}], ids=["no version", "an older one"])
@pytest.mark.parametrize("keys", [[], ["id"]])
def test_what_comes_after_an_activation_stays(
    tmp_path: Path, keys: list[str], others: dict[str, Any], options: dict[str, Any]
) -> None:
    path = tmp_path / "test.duckdb"
    load(path, [schema(ID, keys), *full(3, 1, 2)], **options)
    wider = schema({**ID, "w": {"type": "integer"}}, keys)
    after = [
        record({"id": 3, "v": "after"}, **others),
        state(0),
        wider,
        record({"id": 4, "v": "wider", "w": 1}, **others),
    ]
    load(path, [schema(ID, keys), *full(5, 2), *after], **options)
    condition = "true" if "hard_delete" in options else "_sdc_deleted_at IS NULL"
    found = query(path, f"SELECT id, v, _sdc_table_version FROM items WHERE {condition} ORDER BY 1")
    assert found == [(2, "5", 5), (3, "after", 5), (4, "wider", 5)]
    load(path, [wider, *full(6, 4)], **options)
    assert query(path, f"SELECT id, v FROM items WHERE {condition}") == [(4, "6")]


def test_of_two_activations_the_newer_counts(tmp_path: Path) -> None:
    path = tmp_path / "test.duckdb"
    load(path, [schema(ID, ["id"]), *full(1, 1, 2)])
    load(path, [schema(ID, ["id"]), *full(2, 2), activate(1)])
    assert alive(path) == [(2, "2")]


def test_a_commit_follows_a_version_whose_schema_changed(tmp_path: Path) -> None:
    path = tmp_path / "test.duckdb"
    wider = schema({**ID, "w": {"type": "integer"}}, ["id"])
    messages = [schema(ID, ["id"]), record({"id": 1, "v": "1"}, version=1), wider]
    messages += [*full(1, 2), state(1), record({"id": 3, "v": "1"}, version=1), state(2)]
    assert load(path, messages, batch_size_rows=1) == [1, 2]
    assert alive(path) == [(1, "1"), (2, "1"), (3, "1")]


@pytest.mark.parametrize("hard_delete", [False, True])
@pytest.mark.parametrize("metadata", [False, True])
def test_properties_called_like_metadata_but_for_their_case(
    tmp_path: Path, *, hard_delete: bool, metadata: bool
) -> None:
    path = tmp_path / "test.duckdb"
    moment = {"type": ["string", "null"], "format": "date-time"}
    own = {"_SDC_DELETED_AT": moment, "_SDC_TABLE_VERSION": ID["id"], "_Sdc_Sequence": ID["id"]}
    values = {"_SDC_DELETED_AT": None, "_SDC_TABLE_VERSION": 0, "_Sdc_Sequence": 7}
    for version, ids in [(1, (1, 2)), (2, (2,))]:
        rows = [record({"id": n, **values}, version=version) for n in ids]
        messages = [schema({**ID, **own}, ["id"]), *rows, state(0), activate(version)]
        load(path, messages, hard_delete=hard_delete, add_record_metadata=metadata)
    names = ", ".join(f'"{name}"' for name in own)
    found = query(path, f"SELECT id, {names} FROM items ORDER BY id")
    assert found == [(n, None, 0, 7) for n in ([2] if hard_delete else [1, 2])]
    if not hard_delete:
        marked = next(name for name in types(path) if name.startswith("_sdc_deleted_at"))
        assert query(path, f"SELECT id FROM items WHERE {marked} IS NOT NULL") == [(1,)]


def changes(log: pytest.LogCaptureFixture) -> dict[str, int]:
    """Return what the loader said since the last time of the rows that it changed, by metric."""
    told = [entry.args for entry in log.records]
    log.clear()
    found: Counter[str] = Counter()
    for point in (each[0] for each in told if isinstance(each, tuple) and each):
        if isinstance(point, metrics.Point) and point.tags["stream"] == "items":
            found[point.metric.value] += point.value
    return {name: count for name, count in found.items() if name.startswith("rows_")}


@pytest.mark.parametrize("hard_delete", [False, True])
def test_what_has_changed_is_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, *, hard_delete: bool
) -> None:
    caplog.set_level(logging.INFO)
    path = tmp_path / "test.duckdb"
    first = full(1, 1, 2, 3, ends=False)
    load(path, [schema(ID, ["id"]), *first, first[0], activate(1)], hard_delete=hard_delete)
    assert changes(caplog) == {"rows_inserted": 3}
    # One is new, two are there again, one is gone; then nothing is.
    load(path, [schema(ID, ["id"]), *full(2, 2, 3, 4)], hard_delete=hard_delete)
    assert changes(caplog) == {"rows_inserted": 1, "rows_updated": 2, "rows_deleted": 1}
    load(path, [schema(ID, ["id"])], hard_delete=hard_delete)
    assert changes(caplog) == {}
    # A row without a key replaces none; what overwrites a table deletes what was in it.
    load(path, [schema(ID, []), record({"id": 4, "v": "x"})], hard_delete=hard_delete)
    assert changes(caplog) == {"rows_inserted": 1}
    there = query(path, "SELECT count(*) FROM items")[0][0]
    load(path, [schema(ID, ["id"]), record({"id": 4, "v": "y"})], load_method="overwrite")
    assert changes(caplog) == {"rows_inserted": 1, "rows_deleted": there}


def test_rows_that_share_a_key_are_replaced_by_one(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    path = tmp_path / "test.duckdb"
    twice = [record({"id": 1, "v": "a"}), record({"id": 1, "v": "b"})]
    load(path, [schema(ID, ["id"]), *twice], load_method="append-only")
    assert changes(caplog) == {"rows_inserted": 2}
    load(path, [schema(ID, ["id"]), record({"id": 1, "v": "c"})])
    assert changes(caplog) == {"rows_updated": 1, "rows_deleted": 1}
    assert query(path, "SELECT id, v FROM items") == [(1, "c")]
