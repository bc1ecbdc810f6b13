"""STATE messages are passed on for what is committed, and for nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from target_duckdb.message_errors import RecordError
from target_duckdb.target import TargetDuckDB
from tests.target_duckdb.helpers import load, query, record, schema, state

if TYPE_CHECKING:
    from pathlib import Path

ID = {"id": {"type": "integer"}}


def test_commits_at_states_once_enough_is_staged(tmp_path: Path) -> None:
    path = tmp_path / "test.duckdb"
    messages: list[Any] = [schema(ID, ["id"])]
    for n in range(10):
        messages += [record({"id": n}), state({"seen": n})]
    assert load(path, messages, batch_size_rows=4) == [{"seen": 3}, {"seen": 7}, {"seen": 9}]


def test_bytes_count_as_rows_do(tmp_path: Path) -> None:
    path = tmp_path / "test.duckdb"
    text = {"v": {"type": "string"}}
    messages: list[Any] = [schema(text)]
    for n in range(3):
        messages += [record({"v": "x" * 600}), state(n)]
    assert load(path, messages, batch_size_bytes=1000) == [1, 2]


def test_what_was_committed_before_an_error_stays_and_what_came_after_does_not(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "test.duckdb"
    messages = [
        schema(ID, ["id"]),
        record({"id": 1}),
        state(1),
        record({"id": 2}),
        record({"id": "x"}),
    ]
    with pytest.raises(RecordError):
        load(path, messages, batch_size_rows=1)
    assert query(path, "SELECT id FROM items") == [(1,)]
    capsys.readouterr()


def test_text_of_the_state_is_left_as_it_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = '{"bookmark": 1.10, "big": 12345678901234567890123, "é": "\\u00e9"}'
    target = TargetDuckDB(config={"path": str(tmp_path / "test.duckdb")})
    target.listen([f'{{"type": "STATE", "value": {text}}}\n'])  # type: ignore[arg-type]
    assert capsys.readouterr().out == text + "\n"


@pytest.mark.parametrize("before", ["", "\ufeff"])
@pytest.mark.parametrize(
    "others", ['"stream": null', '"version": "a}{,"', '"x": NaN, "value": 1', '"x": "\\ud800"']
)
def test_text_of_the_state_is_left_as_it_is_in_an_unusual_message(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], before: str, others: str
) -> None:
    text = '{"a": 1.10, "b": [1E5, 12345678901234567890.125, {}], "c,}": "\\ud800 é", "value": 2}'
    target = TargetDuckDB(config={"path": str(tmp_path / "test.duckdb")})
    line = f'{before}{{{others}, "type": "STATE" ,"value" : {text} }}\n'
    target.listen([line])  # type: ignore[arg-type]
    assert capsys.readouterr().out == text + "\n"


def test_states_without_any_stream_are_passed_on(tmp_path: Path) -> None:
    assert load(tmp_path / "test.duckdb", [state(1), state({"a": None})]) == [{"a": None}]
