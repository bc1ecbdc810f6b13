"""A run with a program in the place of Meltano: what is written down, and what if it cannot be."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import signal
import stat
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import duckdb
import pytest

from refresh import channels, steps
from refresh.cli import main
from refresh.history import History
from refresh.lock import holders
from tests.e2e.checkout import wait_until
from tests.refresh.servers import http
from tests.target_duckdb.faults import fill, small_disk

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.refresh.servers import Heard

ROWS = {
    "name": "target-duckdb",
    "event": "METRIC",
    "level": "info",
    "metric_info": {"metric": "record_count", "value": 7, "tags": {"stream": "contacts"}},
}


@pytest.fixture
def hook() -> Iterator[Heard]:
    with http() as heard:
        yield heard


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hook: Heard) -> Path:
    (tmp_path / "meltano.yml").touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(channels, "_FIRST_PAUSE", 0.01)
    monkeypatch.setattr(steps, "meltano", lambda: str(tmp_path / "meltano"))
    for name in (
        "MELTANO_ENVIRONMENT",
        "DUCKDB_PATH",
        "DUCKDB_RUNS_PATH",
        "PARQUET_URL",
        "http_proxy",
    ):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / ".env").write_text(f"REFRESH_WEBHOOK_URL={hook.url}\n", encoding="utf-8")
    return tmp_path


def program(folder: Path, text: str) -> None:
    file = folder / "meltano"
    file.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    file.chmod(0o700)


def test_each_step_is_said_and_written_down(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    program(folder, f"echo \"$@\" >> commands; echo '{json.dumps(ROWS)}'")
    assert main(["--environment=dev", "--full-refresh"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[-1] == "done"
    assert next(line for line in said if line.startswith("kananas: done, ")).endswith(", 7 rows")
    commands = (folder / "commands").read_text(encoding="utf-8").splitlines()
    start = "--log-format=json --environment=dev run"
    assert commands == [
        f"{start} --full-refresh kananas",
        f"{start} --full-refresh kizen",
        f"{start} dbt:changes",
        f"{start} publish:copy",
        f"{start} report:write",
    ]
    lines = (folder / "output" / "dev" / "runs.jsonl").read_text(encoding="utf-8").splitlines()
    kinds = [json.loads(line)["kind"] for line in lines]
    source, rest = ["step_start", "stream", "step"], ["step_start", "step"]
    assert kinds == ["start", *source, *source, *rest, *rest, *rest, "end"]
    # Meltano puts secrets into it; where it makes the folder itself, anybody may read.
    assert stat.S_IMODE((folder / ".meltano").stat().st_mode) == 0o700


def test_parquet_is_published_where_its_url_is_set(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / ".env").write_text(
        "PARQUET_URL=s3://bucket/x\nAWS_ACCESS_KEY_ID=AKIDINVENTED\n", encoding="utf-8"
    )
    why = "parquet-publish: s3://bucket/x/manifest.json: access is denied to AKIDINVENTED"
    program(
        folder,
        f'echo "$@" >> commands; case "$@" in *parquet*) echo "{why}"; exit 1;; esac',
    )
    assert main([]) == 1
    assert main(["--load-only"]) == 0
    program(folder, 'echo "$@" >> commands; case "$@" in *publish:copy*) exit 1;; esac')
    assert main([]) == 1
    steps = (folder / "commands").read_text(encoding="utf-8").split()
    assert [each for each in steps if each in {"report:write", "parquet:publish"}] == [
        "report:write", "parquet:publish", "report:write",
    ]  # fmt: skip
    said = capsys.readouterr().out
    assert "failed: parquet, parquet-publish: s3://bucket/… access is denied to …\n" in said
    assert "parquet: skipped, 0.0 s: publish did not work\n" in said
    assert "AKIDINVENTED" not in said


def test_a_run_that_cannot_be_written_down_goes_on_and_is_told(
    folder: Path, hook: Heard, capsys: pytest.CaptureFixture[str]
) -> None:
    program(folder, "exit 0")
    output = folder / "output" / "prod"
    output.mkdir(parents=True)
    # Root can write to any folder, but nobody through such a link.
    (output / "runs.jsonl").symlink_to("elsewhere")
    for _ in range(2):
        assert main([]) == 1
    said = capsys.readouterr().out
    assert "report: done" in said
    assert said.splitlines()[-1].startswith("failed: record, cannot write ")
    assert [body["steps"][0]["step"] for body in hook.bodies] == ["record"]
    (output / "runs.jsonl").unlink()
    assert main([]) == 0
    assert [body["event"] for body in hook.bodies] == ["failure", "recovery"]


def test_a_full_disk_is_told_once_and_so_is_its_end(
    folder: Path, hook: Heard, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    program(folder, "exit 0")
    with small_disk() as disk:
        if disk is None:
            pytest.skip("no small disk can be mounted here")
        monkeypatch.setenv("DUCKDB_RUNS_PATH", str(disk / "runs.jsonl"))
        assert main([]) == 0
        # There is room for the first line of a run, so that it looks as if it had been killed.
        for name, room in (("runs.jsonl", 200), ("refresh.log", 10)):
            with (disk / name).open("a") as file:
                file.write("\n" * (4096 - room - file.tell() % 4096))
        filler = fill(disk, 0)
        for _ in range(2):
            assert main([]) == 1
        said = capsys.readouterr()
        assert said.out.splitlines()[-1].startswith("failed: record, cannot write ")
        assert said.err == ""
        filler.unlink()
        assert main([]) == 0
        assert "killed" not in capsys.readouterr().out
    told = [(body["event"], [step["step"] for step in body["steps"]]) for body in hook.bodies]
    assert told == [("failure", ["record"]), ("recovery", ["record"])]


def test_what_nobody_takes_is_a_warning_and_no_failure(
    folder: Path, hook: Heard, capsys: pytest.CaptureFixture[str]
) -> None:
    program(folder, "exit 0")
    assert main([]) == 0
    program(folder, 'case "$@" in *kizen*) echo "no service"; exit 1;; esac')
    hook.codes = [500] * channels.TRIES
    assert main([]) == 1
    said = capsys.readouterr().out
    assert "warning: webhook was not told of the failure: the address answered 500" in said
    assert said.splitlines()[-1] == "failed: kizen, no service"
    program(folder, "exit 0")
    hook.codes = [500] * channels.TRIES
    assert main([]) == 0
    assert "warning: webhook was not told of the recovery" in capsys.readouterr().out
    assert main([]) == 0
    assert [body["event"] for body in hook.bodies] == ["recovery"]


def test_another_run_of_the_same_source_is_waited_for(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("refresh.run._BUSY_PAUSE", 0.05)
    busy = '{"event": "Another pipeline is already running", "level": "error", "name": "x"}'
    program(
        folder,
        'case "$@" in *kizen*) echo x >> tries; if [ "$(wc -l < tries)" -lt 3 ]; then '
        f"echo '{busy}'; exit 1; fi;; esac",
    )
    assert main([]) == 0
    assert capsys.readouterr().out.count("kizen: another run reads it") == 2
    (folder / "tries").unlink()
    monkeypatch.setenv("REFRESH_BUSY_TIMEOUT", "0.01")
    assert main([]) == 1
    assert "failed: kizen, " in capsys.readouterr().out


@pytest.mark.parametrize(("since", "is_ours"), [("7:08", True), ("7:06", False), ("8:08", False)])
def test_only_what_was_killed_is_read_by_force(
    folder: Path, monkeypatch: pytest.MonkeyPatch, since: str, *, is_ours: bool
) -> None:
    monkeypatch.setattr("refresh.run._BUSY_PAUSE", 0.01)
    monkeypatch.setenv("REFRESH_BUSY_TIMEOUT", "0.05")
    history = History(folder / "output" / "prod" / "runs.jsonl")
    start = "2026-11-29T03:07:07Z"
    history.append("start", run_id="1", started_at=start)
    history.append("step_start", run_id="1", step="kizen", started_at=start)
    busy = f"is already running which started at 2026-11-29 03:0{since}.1+00:00. Wait until"
    program(
        folder,
        f'case "$@" in *--force*) echo "$@" >> forced;; *kizen*) echo "{busy}"; exit 1;; esac',
    )
    for _ in range(2):
        assert main(["--load-only", "--full-refresh"]) == (0 if is_ours else 1)
    forced = folder / "forced"
    lines = forced.read_text(encoding="utf-8").splitlines() if forced.exists() else []
    assert (
        lines
        == ["--log-format=json --environment=prod run --force --full-refresh kizen"] * 2 * is_ours
    )


@pytest.mark.parametrize("is_stubborn", [False, True])
def test_what_a_killed_run_left_behind_is_named_and_ended(
    folder: Path,
    hook: Heard,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    *,
    is_stubborn: bool,
) -> None:
    monkeypatch.setattr("refresh.lock.GRACE_SECONDS", 0.5)
    program(folder, f"{'trap : TERM; ' * is_stubborn}echo $$ > left; while :; do sleep 60; done")
    left = folder / "left"
    code = f"""if True:
        from refresh import cli, steps
        steps.meltano = lambda: {str(folder / "meltano")!r}
        cli.main([])
    """
    with subprocess.Popen([sys.executable, "-c", code], cwd=folder) as run:
        wait_until(lambda: left.exists() and left.read_text(encoding="utf-8") != "")
        assert main(["status"]) == 0
        assert f"goes on: process {run.pid}\n" in capsys.readouterr().out
        run.kill()
    ended = left.read_text(encoding="utf-8").strip()
    assert main(["status"]) == 0
    said = capsys.readouterr().out
    assert "was killed; process " in said
    assert f"{ended} " in said.replace(",", " ")
    program(folder, "exit 0")
    assert main([]) == 0
    said = capsys.readouterr().out
    assert f"Before: process {ended}, left behind by a killed run, was ended\n" in said
    assert "was killed at kananas" in said
    assert not holders(folder / "output" / "prod" / "refresh.steps.lock")
    assert [body["event"] for body in hook.bodies] == ["failure", "recovery"]


def test_a_program_that_stays_is_told_once(
    folder: Path, hook: Heard, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    program(folder, "exit 0")
    lock = folder / "output" / "prod" / "refresh.steps.lock"
    lock.parent.mkdir(parents=True)
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        # As on a system that does not say who holds a file.
        monkeypatch.setattr("refresh.lock._PROCESSES", folder)
        assert main([]) == main([]) == 1
    said = capsys.readouterr().err
    assert f"{lock}: a process, which a killed run has left behind, holds it" in said
    assert main([]) == 0
    assert [body["event"] for body in hook.bodies] == ["failure", "recovery"]


def test_who_only_looks_at_the_lock_is_left_alone(folder: Path) -> None:
    program(folder, "exit 0")
    assert main([]) == 0
    lock = folder / "output" / "prod" / "refresh.steps.lock"
    with lock.open() as file:
        assert holders(lock) == []
        fcntl.flock(file, fcntl.LOCK_EX)
        assert holders(lock) == [os.getpid()]


def test_a_signal_in_a_step_and_before_one_is_told(
    folder: Path, hook: Heard, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    program(folder, "exit 0")

    def interrupted(*_: object, **__: object) -> None:
        os.kill(os.getpid(), signal.SIGTERM)

    with monkeypatch.context() as patch:
        patch.setattr("refresh.run.steps.run", interrupted)
        assert main([]) == 1
    assert capsys.readouterr().out.splitlines()[-1] == "failed: kananas, ended by SIGTERM"
    with monkeypatch.context() as patch:
        patch.setattr("refresh.run.warehouse.source", interrupted)
        assert main([]) == 1
    assert capsys.readouterr().out.splitlines()[-1] == "failed: run, ended by SIGTERM"
    assert main([]) == 0
    told = [(body["event"], [step["step"] for step in body["steps"]]) for body in hook.bodies]
    assert told == [
        ("failure", ["kananas"]),
        ("failure", ["run"]),
        ("recovery", ["kananas", "run"]),
    ]


def test_a_wrong_setting_is_told_once_and_so_is_its_end(
    folder: Path, hook: Heard, capsys: pytest.CaptureFixture[str]
) -> None:
    program(folder, 'echo "$@" >> commands')
    env = folder / ".env"
    right = env.read_text(encoding="utf-8")
    env.write_text(f"{right}REFRESH_STEP_TIMEOUT=soon\n", encoding="utf-8")
    for _ in range(2):
        assert main(["--quiet"]) == 2
    said = capsys.readouterr()
    assert said.err == "refresh: REFRESH_STEP_TIMEOUT must be a number above 0\n" * 2
    assert said.out == ""
    assert not (folder / "commands").exists()
    assert main(["--sources=salesforce"]) == 2
    assert len(hook.bodies) == 1
    env.write_text(right, encoding="utf-8")
    (folder / "config").mkdir()
    (folder / "config" / "meltano.yml").write_text("schedules: 1\n", encoding="utf-8")
    assert main([]) == 2
    (folder / "config" / "meltano.yml").unlink()
    assert main([]) == 0
    assert [(body["event"], body["steps"][0]["step"]) for body in hook.bodies] == [
        ("failure", "settings"), ("recovery", "settings"),
    ]  # fmt: skip
    assert "REFRESH_STEP_TIMEOUT must be a number above 0" in hook.bodies[0]["text"]


def test_what_no_run_does_any_more_fails_no_longer(
    folder: Path, hook: Heard, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    program(folder, 'case "$@" in *kizen*|*parquet*) exit 1;; esac')
    monkeypatch.setenv("PARQUET_URL", "s3://bucket/x")
    assert main([]) == 1
    # One run without it says nothing of it.
    assert main(["--sources=kananas", "--load-only"]) == 0
    capsys.readouterr()
    main(["status"])
    assert {"  kizen", "  parquet"} <= {
        line.partition(", since ")[0] for line in capsys.readouterr().out.splitlines()
    }
    monkeypatch.delenv("PARQUET_URL")
    monkeypatch.setenv("REFRESH_SOURCES", "kananas")
    assert main([]) == 0
    capsys.readouterr()
    main(["status"])
    assert "What fails:\n  nothing\n" in capsys.readouterr().out
    assert [body["event"] for body in hook.bodies] == ["failure"]


def test_where_there_can_be_no_lock_somebody_is_told(folder: Path, hook: Heard) -> None:
    program(folder, "exit 0")
    assert main([]) == 0
    lock = folder / "output" / "prod" / "refresh.lock"
    lock.unlink()
    # Root can write to any folder, but nobody through such a link.
    lock.symlink_to("elsewhere")
    for _ in range(2):
        assert main([]) == 1
    lock.unlink()
    assert main([]) == 0
    assert [(body["event"], body["steps"][0]["step"]) for body in hook.bodies] == [
        ("failure", "record"), ("recovery", "record"),
    ]  # fmt: skip
    assert "refresh.lock" in hook.bodies[0]["text"]


def test_what_cannot_be_kept_is_told_again_and_said_once(
    folder: Path, hook: Heard, capsys: pytest.CaptureFixture[str]
) -> None:
    output = folder / "output" / "prod"
    output.mkdir(parents=True)
    (output / "refresh.lock").symlink_to("elsewhere")
    (output / "alerts.json").mkdir()
    for _ in range(2):
        assert main([]) == 1
    assert capsys.readouterr().out.count("warning: what was told cannot be kept in") == 2
    assert [body["event"] for body in hook.bodies] == ["failure", "failure"]


def test_a_last_line_that_cannot_be_written_fails_the_run(
    folder: Path, hook: Heard, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    program(folder, "exit 0")
    append = History.append

    def full(history: History, kind: str, **fields: object) -> None:
        if kind == "end":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        append(history, kind, **fields)

    monkeypatch.setattr(History, "append", full)
    assert main([]) == 1
    assert capsys.readouterr().out.splitlines()[-1].startswith("failed: record, cannot write ")
    assert [body["steps"][0]["step"] for body in hook.bodies] == ["record"]


def test_a_disk_that_becomes_read_only_takes_no_last_line(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    program(folder, "exit 0")

    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr("refresh.lock.os.ftruncate", refuse)
    assert main([]) == 0
    said = capsys.readouterr()
    assert said.out.endswith("done\n")
    assert not said.err
    # A system that names no file.
    monkeypatch.setattr("refresh.run.Runner.run", refuse)
    assert main([]) == 1
    assert capsys.readouterr().err == "refresh: Read-only file system\n"


def test_each_log_of_a_long_run_is_for_its_owner_alone(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("refresh.run._LOG_BYTES", 1000)
    program(folder, "for number in 1 2 3 4 5 6 7 8 9; do echo a line of some words; done")
    before = os.umask(0o022)
    try:
        assert main([]) == 0
    finally:
        os.umask(before)
    logs = sorted((folder / "output" / "prod").glob("refresh.log*"))
    assert len(logs) > 1
    assert {stat.S_IMODE(log.stat().st_mode) for log in logs} == {0o600}


def test_what_nohup_has_switched_off_ends_no_run(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(folder, "exit 0")
    run = steps.run

    def hung_up(*given: Any) -> steps.ProgramResult:
        os.kill(os.getpid(), signal.SIGHUP)
        return run(*given)

    monkeypatch.setattr("refresh.run.steps.run", hung_up)
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        assert main([]) == 0
    finally:
        signal.signal(signal.SIGHUP, before)


def _loaded(database: Path, at: str) -> None:
    database.parent.mkdir(parents=True, exist_ok=True)
    with duckdb.connect(str(database)) as connection:
        connection.execute("create schema if not exists kizen")
        connection.execute(
            "create or replace table kizen.team as "
            f"select 1 as id, cast('{at}' as timestamptz) as _sdc_received_at"
        )


def test_a_whole_read_that_did_not_end_is_owed(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REFRESH_SOURCES", "kizen")
    database = folder / "output" / "prod" / "warehouse.duckdb"

    def run(*, fails: bool = False) -> str:
        program(folder, 'case "$@" in *kizen*) exit 1;; esac' if fails else "exit 0")
        assert main([]) == int(fails)
        return capsys.readouterr().out

    assert "kizen: is read whole: " in run(fails=True)
    # Some tables have come, and the state of the others may still be that of another file.
    _loaded(database, "2026-11-02")
    assert "kizen: is read whole: it was to be, and did not come to its end" in run()
    assert "read whole" not in run(fails=True)
    assert "read whole" not in run()
    # The same where it was killed.
    killed = {"run_id": "k", "step": "kizen", "started_at": "2026-11-02T03:07:00Z"}
    history = History(database.with_name("runs.jsonl"))
    history.append("start", **killed)
    history.append("step_start", **killed, is_whole=True)
    said = run()
    assert "Before: the run of 2026-11-02T03:07:00Z was killed at kizen" in said
    assert "kizen: is read whole: it was to be, and did not come to its end" in said
    assert "read whole" not in run()
    _loaded(database, "2026-11-01")
    assert "is older than what was loaded last, or another file" in run()
    assert "read whole" not in run()
