"""What counts as changed since the last build, over a DuckDB file with a mark."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import duckdb
import pytest

from refresh import build
from refresh.build import EVERYTHING, NOTHING, PART, Places, Plan

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

CONTACTS = """
create schema kananas;
create table kananas.contacts (
    id bigint, name varchar, size double, _sdc_received_at timestamptz, _sdc_deleted_at timestamptz
);
insert into kananas.contacts select range, 'Zoé ' || range, range / 7, now(), null from range(100);
create schema marts;
create table marts.contacts as select id from kananas.contacts;
"""
SOURCES = """
sources:
  - name: kananas
    schema: kananas
    tables: [{name: contacts}]
"""


class Marked:
    """A DuckDB file as a build leaves it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "project" / "models").mkdir(parents=True)
        (folder / "project" / "models" / "_sources.yml").write_text(SOURCES, encoding="utf-8")
        self.variables: dict[str, Any] = {}
        self.environment = {"DUCKDB_DECISIONS_PATH": str(folder / "decisions.jsonl")}
        self.connection = duckdb.connect(str(folder / "warehouse.duckdb"))
        self.connection.execute(CONTACTS)
        self.mark()

    def plan(self, **days: float) -> Plan:
        project = self.folder / "project"
        places = Places(project, project, self.variables, self.environment)
        now = datetime.now(timezone.utc) + timedelta(**days)
        return build.plan(self.connection, places, 7, now)

    def mark(self) -> None:
        """Leave the mark that dbt would."""
        found = self.plan().inputs
        self.run(
            "drop schema if exists build_mark cascade",
            "create schema build_mark",
            "create table build_mark.relations as select 'marts' as s, 'contacts' as t",
            "create table build_mark.repeats (place int, kind text, name text, code text)",
            "create table build_mark.inputs (name varchar, fingerprint varchar)",
            "create table build_mark.build as select now() as built_at, now() as whole_at",
        )
        self.connection.executemany("insert into build_mark.inputs values (?, ?)", found.items())

    def run(self, *statements: str) -> None:
        for statement in statements:
            self.connection.execute(statement)


@pytest.fixture
def marked(tmp_path: Path) -> Iterator[Marked]:
    made = Marked(tmp_path)
    yield made
    made.connection.close()


SAME: dict[str, tuple[str, ...]] = {
    "nothing": (),
    "a later load": ("update kananas.contacts set _sdc_received_at = now() + interval 1 day",),
    "another order": (
        "create table kananas.other as select * from kananas.contacts order by hash(id)",
        "drop table kananas.contacts",
        "alter table kananas.other rename to contacts",
    ),
    "a row that is gone was removed": (
        "insert into kananas.contacts values (999, 'gone', null, now(), now())",
    ),
}
OTHER: dict[str, str] = {
    "a value": "update kananas.contacts set name = 'Zoe' where id = 7",
    "null instead of empty": "update kananas.contacts set size = null where id = 0",
    "values changed places": "update kananas.contacts set id = 157 - id where id in (78, 79)",
    "a row is marked as gone": "update kananas.contacts set _sdc_deleted_at = now() where id = 7",
    "a row is gone": "delete from kananas.contacts where id = 7",
    "a row came twice": "insert into kananas.contacts select * from kananas.contacts where id = 7",
    "a column": "alter table kananas.contacts add column city varchar",
    "a type": "alter table kananas.contacts alter size type decimal(18, 3)",
    "a name of a column": "alter table kananas.contacts rename size to weight",
    "no rows": "truncate kananas.contacts",
    "no table": "drop table kananas.contacts",
}


@pytest.mark.parametrize("case", SAME)
def test_what_changes_no_model_is_no_change(marked: Marked, case: str) -> None:
    marked.run(*SAME[case])
    assert marked.plan().what == NOTHING


@pytest.mark.parametrize("case", OTHER)
def test_a_changed_table_builds_what_depends_on_it(marked: Marked, case: str) -> None:
    marked.run(OTHER[case])
    plan = marked.plan()
    assert plan.what == PART
    assert plan.select == ("source:kananas.contacts+", "tag:each_build+")
    assert "kananas.contacts" in str(plan)
    # The last build of everything stays what it was.
    marked.mark()
    assert marked.plan().what == NOTHING
    assert plan.whole_at


