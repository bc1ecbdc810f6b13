"""The stream of webhooks: every event once, whole, and never one before it is safe."""

from __future__ import annotations

import base64
import json
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from kananas_webhooks.events import new_event
from kananas_webhooks.store import Store
from tests.kananas_webhooks.receivers import Warehouse
from tests.programs import kananas_settings, run_tap

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox.server import Sandbox

EVENTS = "webhook_events"

# What a stranger might send; each must reach DuckDB whole.
BODIES = [
    b'{"id": 1, "nom": "Zo\xc3\xa9", "n": 1.00000000000000000001}',
    b'{"big": 123456789012345678901234567890}',
    b'[{"id": "2"}]',
    b"17",
    b"null",
    b'"text"',
    b"true",
    b"",
    b"\x00",
    b'{"nul": "\\u0000", "\\u0000": "\x7f"}',
    b'{"half": "\\ud83d"}',
    b"\xff\xfe\x00\xd8",
    "é\u2028\u0085".encode(),
    b'{"a": 1, "a": 2, "": 3, " ": {"B": 1, "b": 2}}',
    b"[" * 60 + b"]" * 60,
    b"[" * 5000 + b"]" * 5000,
    b'{"n": ' + b"9" * 4000 + b"}",
    b'{"n": 1e-400, "m": -0.0, "o": 1E300}',
    b'{"text": "' + b"x" * 900_000 + b'"}',
    b"nom=Zo%C3%A9&nom=2",
]


def fill(path: Path, bodies: list[bytes]) -> None:
    with closing(Store(path)) as store:
        form = [("content-type", "application/x-www-form-urlencoded")]
        store.append([new_event(body, form, "source=test", ()) for body in bodies])


def stored(path: Path) -> list[tuple[Any, ...]]:
    query = "select sequence, body, received_at from events order by sequence"
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(query).fetchall()


def acknowledged(path: Path) -> int:
    with closing(sqlite3.connect(path)) as connection:
        (sequence,) = connection.execute("select sequence from extraction").fetchone()
    return int(sequence)


@pytest.fixture
def store(tmp_path: Path) -> Path:
    path = tmp_path / "a store" / "events.sqlite"
    fill(path, BODIES)
    return path


def test_there_is_no_such_stream_without_a_store(shared_sandbox: Sandbox, tmp_path: Path) -> None:
    outcome = run_tap("tap_kananas", kananas_settings(shared_sandbox), tmp_path)
    assert outcome.streams == ["contacts"]


def test_each_event_is_read_once_whatever_happens_between(
    shared_sandbox: Sandbox, tmp_path: Path, store: Path
) -> None:
    settings = kananas_settings(shared_sandbox, webhook_store=str(store))
    first = run_tap("tap_kananas", settings, tmp_path)
    assert first.code == 0, first.err
    assert first.streams == ["contacts", EVENTS]
    rows = first.records_of(EVENTS)
    assert [
        row["body"].encode() if row["body_base64"] is None else base64.b64decode(row["body_base64"])
        for row in rows
    ] == BODIES
    assert [(r["sequence"], r["received_at"]) for r in rows] == [
        (s, t) for s, _, t in stored(store)
    ]
    assert {json.dumps(row["query"]) for row in rows} == {'{"source": "test"}'}
    assert acknowledged(store) == 0

    fill(store, [b"new"])
    second = run_tap("tap_kananas", settings, tmp_path, state=first.state)
    assert [row["body"] for row in second.records_of(EVENTS)] == ["new"]
    assert acknowledged(store) == rows[-1]["sequence"]

    # Nothing is new, and the state stays.
    third = run_tap("tap_kananas", settings, tmp_path, state=second.state)
    assert third.records_of(EVENTS) == []
    assert third.state["bookmarks"][EVENTS] == second.state["bookmarks"][EVENTS]

    # A store that was lost begins anew; its events are new, too.
    for file in store.parent.iterdir():
        file.unlink()
    fill(store, [b"newer"])
    fourth = run_tap("tap_kananas", settings, tmp_path, state=third.state)
    assert [row["body"] for row in fourth.records_of(EVENTS)] == ["newer"]


