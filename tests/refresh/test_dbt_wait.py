"""What `dbt-wait` says before there is a dbt: settings of the engine, and what Spark needs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from refresh import dbt_wait, spark_build
from tests.warm_dbt import DBT, ROOT


@pytest.mark.parametrize(
    ("engine", "database"), [("sparks", "x.duckdb"), ("spark", "ducklake:sqlite:x")]
)
def test_a_wrong_engine_is_named(
    engine: str,
    database: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("DUCKDB_ENGINE", engine)
    monkeypatch.setenv("DUCKDB_PATH", database)
    monkeypatch.setattr("sys.argv", ["dbt-wait", "build"])
    assert dbt_wait.main() == 2
    assert capsys.readouterr().err == (
        "dbt-wait: DUCKDB_ENGINE must be duckdb or spark; spark needs a DuckDB file as "
        "DUCKDB_PATH\n"
    )


@pytest.mark.parametrize("name", ["DUCKDB_LOCK_TIMEOUT", "DUCKDB_REBUILD_DAYS"])
@pytest.mark.parametrize("given", ["nan", "inf", "-1", "soon"])
def test_no_wait_is_without_end(
    name: str, given: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(name, given)
    monkeypatch.setattr("sys.argv", ["dbt-wait", "build"])
    assert dbt_wait.main() == 2
    assert f"{name} " in capsys.readouterr().err


def test_raw_tables_are_published_for_spark_and_what_it_lacks_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    database = tmp_path / "warehouse.duckdb"
    with duckdb.connect(str(database)) as connection:
        connection.execute("create schema kizen; create table kizen.team as select 1 as id")
        connection.execute("create schema kananas; create table kananas.contacts as select 2 as id")
        connection.execute("create schema marts; create table marts.contacts as select 3 as id")
    monkeypatch.setenv("DUCKDB_ENGINE", "spark")
    monkeypatch.setenv("DUCKDB_PATH", str(database))
    monkeypatch.setenv("DUCKDB_SPARK_DIR", str(tmp_path / "spark"))
    project = Path(__file__).resolve().parents[2] / "dbt_project"
    monkeypatch.setenv("DBT_PROJECT_DIR", str(project))
    monkeypatch.setattr("sys.argv", ["dbt-wait", "build"])
    assert dbt_wait.main() == 1
    said = capsys.readouterr().err.splitlines()
    assert said[-1] == (
        "dbt-wait: dbt has no Spark: `make on-spark` installs requirements/spark.txt over the "
        "environment of dbt"
    )
    published = {path.parent.name for path in (tmp_path / "spark" / "raw").rglob("*.parquet")}
    assert published == {"kananas.contacts", "kizen.team"}


@pytest.mark.parametrize("given", ["", "s3://bucket/prefix"])
def test_the_folder_of_spark_is_one_of_this_machine(given: str) -> None:
    with pytest.raises(spark_build.SparkBuildError, match="DUCKDB_SPARK_DIR must name a folder"):
        spark_build.folders_of({"DUCKDB_SPARK_DIR": given})


def test_dbt_has_each_setting_once(monkeypatch: pytest.MonkeyPatch) -> None:
    given = {
        "MELTANO_ENVIRONMENT": "demo",
        "MELTANO_UTILIZE_ENGINE": "duckdb", "DBT_ENGINE": "duckdb", "DUCKDB_ENGINE": "duckdb",
        "MELTANO_UTILIZE_PROJECT_DIR": "here", "DBT_PROJECT_DIR": "here", "DBT_THREADS": "1",
    }  # fmt: skip
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    commands = []
    monkeypatch.setattr("os.execv", lambda program, command: commands.append((program, command)))
    monkeypatch.setattr("sys.argv", ["dbt-wait", "parse"])
    dbt_wait.main()
    assert commands == [(sys.executable, [sys.executable, "-m", "refresh.dbt_program", "parse"])]
    assert {name for name in given if name in os.environ} == {
        "DUCKDB_ENGINE", "DBT_PROJECT_DIR", "DBT_THREADS",
    }  # fmt: skip


#: Prints what a process of dbt has after `prepare`: of which events it made a line, by the log's
#: level, and Python's settings before and after; then whether dbt's end looks for no cycles.
PREPARED = """
import atexit, gc, json, sys
before = gc.get_threshold()[0], sys.getswitchinterval()
from refresh.dbt_program import main, prepare
prepare()
from dbt_common.events.base_types import EventLevel
from dbt_common.events.event_manager_client import add_logger_to_manager
from dbt_common.events.functions import fire_event
from dbt_common.events.logger import LoggerConfig
from dbt_common.events.types import Note
made = {}
class Told(Note):
    def message(self):
        made.setdefault(level.value, []).append(self.msg)
        return self.msg
Told.__name__ = "Note"
for level in (EventLevel.INFO, EventLevel.DEBUG):
    add_logger_to_manager(LoggerConfig("log", level=level, output_stream=sys.stderr))
    fire_event(Told(msg="found"), level=EventLevel.DEBUG)
    fire_event(Told(msg="done"), level=EventLevel.INFO)
print(json.dumps([made, before, [gc.get_threshold()[0], sys.getswitchinterval()]]))
atexit.register(lambda: print(gc.get_freeze_count() > 0))
sys.argv = ["dbt_program.py", "--version"]
main()
"""


def test_dbt_runs_with_what_suits_it() -> None:
    run = subprocess.run(
        [DBT.with_name("python"), "-c", PREPARED],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    first, *_, last = run.stdout.splitlines()
    made, before, now = json.loads(first)
    assert made == {"info": ["done"], "debug": ["found", "done"]}
    assert now[0] > before[0]
    assert now[1] > before[1]
    assert last == "True"


#: Prints what dbt's own classes give before `prepare`, and what they give after it.
GIVEN = """
import json
from types import SimpleNamespace
import agate
from dbt.adapters.events.types import SQLQuery
from dbt.clients.jinja import MacroGenerator
from dbt.context import macros
from dbt_common.events.types import Note
from refresh.dbt_program import prepare

def given():
    found = macros.MacroNamespace(
        {"one": "root", "two": "root", "dbt": "root"}, {"one": "own"},
        {"one": "dbt", "three": "dbt"}, {"own": {"one": "own"}, "two": {"two": "package"}},
    )
    call = MacroGenerator(SimpleNamespace(name="one"), {"a": 1}, "node", "stack")
    of_context = MacroGenerator("macro", {"a": 1})
    query = SQLQuery(conn_name="c", sql="select 1", node_info={"node_name": "n"})
    return [
        dict(found), sorted(found), len(found), found.get_from_package("own", "one"),
        str(sorted(vars(call).items())), str(sorted(vars(of_context).items())),
        query.sql, query.to_dict(), Note(msg=3).to_dict(),
    ]

first = given()
prepare()
print(json.dumps([first, given()]))
event = Note(msg="not read")
print(json.dumps(["pb_msg" in vars(event), event.msg, "pb_msg" in vars(event)]))
print(agate.Date()._constants is agate.DateTime()._constants)
"""


def test_what_dbt_makes_for_each_node_is_the_same_and_made_once() -> None:
    run = subprocess.run(
        [DBT.with_name("python"), "-c", GIVEN],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    given, event, shared = map(json.loads, run.stdout.lower().splitlines())
    theirs, ours = given
    assert theirs[2] == 5
    assert ours == theirs
    assert event == [False, "not read", True]
    assert shared
