"""The same input through a file and through a lake: dbt makes equal tables, column for column."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from sandbox.options import Options
from sandbox.server import running
from tests.e2e.checkout import settings_for

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.target_duckdb.lake import homes

ROOT = Path(__file__).parents[3]
BIN = Path(sys.executable).parent

CHANGING = {
    "built_at", "changed_at", "dbt_scd_id", "dbt_updated_at", "dbt_valid_from", "dbt_valid_to",
    "last_built_at", "loaded_at",
}  # fmt: skip
"""Columns that say when a load or a build was."""

COLUMNS = """
SELECT schema_name, table_name, column_name, data_type FROM duckdb_columns()
WHERE database_name = current_database() AND schema_name IN ('kananas', 'kizen', 'marts', 'history')
ORDER BY ALL
"""


def run(command: list[str], log: Path, **variables: str) -> None:
    """Run a program; what it says is shown where it fails."""
    with log.open("wb") as output:
        done = subprocess.run(
            command, stdout=output, stderr=output, env={**os.environ, **variables}, check=False
        )
    assert done.returncode == 0, log.read_text(errors="replace")[-4000:]


def loaded(messages: Path, schema: str, folder: Path, **settings: Any) -> None:
    config = folder / "config.json"
    given = {"default_target_schema": schema, "add_record_metadata": True, **settings}
    config.write_text(json.dumps(given), encoding="utf-8")
    with messages.open("rb") as lines:
        subprocess.run(
            [str(BIN / "target-duckdb"), "--config", str(config)],
            stdin=lines, stdout=subprocess.DEVNULL, check=True,
        )  # fmt: skip


def built(folder: Path, **variables: str) -> None:
    project = str(ROOT / "dbt_project")
    run(
        [
            str(BIN / "dbt"), "--no-use-colors", "build", "--exclude-resource-type", "unit_test",
            "--project-dir", project, "--profiles-dir", project,
        ],
        folder / "dbt.log",
        DBT_TARGET_PATH=str(folder / "target"), DBT_LOG_LEVEL_FILE="none", **variables,
    )  # fmt: skip


def rows(connection: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    """All rows of all tables as texts, sorted, and the types of their columns."""
    connection.execute("SET TimeZone = 'UTC'")
    found: dict[tuple[str, str], dict[str, str]] = {}
    for schema, table, column, kind in connection.execute(COLUMNS).fetchall():
        found.setdefault((schema, table), {})[column] = kind
    result: dict[str, Any] = {}
    for (schema, table), columns in found.items():
        kept = sorted(
            name
            for name in columns
            if name not in CHANGING and not (name.startswith("_sdc_") and schema != "marts")
        )
        cells = ", ".join(f'"{name}"::VARCHAR' for name in kept)
        query = f'SELECT {cells} FROM "{schema}"."{table}" ORDER BY ALL'
        content = connection.execute(query).fetchall()
        result[f"{schema}.{table}"] = (columns, kept, content)
    return result


def test_marts_of_a_lake_are_those_of_a_file(
    tmp_path: Path, make_home: Callable[[str], homes.Home]
) -> None:
    home = make_home("postgres")
    messages = {}
    with running(Options(contacts=400, companies=150, rate_limit=0)) as sandbox:
        for source in ("kananas", "kizen"):
            messages[source] = tmp_path / f"{source}.singer"
            with messages[source].open("wb") as output:
                subprocess.run(
                    [str(BIN / f"tap-{source}"), "--config", "ENV"],
                    stdout=output, env={**os.environ, **settings_for(sandbox)}, check=True,
                )  # fmt: skip
    file = tmp_path / "lake.duckdb"
    for source, path in messages.items():
        loaded(path, source, tmp_path, path=str(file))
        loaded(path, source, tmp_path, **home.settings)
    for name, variables in (
        ("file", {"DUCKDB_PATH": str(file)}),
        ("lake", {"DUCKDB_PATH": home.path, "DUCKDB_DATA_PATH": home.data_path}),
    ):
        folder = tmp_path / name
        folder.mkdir()
        built(folder, **variables)
    with duckdb.connect(str(file), read_only=True) as connection:
        wanted = rows(connection)
    with home.opened() as connection:
        found = rows(connection)
    variables = {"DUCKDB_PATH": home.path, "DUCKDB_DATA_PATH": home.data_path}
    variables["DUCKDB_PUBLISH_DIR"] = str(tmp_path / "published")
    for _ in range(2):
        run([str(BIN / "duckdb-publish")], tmp_path / "publish.log", **variables)
    assert sorted(path.name for path in (tmp_path / "published").iterdir()) == [
        "lake.duckdb",
        "lake.duckdb.wal",
    ]
    with duckdb.connect(str(tmp_path / "published" / "lake.duckdb"), read_only=True) as connection:
        assert rows(connection) == found
        assert connection.execute("SELECT count(*) FROM marts.freshness").fetchall() == [(2,)]
    run([str(BIN / "report")], tmp_path / "report.log", **variables)
    assert "<html" in (tmp_path / "published" / "report.html").read_text(encoding="utf-8")
    assert wanted.keys() == found.keys()
    assert len([name for name in wanted if name.startswith("marts.")]) > 10
    assert len(wanted["marts.contact_company_links"][2]) > 50
    assert {name: columns for name, (columns, *_) in found.items()} == {
        name: columns for name, (columns, *_) in wanted.items()
    }
    other = {
        name: [
            column
            for place, column in enumerate(kept)
            if Counter(row[place] for row in content)
            != Counter(row[place] for row in found[name][2])
        ]
        for name, (_, kept, content) in wanted.items()
        if found[name][2] != content
    }
    assert other == {}