def test_without_a_state_nothing_counts_as_loaded(
    shared_sandbox: Sandbox, tmp_path: Path, store: Path
) -> None:
    settings = kananas_settings(shared_sandbox, webhook_store=str(store))
    first = run_tap("tap_kananas", settings, tmp_path)
    quiet = {**settings, "webhook_acknowledge": False}
    run_tap("tap_kananas", quiet, tmp_path, state=first.state)
    assert acknowledged(store) == 0
    again = run_tap("tap_kananas", settings, tmp_path)
    assert len(again.records_of(EVENTS)) == len(BODIES)
    assert acknowledged(store) == 0


def test_columns_that_are_left_out_stay_out(
    shared_sandbox: Sandbox, tmp_path: Path, store: Path
) -> None:
    batches = {"encoding": {"format": "jsonl"}, "storage": {"root": tmp_path.as_uri()}}
    settings = kananas_settings(shared_sandbox, webhook_store=str(store), batch_config=batches)
    catalog = json.loads(run_tap("tap_kananas", settings, tmp_path, "--discover").out)
    (entry,) = [stream for stream in catalog["streams"] if stream["stream"] == EVENTS]
    for item in entry["metadata"]:
        if item["breadcrumb"] in (["properties", "body"], ["properties", "headers"]):
            item["metadata"]["selected"] = False
    outcome = run_tap("tap_kananas", settings, tmp_path, catalog=catalog)
    rows = outcome.records_of(EVENTS)
    assert len(rows) == len(BODIES)
    assert all("body" not in row and "headers" not in row and "payload" in row for row in rows)


@pytest.mark.parametrize(
    ("content", "code", "words"),
    [
        (None, 2, "there is no file"),
        (b"no store", 1, "cannot be read"),
        (b"", 2, "is no store of webhooks"),
    ],
)
def test_a_file_that_is_no_store_is_one_line(
    shared_sandbox: Sandbox, tmp_path: Path, content: bytes | None, code: int, words: str
) -> None:
    path = tmp_path / "events.sqlite"
    if content is not None:
        path.write_bytes(content)
    settings = kananas_settings(shared_sandbox, webhook_store=str(path))
    outcome = run_tap("tap_kananas", settings, tmp_path)
    assert outcome.code == code, outcome.err
    assert words in outcome.last_line
    assert "'webhook_store' (TAP_KANANAS_WEBHOOK_STORE)" in outcome.last_line


def test_an_older_copy_of_the_store_is_told(
    shared_sandbox: Sandbox, tmp_path: Path, store: Path
) -> None:
    settings = kananas_settings(shared_sandbox, webhook_store=str(store))
    state = run_tap("tap_kananas", settings, tmp_path).state
    state["bookmarks"][EVENTS]["replication_key_value"] += 1
    outcome = run_tap("tap_kananas", settings, tmp_path, state=state)
    assert outcome.code == 1
    assert "is an older copy" in outcome.last_line


def test_the_name_of_the_stream_is_taken(shared_sandbox: Sandbox, tmp_path: Path) -> None:
    requests = [{"name": EVENTS, "request": "events"}]
    outcome = run_tap("tap_kananas", kananas_settings(shared_sandbox, requests=requests), tmp_path)
    assert outcome.code == 2
    assert "webhook_store" in outcome.last_line


def test_whatever_was_sent_reaches_duckdb_whole(
    shared_sandbox: Sandbox, tmp_path: Path, store: Path
) -> None:
    warehouse = Warehouse.of(tmp_path / "warehouse", shared_sandbox, store)
    warehouse.load()
    rows = warehouse.rows(
        "select sequence, coalesce(encode(body), from_base64(body_base64)), body_sha256 = sha256("
        "coalesce(encode(body), from_base64(body_base64))) from kananas.webhook_events order by 1"
    )
    assert rows == [(sequence, body, True) for sequence, body, _ in stored(store)]
    payloads = warehouse.rows("select payload from kananas.webhook_events order by sequence")
    assert '"n":1.00000000000000000001' in payloads[0][0]
    assert payloads[1] == ('{"big":123456789012345678901234567890}',)
    assert json.loads(payloads[-1][0]) == {"nom": ["Zoé", "2"]}
    columns = (
        "select column_name, data_type from duckdb_columns() where table_name = 'webhook_events'"
    )
    types = dict(warehouse.rows(columns))
    assert types["sequence"] == "BIGINT"
    assert types["received_at"] == "TIMESTAMP WITH TIME ZONE"
    assert types["payload"] == types["headers"] == "JSON"
