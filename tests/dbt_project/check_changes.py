"""Builds of what has changed, each beside a build of everything: `make check-changes`.

After each change the tables must equal those that a build of everything makes of the same file.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
from typing import TYPE_CHECKING

import duckdb
import pytest

from evaluation.inputs import People, generate
from tests.dbt_project.made import tables
from tests.warm_dbt import DBT, ROOT

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

BUILD = ("build", "--exclude-resource-type", "unit_test")


class Warehouse:
    """A DuckDB file, the files beside it, and a project of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.database = folder / "warehouse.duckdb"
        self.vars = folder / "vars.yml"
        self.decisions = folder / "decisions.jsonl"
        self.project = folder / "dbt_project"
        shutil.copytree(
            ROOT / "dbt_project", self.project, ignore=shutil.ignore_patterns("target", "logs")
        )
        with (folder / "runs.jsonl").open("w", encoding="utf-8") as file:
            line = {"run_id": "a", "started_at": "2026-11-29T03:07:01Z", "step": "kizen"}
            file.write(json.dumps({"kind": "step", "result": "done", **line}) + "\n")

    def start(self, *arguments: str, database: Path | None = None) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [str(DBT.with_name("python")), "-m", "refresh.dbt_wait", *arguments],
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(self.folder),
                "PYTHONPATH": str(ROOT),
                "NO_COLOR": "1",
                "DUCKDB_PATH": str(database or self.database),
                "DUCKDB_VARS_PATH": str(self.vars),
                "DUCKDB_DECISIONS_PATH": str(self.decisions),
                "DUCKDB_LINK_LEVELS_PATH": str(self.folder / "link_levels.csv"),
                "DUCKDB_RUNS_PATH": str(self.folder / "runs.jsonl"),
                "DBT_PROJECT_DIR": str(self.project),
                "DBT_PROFILES_DIR": str(self.project),
                "DBT_TARGET_PATH": str(self.folder / "target"),
                "DBT_LOG_LEVEL_FILE": "none",
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def build(self, *arguments: str, database: Path | None = None, code: int = 0) -> str:
        with self.start(*BUILD, *arguments, database=database) as dbt:
            said, _ = dbt.communicate()
        assert dbt.returncode == code, said
        return next(
            (line for line in said.splitlines() if " is built: " in line), said
        ).removeprefix("dbt-wait: ")

    def run(self, *statements: str) -> None:
        with duckdb.connect(str(self.database)) as connection:
            connection.execute("set TimeZone = 'UTC'")
            for statement in statements:
                connection.execute(statement)

    def check(self, expected: str) -> str:
        """Build what has changed, and compare with a build of everything over a copy."""
        # A view names the file, so the copy has its name.
        copy = self.folder / "copy" / self.database.name
        copy.parent.mkdir(exist_ok=True)
        shutil.copyfile(self.database, copy)
        said = self.build("--changes-only")
        assert said.startswith(f"{expected} is built: "), said
        self.build(database=copy)
        found, wanted = tables(self.database), tables(copy)
        assert found.keys() == wanted.keys()
        differ = [name for name in wanted if found[name] != wanted[name]]
        assert differ == [], (said, differ)
        return said


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    folder = tmp_path_factory.mktemp("changes")
    warehouse = Warehouse(folder)
    people = People(folder / "truth_people.csv", 0.1)
    generate(
        warehouse.database, folder / "truth.csv", contacts=400, companies=300, seed=5, people=people
    )
    assert warehouse.build().startswith("Everything is built: ")
    shutil.copyfile(warehouse.database, folder / "first.duckdb")
    return warehouse


def add(file: Path, text: str) -> None:
    """Add to a file."""
    file.write_text(file.read_text(encoding="utf-8") + text, encoding="utf-8")


def decide(warehouse: Warehouse) -> None:
    """Decide against a link."""
    with duckdb.connect(str(warehouse.database), read_only=True) as connection:
        contact, company = connection.execute(
            "select contact_id, company_id from marts.contact_company_links "
            "where company_id is not null order by all limit 1"
        ).fetchall()[0]
    line = {
        "id": "d", "kind": "company_link", "decision": "forbid", "contact_id": contact,
        "company_id": company, "author": "Ida", "decided_at": "2026-11-29T03:07:01Z",
    }  # fmt: skip
    warehouse.decisions.write_text(json.dumps(line) + "\n", encoding="utf-8")


def by_hand(warehouse: Warehouse) -> None:
    """Run one model by other variables."""
    with warehouse.start(
        "run", "--select", "int_links__decided", "--vars", '{"link_margin": 90}'
    ) as dbt:
        said, _ = dbt.communicate()
    assert dbt.returncode == 0, said


