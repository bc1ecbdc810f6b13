"""How old the loaded data is, and what the runs before have done."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.dbt_project.project import VARIABLES, read, write

if TYPE_CHECKING:
    from pathlib import Path

    from tests.dbt_project.project import Project

MODELS = ("run", "--select", "+freshness", "run_streams")
FRESH = """
select source, row_count, state, stale_since is not null,
    cast(failing_since as varchar), last_error
from marts.freshness order by source
"""
LOADED = """
create table {table} as
select 'a' as id, now() - interval {hours} hours as _sdc_received_at,
    cast(null as timestamptz) as _sdc_deleted_at
"""


def _account(database: Path, **hours: int) -> None:
    write(
        database,
        "create schema kananas",
        "create schema kizen",
        *(
            LOADED.format(table=name.replace("__", "."), hours=number)
            for name, number in hours.items()
        ),
    )


def _line(kind: str, run: int, step: str, **more: object) -> str:
    started = f"2026-11-0{run}T03:07:00Z"
    return json.dumps(
        {"kind": kind, "run_id": f"r{run}", "step": step, "started_at": started, **more}
    )


def test_an_account_that_serves_objects_only(project: Project, database: Path) -> None:
    _account(database, kananas__contacts=1, kizen__companies_company=50)
    warned = project.run(database, "source", "freshness")
    assert warned.exit_code == 0, warned.output
    assert "PASS freshness of kananas.contacts" in warned.output
    assert "WARN freshness of kizen.companies" in warned.output
    failed = project.run(database, "source", "freshness", "--vars", json.dumps(VARIABLES))
    assert failed.exit_code == 1
    assert "ERROR STALE freshness of kizen.companies" in failed.output


def test_a_source_that_was_never_loaded_is_named(project: Project, database: Path) -> None:
    _account(database, kananas__contacts=1)
    failed = project.run(database, "source", "freshness")
    assert failed.exit_code == 1
    assert "kizen has none of the tables companies, companies_company" in failed.output


def test_the_marts_tell_of_loads_and_of_runs(
    project: Project, database: Path, tmp_path: Path
) -> None:
    _account(database, kananas__contacts=1, kizen__companies=100, kizen__companies_company=50)
    runs = tmp_path / "the runs.jsonl"
    lines = [
        _line("step", 1, "kizen", result="done", seconds=2.5, rows_loaded=3, rows_updated=2),
        _line("step", 2, "kizen", result="failed", seconds=1.0, rows_loaded=0, error="first"),
        _line("step", 3, "kizen", result="interrupted", seconds=1.0, error="ended by SIGTERM"),
        _line("step", 3, "kananas", result="failed", seconds=1.0, error="once"),
        _line("step", 4, "kananas", result="done", seconds=1.5, error=None),
        _line(
            "stream",
            4,
            "kananas",
            stream="contacts",
            rows_loaded=12,
            rows_inserted=2,
            rows_updated=10,
            rows_deleted=1,
            rows_in_table=1,
        ),
        # As before the loader told what it changes.
        _line("stream", 3, "kananas", stream="contacts", rows_loaded=7),
        '{"kind": "step", "run_id": "r5", "st',
    ]
    runs.write_text("\n".join(lines), encoding="utf-8")
    run = project.run(database, *MODELS, DUCKDB_RUNS_PATH=str(runs))
    assert run.exit_code == 0, run.output
    assert read(database, FRESH) == [
        ("kananas", 1, "fresh", False, None, None),
        ("kizen", 1, "warn", True, "2026-11-02 03:07:00+00", "ended by SIGTERM"),
    ]
    steps = (
        "select run_id, step, result, seconds, rows_loaded, rows_updated from marts.run_steps "
        "order by 1, 2"
    )
    assert read(database, steps) == [
        ("r1", "kizen", "done", 2.5, 3, 2),
        ("r2", "kizen", "failed", 1.0, 0, None),
        ("r3", "kananas", "failed", 1.0, None, None),
        ("r3", "kizen", "interrupted", 1.0, None, None),
        ("r4", "kananas", "done", 1.5, None, None),
    ]
    streams = "select * exclude (run_id) from marts.run_streams order by run_id"
    assert read(database, streams) == [
        ("kananas", "contacts", 7, None, None, None, None),
        ("kananas", "contacts", 12, 2, 10, 1, 1),
    ]


def test_without_a_file_of_runs_and_loads(project: Project, database: Path) -> None:
    run = project.run(database, *MODELS)
    assert run.exit_code == 0, run.output
    assert read(database, FRESH) == [
        ("kananas", 0, "never loaded", False, None, None),
        ("kizen", 0, "never loaded", False, None, None),
    ]
    assert read(database, "select count(*) from marts.run_steps") == [(0,)]
