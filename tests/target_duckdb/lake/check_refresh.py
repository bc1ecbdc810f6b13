"""`refresh` and `dbt-wait` over lakes: what is read whole, and what is not built anew."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import pytest

from evaluation.inputs import People, generate
from refresh import steps
from refresh.cli import main
from refresh.meltano_log import OutputParser
from tests.e2e.checkout import wait_until
from tests.target_duckdb.helpers import load, record, schema
from tests.target_duckdb.lake import homes
from tests.target_duckdb.lake.check_marts import ROOT, rows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

BEGUN = """
SELECT table_name FROM duckdb_tables()
WHERE database_name = current_database() AND table_name = 'begun'
"""
BUILD = ("build", "--exclude-resource-type", "unit_test")

each_kind = pytest.mark.parametrize("kind", homes.KINDS)
ITEMS = schema({"id": {"type": "integer"}}, ["id"])


def put(home: homes.Home, number: int, into: str = "kizen") -> None:
    settings = {**home.settings, "default_target_schema": into, "add_record_metadata": True}
    settings |= {"snapshot_hours": 1}
    load(settings.pop("path"), [ITEMS, record({"id": number})], **settings)


@pytest.fixture
def run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[[homes.Home, int], str]:
    """What loads a row in the place of Meltano, in a run of `refresh`; returns what that says."""
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "meltano.yml").touch()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("REFRESH_SOURCES", "kizen")
    monkeypatch.delenv("MELTANO_ENVIRONMENT", raising=False)

    def run(home: homes.Home, number: int) -> str:
        monkeypatch.setenv("DUCKDB_PATH", home.path)
        monkeypatch.setenv("DUCKDB_DATA_PATH", home.data_path)

        def loads(program: steps.Program, *_: object) -> steps.ProgramResult:
            if program.command[-1] == "kizen":
                put(home, number)
            return steps.ProgramResult(0, OutputParser())

        monkeypatch.setattr("refresh.run.steps.run", loads)
        assert main([]) == 0
        return capsys.readouterr().out

    return run


@each_kind
def test_a_lake_that_is_new_or_another_is_read_whole(
    kind: str,
    tmp_path: Path,
    make_home_in: Callable[[str, Path], homes.Home],
    run: Callable[[homes.Home, int], str],
) -> None:
    one, other = (make_home_in(kind, tmp_path / name) for name in ("one", "other"))
    for home in (one, other):
        Path(home.data_path).parent.mkdir()
    assert f"kizen: is read whole: {one.path} has nothing of it" in run(one, 1)
    assert "read whole" not in run(one, 2)
    # Another one, whose rows are newer.
    put(other, 3)
    assert f"kizen: is read whole: {other.path} is another lake than" in run(other, 4)
    assert "read whole" not in run(other, 5)


def test_a_lake_that_was_restored_is_read_whole(
    tmp_path: Path,
    make_home: Callable[[str], homes.Home],
    run: Callable[[homes.Home, int], str],
) -> None:
    home = make_home("sqlite")
    run(home, 1)
    catalog, copy = tmp_path / "lake.catalog", tmp_path / "copy"
    with closing(sqlite3.connect(catalog)) as here, closing(sqlite3.connect(copy)) as there:
        here.backup(there)
    run(home, 2)
    assert "read whole" not in run(home, 3)
    shutil.copy(copy, catalog)
    for log in tmp_path.glob("lake.catalog-*"):
        log.unlink()
    assert "kizen: is read whole: " in (said := run(home, 4))
    assert f"{home.path} is older than what was loaded last\n" in said


def test_what_is_missing_is_said_once(
    make_home: Callable[[str], homes.Home],
    run: Callable[[homes.Home, int], str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    home = make_home("sqlite")
    put(home, 1)
    monkeypatch.setattr(duckdb, "__version__", "1.5.9")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(f"{__name__}.put", lambda *_: None)
        said = run(home, 2)
    assert said.count("warning: nobody looks whether this is the lake that was loaded last") == 1
    assert "`make lake`" in said


class Builds:
    """Builds over a lake, as Meltano starts them."""

    def __init__(self, home: homes.Home, folder: Path) -> None:
        self.home = home
        self.folder = folder

    @contextmanager
    def started(self, *arguments: str) -> Iterator[subprocess.Popen[str]]:
        """A build that goes on; at the end of the context it has ended well."""
        project = str(ROOT / "dbt_project")
        log = self.folder / "build.log"
        with log.open("w", encoding="utf-8") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "refresh.dbt_wait", *BUILD, *arguments],
                env={
                    **os.environ,
                    "NO_COLOR": "1",
                    "DUCKDB_PATH": self.home.path,
                    "DUCKDB_DATA_PATH": self.home.data_path,
                    "DUCKDB_DECISIONS_PATH": str(self.folder / "decisions.jsonl"),
                    "DBT_PROJECT_DIR": project,
                    "DBT_PROFILES_DIR": project,
                    "DBT_TARGET_PATH": str(self.folder / "target"),
                    "DBT_LOG_LEVEL_FILE": "none",
                },
                cwd=ROOT, stdout=output, stderr=output, text=True,
            )  # fmt: skip
            try:
                yield process
                code = process.wait()
            finally:
                process.kill()
                process.wait()
        assert code == 0, log.read_text(encoding="utf-8")[-4000:]

    def build(self, *arguments: str) -> str:
        """Build; return what it said of what is built."""
        with self.started(*arguments):
            pass
        said = (self.folder / "build.log").read_text(encoding="utf-8")
        (line,) = [line for line in said.splitlines() if " is built: " in line]
        return line

    def made(self) -> dict[str, Any]:
        with self.home.opened() as connection:
            return rows(connection)


@pytest.fixture
def builds(tmp_path: Path, make_home: Callable[[str], homes.Home]) -> Builds:
    """Builds over a lake that has the raw tables of generated accounts."""
    home = make_home("postgres")
    file = tmp_path / "raw.duckdb"
    people = People(tmp_path / "truth_people.csv", 0.05)
    generate(file, tmp_path / "truth.csv", contacts=300, companies=100, seed=1, people=people)
    put(home, 1)
    with home.opened() as connection:
        connection.execute("DROP TABLE kizen.items")
        connection.execute(f"ATTACH '{file}' AS raw (READ_ONLY)")
        for schema_, table in connection.execute(
            "SELECT schema_name, table_name FROM duckdb_tables() WHERE database_name = 'raw'"
        ).fetchall():
            name = f'"{schema_}"."{table}"'
            connection.execute(f'CREATE SCHEMA IF NOT EXISTS "{schema_}"')
            connection.execute(f"CREATE TABLE {name} AS FROM raw.{name}")
    return Builds(home, tmp_path)


def test_what_has_not_changed_is_not_built_anew(builds: Builds) -> None:
    nothing = "Nothing is built: no input has changed since the build of "
    assert "Everything is built: there is no mark" in builds.build("--changes-only")
    assert nothing in builds.build("--changes-only")
    with builds.home.opened() as connection:
        connection.execute("UPDATE kizen.companies SET name = name || ' AG' WHERE id < '2'")
    assert "A part is built: what depends on kizen.companies;" in builds.build("--changes-only")
    assert nothing in builds.build("--changes-only")
    (builds.folder / "decisions.jsonl").write_text("{}\n", encoding="utf-8")
    assert "A part is built: what depends on decisions;" in builds.build("--changes-only")
    in_parts = builds.made()
    assert "Everything is built: as asked for" in builds.build()
    whole = builds.made()
    assert in_parts.keys() == whole.keys()
    assert [name for name in whole if whole[name] != in_parts[name]] == []


def test_a_build_during_which_another_begins_leaves_no_mark(builds: Builds) -> None:
    def begins() -> bool:
        with builds.home.opened() as connection:
            if not connection.execute(BEGUN).fetchall():
                return False
            connection.execute("UPDATE build_mark.begun SET invocation = 'another build'")
            return True

    with builds.started():
        wait_until(begins)
    assert "Everything is built: there is no mark" in builds.build("--changes-only")
    assert "Nothing is built" in builds.build("--changes-only")