def killed(warehouse: Warehouse) -> None:
    """Kill a build in its midst, after a change that it has taken half of."""
    warehouse.run("delete from kananas.contacts where hash(id) % 10 = 0")
    with warehouse.start(*BUILD, "--changes-only") as dbt:
        assert dbt.stdout is not None
        assert any("OK created sql table model" in line for line in dbt.stdout)
        os.killpg(dbt.pid, signal.SIGKILL)


CHANGES: dict[str, tuple[str, Callable[[Warehouse], object]]] = {
    "nothing": ("Nothing", lambda _: None),
    "a load of the same rows in another order": (
        "Nothing",
        lambda w: w.run(
            "create table kananas.other as select * from kananas.contacts order by hash(id)",
            "drop table kananas.contacts",
            "alter table kananas.other rename to contacts",
        ),
    ),
    "a contact": (
        "A part",
        lambda w: w.run(
            "update kananas.contacts set organisation = 'Bois et Fils' "
            "where id = (select min(id) from kananas.contacts)"
        ),
    ),
    "a contact is gone": (
        "A part",
        lambda w: w.run(
            "delete from kananas.contacts where id = (select max(id) from kananas.contacts)"
        ),
    ),
    "a company": (
        "A part",
        lambda w: w.run(
            "update kizen.companies set name = 'Bois et Fils' "
            "where id = (select min(id) from kizen.companies)"
        ),
    ),
    "companies are gone": (
        "A part",
        lambda w: w.run("delete from kizen.companies where hash(id) % 10 = 0"),
    ),
    "a person of the CRM": (
        "A part",
        lambda w: w.run(
            "update kizen.client_client set first_name = 'Zoé' "
            "where id = (select min(id) from kizen.client_client)"
        ),
    ),
    "a new column": (
        "A part",
        lambda w: w.run("alter table kananas.contacts add column tva varchar default 'x'"),
    ),
    "another type": (
        "A part",
        lambda w: w.run("alter table kananas.contacts alter tva type json using to_json(tva)"),
    ),
    "a table that models find by themselves": (
        "A part",
        lambda w: w.run(
            "create table kizen.custom_objects as select '1' as id, 'deals_sales' as name, "
            "'Sales' as object_name, 'pipeline' as object_type",
            "create table kizen.deals_sales as select 'd1' as id, 'Roof' as name",
        ),
    ),
    "a row of it": ("A part", lambda w: w.run("insert into kizen.deals_sales values ('d', '')")),
    "a table is gone": ("A part", lambda w: w.run("drop table kizen.deals_sales")),
    "a decision": ("A part", decide),
    "own weights": (
        "A part",
        lambda w: (w.folder / "link_levels.csv").write_text(
            "feature,level,weight\nname,exact,1\n", encoding="utf-8"
        ),
    ),
    "a sample": (
        "A part",
        lambda w: (w.folder / "audits.jsonl").write_text(
            '{"id": "s", "contact_id": "1", "stratum": "x", "stratum_size": "1"}\n', "utf-8"
        ),
    ),
    "a variable": (
        "Everything",
        lambda w: w.vars.write_text("link_margin: 4\nfreshness_warn_hours: 1\n", encoding="utf-8"),
    ),
    "the code": (
        "Everything",
        lambda w: add(w.project / "seeds" / "common_words.csv", "boulangerie,any name\n"),
    ),
    "a mart was dropped": ("Everything", lambda w: w.run("drop table marts.companies cascade")),
    "somebody has run a model": ("Everything", by_hand),
    "a build was killed": ("Everything", killed),
    "an older file": (
        "Everything",
        lambda w: shutil.copyfile(w.folder / "first.duckdb", w.database),
    ),
    "nothing after that": ("Nothing", lambda _: None),
}  # fmt: skip


@pytest.mark.parametrize("change", CHANGES)
def test_tables_equal_those_of_a_whole_build(built: Warehouse, change: str) -> None:
    expected, make = CHANGES[change]
    make(built)
    built.check(expected)


def test_a_test_that_fails_leaves_no_mark(built: Warehouse) -> None:
    model = built.project / "tests" / "assert_nothing.sql"
    model.write_text("select contact_id from {{ ref('stg_kananas__contacts') }}", encoding="utf-8")
    assert built.build("--changes-only", code=1).startswith("Everything is built: ")
    model.unlink()
    assert built.check("Everything").endswith("that came to its end")
