"""The file of runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from refresh.history import DONE, History, last_of_step

if TYPE_CHECKING:
    from pathlib import Path


def _run(history: History, run_id: str, *, whole: bool = True) -> None:
    history.append("start", run_id=run_id, started_at=f"at {run_id}")
    history.append("step_start", run_id=run_id, step="kizen")
    if whole:
        history.append("step", run_id=run_id, step="kizen", result=DONE, rows_loaded=3)
        history.append("end", run_id=run_id, result=DONE)


def test_what_is_written_is_read(tmp_path: Path) -> None:
    history = History(tmp_path / "new" / "runs.jsonl")
    assert history.runs() == []
    _run(history, "1")
    _run(history, "2", whole=False)
    first, second = history.runs()
    assert first.end is not None
    assert second.end is None
    assert second.open_step is not None
    assert second.open_step["step"] == "kizen"
    line = last_of_step(history.runs(), "kizen")
    assert line is not None
    assert line["run_id"] == "1"
    assert history.path.stat().st_mode & 0o777 == 0o600


def test_a_line_that_a_kill_has_cut_off_hides_no_other(tmp_path: Path) -> None:
    history = History(tmp_path / "runs.jsonl")
    _run(history, "1")
    with history.path.open("a", encoding="utf-8") as file:
        file.write('{"kind": "start", "run')
    _run(history, "2")
    assert [run.run_id for run in history.runs()] == ["1", "2"]
    assert [run.end is not None for run in history.runs()] == [True, True]


def test_the_file_grows_only_so_far(tmp_path: Path) -> None:
    history = History(tmp_path / "runs.jsonl", largest=4000)
    for number in range(200):
        history.rotate()
        _run(history, str(number))
    assert history.path.stat().st_size < 5000
    assert history.path.stat().st_mode & 0o777 == 0o600
    numbers = [int(run.run_id) for run in history.runs()]
    assert numbers == list(range(numbers[0], 200))
    assert len(numbers) > 5
