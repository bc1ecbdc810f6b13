"""The user's stream maps, as the loader runs them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from target_duckdb.message_errors import MessageError
from tests.target_duckdb.helpers import activate, command, load, query, record, schema, state, types

if TYPE_CHECKING:
    from pathlib import Path

ID = {"id": {"type": "integer"}, "v": {"type": ["string", "null"]}}
MESSAGES: list[Any] = [schema(ID, ["id"]), record({"id": 1, "v": "a"}), state({"a": 1})]


def test_stream_maps(tmp_path: Path) -> None:
    path = tmp_path / "test.duckdb"
    properties = {**ID, "price": {"type": "number", "multipleOf": 0.01}}
    maps = {
        "items": {
            "__alias__": "things",
            "hash": "sha256(v)",
            "v": None,
            "seen": "datetime.date.fromisoformat('2024-05-06')",
        },
        "copies": {"__source__": "items", "__filter__": "id > 1"},
        "secrets": None,
    }
    messages = [
        schema(properties, ["id"]),
        schema(ID, ["id"], stream="secrets"),
        *(record({"id": n, "v": "x", "price": 1.1}) for n in (1, 2)),
        record({"id": 1}, stream="secrets"),
    ]
    load(path, messages, stream_maps=maps)
    digest = "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"
    assert query(path, "SELECT id, hash, seen::VARCHAR, price::VARCHAR FROM things") == [
        (1, digest, "2024-05-06", "1.10"),
        (2, digest, "2024-05-06", "1.10"),
    ]
    assert query(path, "SELECT id FROM copies") == [(2,)]
    names = query(path, "SELECT table_name FROM information_schema.tables ORDER BY 1")
    assert names == [("copies",), ("things",)]


@pytest.mark.parametrize(
    ("own", "named"),
    [
        ({"z": "id +"}, "Failed to parse expression id +"),
        ({"__filter__": "id >"}, "Failed to parse expression id >"),
        ({"__key_properties__": ["gone"]}, "Property 'gone' was not detected"),
        ({"id": None}, "Removing key property 'id'"),
    ],
)
def test_a_stream_map_that_is_none_is_a_wrong_setting(
    tmp_path: Path, own: dict[str, Any], named: str
) -> None:
    done = command(tmp_path / "test.duckdb", MESSAGES, stream_maps={"items": own})
    assert done.returncode == 2
    assert named in done.stderr.splitlines()[-1]
    assert "config['stream_maps']" in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("expression", "named"),
    [
        ("int(v)", "ValueError"),
        ("1 / 0", "ZeroDivisionError"),
        ("gone + 1", "Failed to evaluate simpleeval expressions gone + 1"),
    ],
)
def test_a_stream_map_that_fails_for_a_record_shows_no_value(
    tmp_path: Path, expression: str, named: str
) -> None:
    path = tmp_path / "test.duckdb"
    secret = {"id": 1, "v": "jane.doe@example.org"}
    messages = [schema(ID, ["id"]), record(secret)]
    done = command(path, messages, stream_maps={"items": {"z": expression}})
    assert done.returncode == 1
    assert f"stream 'items', line 2: its stream map fails: {named}" in done.stderr.splitlines()[-1]
    assert "jane.doe" not in done.stderr
    assert "Traceback" not in done.stderr
    config = {"stream_maps": {"items": {"z": expression}}, "on_invalid_record": "quarantine"}
    load(path, messages, **config)
    assert query(path, "SELECT stream, record FROM _quarantine") == [("items", json.dumps(secret))]


def test_a_stream_map_over_a_schema_that_is_none_is_one_line(tmp_path: Path) -> None:
    messages = [schema({**ID, "v": 5}, ["id"])]
    done = command(tmp_path / "test.duckdb", messages, stream_maps={"items": {"w": "v"}})
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    words = "stream 'items': setting 'stream_maps' does not fit its schema"
    assert words in done.stderr.splitlines()[-1]


def test_a_stream_takes_the_place_of_the_quarantine_by_no_name(tmp_path: Path) -> None:
    path = tmp_path / "test.duckdb"
    with pytest.raises(MessageError, match=r"'_quarantine' is kept .* stream 'items' another"):
        load(path, MESSAGES, stream_maps={"items": {"__alias__": "_Quarantine"}})
    assert not path.exists()
    messages = [schema(ID, ["id"], "_quarantine"), record({"id": 1}, "_quarantine")]
    load(path, messages, stream_maps={"_quarantine": {"__alias__": "theirs"}})
    assert query(path, "SELECT id FROM theirs") == [(1,)]


@pytest.mark.parametrize("rows", [1, 500_000])
def test_streams_that_share_a_table_lose_no_record(tmp_path: Path, rows: int) -> None:
    path = tmp_path / "test.duckdb"
    maps = {name: {"__alias__": "orders"} for name in ("eu", "us")}
    other = {"id": ID["id"], "w": ID["v"]}
    messages = [schema(ID, ["id"], stream="eu"), schema(other, ["id"], stream="us")]
    for number in range(60):
        stream, text = ("eu", "v") if number % 2 else ("us", "w")
        messages += [record({"id": number, text: str(number)}, stream), state(number)]
        if number < 3:  # of one key the last record counts, whichever stream brings it
            messages += [record({"id": -1, text: str(number)}, stream)]
    load(path, messages, stream_maps=maps, batch_size_rows=rows)
    expected = [(n, str(n), None) if n % 2 else (n, None, str(n)) for n in range(60)]
    rows_loaded = query(path, "SELECT id, v, w FROM orders ORDER BY id")
    assert rows_loaded == [(-1, None, "2"), *expected]


def whole(stream: str, version: int, *ids: int) -> list[Any]:
    """A stream that is read whole, from its schema on."""
    rows = [record({"id": each}, stream, version=version) for each in ids]
    return [schema(ID, ["id"], stream), *rows, activate(version, stream), state(version)]


@pytest.mark.parametrize("is_told", [True, False])
@pytest.mark.parametrize("hard_delete", [True, False])
def test_streams_that_share_a_table_delete_no_row_of_each_other(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, *, hard_delete: bool, is_told: bool
) -> None:
    path = tmp_path / "test.duckdb"
    maps: dict[str, Any] = {name: {"__alias__": "orders"} for name in ("eu", "us")}
    options = {"stream_maps": maps if is_told else {"[eu]*": {"__alias__": "orders"}}}
    for version in (100, 200):
        messages = [*whole("eu", version, 1), *whole("us", version + 7, 2)]
        # Where the settings do not tell of the second stream, both are known when rows go.
        rows = 1 if is_told else 500_000
        load(path, messages, hard_delete=hard_delete, batch_size_rows=rows, **options)
        columns = types(path, "orders")
        alive = "_sdc_deleted_at IS NULL" if "_sdc_deleted_at" in columns else "true"
        assert query(path, f"SELECT id FROM orders WHERE {alive} ORDER BY id") == [(1,), (2,)]
    assert "'orders' is made of several streams of the tap" in caplog.text


def test_a_stream_of_another_name_loses_rows_that_are_gone(tmp_path: Path) -> None:
    path = tmp_path / "test.duckdb"
    maps = {"eu": {"__alias__": "orders"}}
    for messages in (whole("eu", 100, 1, 2), whole("eu", 200, 2)):
        load(path, messages, hard_delete=True, stream_maps=maps)
    assert query(path, "SELECT id FROM orders") == [(2,)]