def _project(marked: Marked) -> None:
    (marked.folder / "project" / "models" / "a.sql").write_text("select 1", encoding="utf-8")


EVERYTHING_FOR: dict[str, Callable[[Marked], object]] = {
    "code": _project,
    "a variable": lambda marked: marked.variables.update(link_margin=4),
    "an environment variable of dbt": lambda marked: marked.environment.update(DBT_THREADS="3"),
    "a table elsewhere": lambda marked: marked.run("create schema own; create table own.t(i int)"),
    "a mart that is gone": lambda marked: marked.run("drop table marts.contacts"),
    "no mark": lambda marked: marked.run("drop schema build_mark cascade"),
    "half a mark": lambda marked: marked.run("truncate build_mark.build"),
}  # fmt: skip


@pytest.mark.parametrize("case", EVERYTHING_FOR)
def test_what_may_concern_every_model_builds_everything(marked: Marked, case: str) -> None:
    EVERYTHING_FOR[case](marked)
    plan = marked.plan()
    assert (plan.what, plan.whole_at, plan.select) == (EVERYTHING, "", ())


def test_what_dbt_writes_into_the_project_is_no_input(marked: Marked) -> None:
    project = marked.folder / "project"
    marked.environment["DBT_TARGET_PATH"] = "written"
    for folder in ("target", "logs", "written"):
        (project / folder).mkdir()
        (project / folder / "file").touch()
    assert marked.plan().what == NOTHING
    (project / "macros").mkdir()
    (project / "macros" / "file").touch()
    assert marked.plan().what == EVERYTHING


def test_a_file_that_dbt_reads_counts_by_its_content(marked: Marked) -> None:
    (marked.folder / "decisions.jsonl").write_text("{}\n", encoding="utf-8")
    assert marked.plan().select == ("tag:each_build+", "tag:reads_decisions+")
    (marked.folder / "audits.jsonl").write_text("{}\n", encoding="utf-8")
    assert marked.plan().select == ("tag:each_build+", "tag:reads_decisions+", "tag:reads_samples+")
    marked.mark()
    (marked.folder / "decisions.jsonl").touch()
    assert marked.plan().what == NOTHING
    marked.variables["decisions_path"] = str(marked.folder / "elsewhere.jsonl")
    assert marked.plan().what == EVERYTHING


def test_everything_is_built_after_some_days_and_where_the_clock_is_wrong(marked: Marked) -> None:
    assert marked.plan(days=6.9).what == NOTHING
    assert marked.plan(days=7.1).what == EVERYTHING
    assert marked.plan(days=-1).what == EVERYTHING


def test_a_model_may_be_told_to_read_the_loaders_columns(marked: Marked) -> None:
    marked.variables["contact_columns"] = {"updated_at": ["_sdc_received_at"]}
    marked.mark()
    marked.run(*SAME["a later load"])
    assert marked.plan().what == PART


def test_what_time_changes_is_repeated_with_its_tests_or_not_at_all(marked: Marked) -> None:
    marked.run(
        "create table marts.run_steps (step varchar)",
        "insert into build_mark.repeats values "
        "(1, 'statement', 'run_steps', 'delete from marts.run_steps; "
        "insert into marts.run_steps by name select ''kizen'' as step'), "
        "(2, 'test', 'never_null', 'select * from marts.run_steps where step is null')",
    )
    assert build.repeat(marked.connection) == 1
    steps = "select step from marts.run_steps"
    assert marked.connection.execute(steps).fetchall() == [("kizen",)]
    marked.run(
        "insert into build_mark.repeats values "
        "(0, 'statement', 'x', 'insert into marts.run_steps values (''lost'')'), "
        "(3, 'test', 'assert_none', 'select * from marts.run_steps')",
    )
    with pytest.raises(build.RepeatError, match="assert_none found 1 rows"):
        build.repeat(marked.connection)
    assert marked.connection.execute(steps).fetchall() == [("kizen",)]


def test_the_schemas_are_those_of_the_macro() -> None:
    from tests.dbt_project.project import ROOT  # noqa: PLC0415

    text = (ROOT / "dbt_project" / "macros" / "build_mark.sql").read_text(encoding="utf-8")
    assert "'" + "', '".join(build.MADE_SCHEMAS) + "'" in text
