"""`refresh` with the real Meltano, dbt and DuckDB: what fails stops nothing else, and is told."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
from typing import TYPE_CHECKING

import psutil

from sandbox.server import Fault
from tests.console.report.reading import said
from tests.dbt_project.made import tables
from tests.e2e.checkout import wait_until
from tests.e2e.installation import COUNT, OPEN_FILES

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox.server import Sandbox
    from tests.e2e.installation import GoodRun, Installation

STEPS = ["kananas", "kizen", "transform", "publish", "report"]
CONTACTS = ("marts", "contacts")
LOAD_ONLY = "--load-only"


def _equals_what_is_built_anew(installation: Installation) -> None:
    """Tables that were built in parts, and not at all, equal those of a build of everything."""
    before = tables(installation.database)
    rebuilt = installation.run("--rebuild", REFRESH_SOURCES="kananas")
    assert rebuilt.code == 0, rebuilt.said
    assert rebuilt.said.splitlines()[-1] == "done"
    assert "transform: Everything is built: as asked for" in rebuilt.said
    after = tables(installation.database)
    assert [name for name in after if after[name] != before[name]] == []
    assert after.keys() == before.keys()


def _is_for_its_owner_alone(folder: Path) -> None:
    files = list(folder.iterdir())
    assert files
    for file in files:
        assert file.stat().st_mode & 0o077 == 0, file


def _rows_of_contacts(files: Path) -> int:
    """Return how many rows the manifest of a folder of open files names."""
    tables = json.loads((files / "manifest.json").read_bytes())["tables"]
    (contacts,) = (each for each in tables if (each["schema"], each["name"]) == CONTACTS)
    return int(contacts["rows"])


def test_one_service_down_stops_nothing_else(
    good_run: GoodRun, after_a_good_run: Installation, sandbox: Sandbox
) -> None:
    installation = after_a_good_run
    wrong = {"TAP_KIZEN_API_KEY": "wrong-key-hunter2", "LANG": "C", "PYTHONUTF8": "0"}
    files = installation.folder / OPEN_FILES
    # The list that discovery has read is the one that is loaded.
    assert good_run.asked.count("/action_manager.php") == 1
    assert good_run.bodies == set()
    assert installation.results() == dict.fromkeys([*STEPS, "parquet"], "done")
    assert _rows_of_contacts(files) == 120
    with sandbox.account.contacts.lock:
        del sandbox.account.contacts[0]
    for arguments, steps in (((LOAD_ONLY,), STEPS[:2]), ((), STEPS)):
        ended = installation.run(*arguments, **wrong)
        assert ended.code == 1, ended.said
        *lines, last = ended.said.splitlines()
        written = [line.split(":")[0] for line in lines if re.match(r"\w+: (done|failed), ", line)]
        assert written == steps
        assert last.startswith("failed: kizen, companies: GET 127.0.0.1/api/company answered 401")
        assert "'api_key' (TAP_KIZEN_API_KEY)" in last
        assert "hunter2" not in ended.said
        assert installation.results() == dict.fromkeys(steps, "done") | {"kizen": "failed"}
    # The other source, the models, the copy and the report have what there is.
    rows = installation.checkout.rows
    assert rows(installation.published, "select count(*) from marts.contacts") == [(119,)]
    assert rows(
        installation.published,
        "select source, failing_since is not null from marts.freshness order by source",
    ) == [("kananas", False), ("kizen", True)]
    page = installation.published.with_name("report.html").read_text(encoding="utf-8")
    assert "▲Kizen could not be read: each run since" in said(page)
    # Once, by the channel; a sign of life from each run.
    assert installation.events == [("failure", ["kizen"])]
    assert not re.search("hunter2|B0SECRET", json.dumps(installation.hook.bodies))
    assert good_run.told == ["/ping/start", "/ping"]
    assert installation.hook.paths == ["/ping/start", "/ping/fail"] * 2

    status = installation.run("status").said
    assert "kizen, since " in status
    assert "Waiting for a decision: " in status
    assert status.count("failed") >= 4

    again = installation.run("--quiet")
    assert (again.code, again.said) == (0, "")
    (built,) = [step["built"] for step in installation.history.runs()[-1].steps if "built" in step]
    assert built.startswith("Nothing is built: no input has changed since the build of 2")
    assert built in installation.run("status").said
    assert installation.events == [("failure", ["kizen"]), ("recovery", ["kizen"])]
    assert "What fails:\n  nothing" in installation.run("status").said
    ends = "select distinct step, result from marts.run_steps where step = 'kizen' order by all"
    assert rows(installation.published, ends) == [("kizen", "done"), ("kizen", "failed")]
    loaded = (
        "select rows_loaded, rows_inserted, rows_updated, rows_deleted from marts.run_streams "
        "where stream = 'contacts' group by all order by all desc"
    )
    # The first run; one contact is gone; nothing has changed.
    assert rows(installation.published, loaded) == [
        (120, 120, 0, 0), (119, 0, 119, 1), (119, 0, 119, 0),
    ]  # fmt: skip
    assert re.search(r"kananas +done +[0-9.]+ s +119 rows +119 updated, 1 deleted", status)
    _equals_what_is_built_anew(installation)
    _is_for_its_owner_alone(installation.folder / "runs")
    log = (installation.folder / "runs" / "refresh.log").read_text(encoding="utf-8")
    assert "METRIC record_count contacts 119" in log
    assert "\x1b" not in log
    assert "[0m" not in log


def test_another_file_is_read_whole(installation: Installation, sandbox: Sandbox) -> None:
    clients = sandbox.account.crm.counts["client_client"]
    assert installation.run(LOAD_ONLY).code == 0
    older = installation.folder / "older.duckdb"
    shutil.copyfile(installation.database, older)
    crm = sandbox.account.crm
    keys = [str(record["id"]) for record in crm.records["client_client"][:2]]
    crm.update("client_client", keys[0], first_name="Zoé")
    ended = installation.run(LOAD_ONLY)
    assert ended.code == 0, ended.said
    assert "read whole" not in ended.said
    crm.update("client_client", keys[1], first_name="Zoé")
    changed = (
        f"select count(*) from kizen.client_client where first_name = 'Zoé' and id in {(*keys,)}"
    )

    def is_whole(file: Path) -> bool:
        live = COUNT.format(table="kizen.client_client")
        rows = installation.checkout.rows
        return rows(file, changed) == [(2,)] and rows(file, live) == [(clients,)]

    # An older copy: only what changed since the newer one would be read.
    shutil.copyfile(older, installation.database)
    ended = installation.run(LOAD_ONLY)
    assert ended.code == 0, ended.said
    assert "kizen: is read whole: " in ended.said
    assert "is older than what was loaded last, or another file" in ended.said
    assert is_whole(installation.database)
    # Another one, which does not exist yet, and back.
    other = installation.folder / "other.duckdb"
    ended = installation.run(LOAD_ONLY, DUCKDB_PATH=str(other))
    assert "has nothing of it" in ended.said
    assert is_whole(other)
    ended = installation.run(LOAD_ONLY)
    assert "is older than what was loaded last, or another file" in ended.said
    assert is_whole(installation.database)
    assert installation.events == []
    _is_for_its_owner_alone(installation.folder / "runs")


def test_two_runs_never_overlap_and_a_signal_ends_all(
    installation: Installation, sandbox: Sandbox
) -> None:
    sandbox.faults.add(Fault(path="/action_manager.php", skip=1, times=1, delay=60))
    installation.settings["TAP_KANANAS_DISCOVERY_FOLDER"] = ""
    start = installation.checkout.start
    with start(installation.program, **installation.settings) as first:
        wait_until(lambda: len(sandbox.requests) == 2)
        second = installation.run()
        assert second.code == 75, second.said
        assert f"a run goes on already: process {first.pid}, since " in second.said
        first.send_signal(signal.SIGTERM)
        words, _ = first.communicate()
    assert first.returncode == 1, words
    assert words.splitlines()[-1] == "failed: kananas, ended by SIGTERM"
    assert [line for line in installation.checkout.processes() if "tap-" in line] == []
    assert installation.results() == {"kananas": "interrupted"}
    assert installation.events == [("failure", ["kananas"])]
    assert installation.hook.paths == ["/ping/start", "/ping/fail"]
    # Meltano would take what was ended for a run that goes on.
    again = installation.run(LOAD_ONLY, REFRESH_SOURCES="kananas")
    assert again.code == 0, again.said
    assert installation.results() == {"kananas": "done"}
    assert "another run reads it" not in again.said
    assert installation.events[1:] == [("recovery", ["kananas"])]


def test_a_run_that_was_killed_is_told_and_made_up_for(
    installation: Installation, sandbox: Sandbox
) -> None:
    sandbox.faults.add(Fault(path="/action_manager.php", skip=1, times=1, delay=60))
    installation.settings["TAP_KANANAS_DISCOVERY_FOLDER"] = ""
    start = installation.checkout.start
    with start(installation.program, **installation.settings) as killed:
        wait_until(lambda: len(sandbox.requests) == 2)
        children = psutil.Process(killed.pid).children(recursive=True)
        # Meltano is imported once for all steps.
        assert any("multiprocessing.forkserver" in " ".join(each.cmdline()) for each in children)
        os.kill(killed.pid, signal.SIGKILL)
    # What it had started hangs on, and is ended.
    ended = installation.run(LOAD_ONLY)
    assert ended.code == 0, ended.said
    assert "left behind by a killed run, was ended" in ended.said
    assert not psutil.wait_procs(children, timeout=30)[1]
    assert "was killed at kananas" in ended.said
    # For minutes Meltano takes what was killed for running.
    next_one = installation.run(LOAD_ONLY, REFRESH_SOURCES="kananas")
    assert next_one.code == 0, next_one.said
    assert "another run reads it" not in ended.said + next_one.said
    assert installation.events == [("failure", ["run"]), ("recovery", ["run"])]
    assert installation.rows("kananas.contacts") == 120


def test_a_file_that_is_held_fails_the_steps_that_need_it(
    after_a_good_run: Installation,
) -> None:
    from tests.dbt_project.test_locked_file import held  # noqa: PLC0415

    installation = after_a_good_run
    with held(installation.database) as holder:
        ended = installation.run(DUCKDB_LOCK_TIMEOUT="2")
        holder.communicate()
    assert ended.code == 1, ended.said
    assert installation.results() == {
        "kananas": "failed", "kizen": "failed", "transform": "failed", "publish": "skipped",
        "report": "done",
    }  # fmt: skip
    for step in ("kananas", "kizen", "transform"):
        (line,) = [each for each in ended.said.splitlines() if each.startswith(f"{step}: failed")]
        assert f"process {holder.pid} (" in line
    assert "transform: dbt-wait: Waiting for the database file, held by" in ended.said


def test_a_step_that_never_ends_is_ended(installation: Installation, sandbox: Sandbox) -> None:
    sandbox.faults.add(Fault(path="/action_manager.php", times=None, delay=60))
    ended = installation.run(REFRESH_STEP_TIMEOUT="8", REFRESH_SOURCES="kananas")
    assert ended.code == 1
    assert "kananas, ended after 8 s (REFRESH_STEP_TIMEOUT)" in ended.said
    assert [line for line in installation.checkout.processes() if "tap-" in line] == []


def test_a_wrong_setting_ends_at_once(installation: Installation, sandbox: Sandbox) -> None:
    ended = installation.run(REFRESH_WEBHOOK_URL="not an address")
    assert ended.code == 2
    assert "REFRESH_WEBHOOK_URL" in ended.said
    assert len(sandbox.requests) == 0


def test_channels_can_be_tried(installation: Installation) -> None:
    ended = installation.run("test-alerts", REFRESH_COMMAND="false")
    assert ended.code == 1
    assert ended.said.splitlines() == [
        "webhook: told",
        "command: the command ended with exit code 1",
        "ping: told",
    ]
