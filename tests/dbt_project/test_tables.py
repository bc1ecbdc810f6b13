"""How a table is replaced: by few statements, and not at all where its query fails."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tests.dbt_project.project import read, write

if TYPE_CHECKING:
    from pathlib import Path

    from tests.dbt_project.project import Project

MODEL = ("run", "--select", "contact_mapping_report")
STATEMENT = re.compile(r"On model\.kananas_kizen\.contact_mapping_report: (?:/\*.*?\*/\s*)?(\w+)")
COUNTED = "select distinct contact_count from marts.contact_mapping_report"


def test_a_table_is_replaced_at_once_or_stays(
    project: Project, database: Path, tmp_path: Path
) -> None:
    write(
        database,
        "create schema kananas",
        "create table loaded as select 1 as id, 'a@b.example' as email",
        "create view kananas.contacts as "
        "select id, if(id = 3, error('torn'), email) as email from loaded",
    )
    first = project.run(database, *MODEL)
    assert first.exit_code == 0, first.output
    write(database, "insert into loaded values (2, 'c@d.example')")
    again = project.run(database, *MODEL, DBT_LOG_PATH=str(tmp_path), DBT_LOG_LEVEL_FILE="debug")
    assert again.exit_code == 0, again.output
    assert read(database, COUNTED) == [(2,)]
    # Twice for the contract, the table, and its comments.
    said = (tmp_path / "dbt.log").read_text(encoding="utf-8")
    statements = [name.lower() for name in STATEMENT.findall(said)]
    changing = [name for name in statements if name not in {"begin", "select", "commit", "close"}]
    assert changing == ["describe", "describe", "drop", "comment"]
    columns = read(
        database, "select comment is not null from duckdb_columns() where schema_name = 'marts'"
    )
    assert set(columns) == {(True,)}

    write(database, "insert into loaded values (3, 'e@f.example')")
    failed = project.run(database, *MODEL)
    assert failed.exit_code == 1
    assert "torn" in failed.output
    assert read(database, COUNTED) == [(2,)]
