"""DuckDB leaves a core to each model that dbt builds, until models wait for one another."""

from __future__ import annotations

from typing import TYPE_CHECKING

import duckdb

from tests.dbt_project.project import Project, read

if TYPE_CHECKING:
    from pathlib import Path

THREADS = "select current_setting('threads') as threads"
AFTER_THE_KEYS = "-- depends_on: {{ ref('int_links__block_keys') }}\n"
KEYS = ("build", "--exclude-resource-type", "test", "unit_test", "--select")


def test_cores_are_shared_until_a_model_is_waited_for(
    tmp_path: Path, database: Path, parsed: Path, dbt_program: Path
) -> None:
    with duckdb.connect() as connection:
        ((cores,),) = connection.execute(THREADS).fetchall()
    project = Project.copied_to(tmp_path, parsed, dbt_program)
    models = tmp_path / "dbt_project" / "models" / "intermediate"
    (models / "threads_at_first.sql").write_text(THREADS)
    (models / "threads_at_last.sql").write_text(AFTER_THE_KEYS + THREADS)
    for models_dbt_builds in (2, cores + 1):
        first = project.run(
            database, "run", "--select", "threads_at_first", DBT_THREADS=str(models_dbt_builds)
        )
        assert first.exit_code == 0, first.output
        left = max(1, cores - models_dbt_builds + 1)
        assert read(database, "from intermediate.threads_at_first") == [(left,)]
    last = project.run(database, *KEYS, "+int_links__block_keys", "threads_at_last")
    assert last.exit_code == 0, last.output
    assert read(database, "from intermediate.threads_at_last") == [(cores,)]
