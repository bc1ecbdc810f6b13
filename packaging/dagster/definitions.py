"""Kananas and Kizen in Dagster: what each tap loads, what dbt makes of it, and the published copy.

`make dagster` shows it in the browser. Sources and the copy go through Meltano, so the settings of
its project count: `MELTANO_ENVIRONMENT`, `.env`, `DUCKDB_PATH`.
"""

import json
import os
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import dagster as dg
import duckdb
from dagster_dbt import DagsterDbtTranslator, DbtCliResource, DbtProject, dbt_assets
from dotenv import load_dotenv

ROOT = Path(__file__).resolve().parents[2]
# Settings of the environment win over those of the file, as in Meltano.
load_dotenv(ROOT / ".env")
MELTANO = ROOT / ".venv" / "bin" / "meltano"
ENVIRONMENT = os.environ.setdefault("MELTANO_ENVIRONMENT", "prod")
OUTPUT = ROOT / "output" / ENVIRONMENT
# dbt reads them as Meltano would have set them.
DATABASE = Path(os.environ.setdefault("DUCKDB_PATH", str(OUTPUT / "warehouse.duckdb")))
for variable, path in {
    "DUCKDB_DECISIONS_PATH": OUTPUT / "decisions.jsonl",
    "DUCKDB_LINK_LEVELS_PATH": OUTPUT / "link_levels.csv",
    "DUCKDB_RUNS_PATH": OUTPUT / "runs.jsonl",
    "DUCKDB_VARS_PATH": ROOT / "config" / "vars.yml",
    "DBT_PROJECT_DIR": ROOT / "dbt_project",
}.items():
    os.environ.setdefault(variable, str(path))

# A service that is down for a moment is asked again; the taps' own retries come before.
RETRIES = dg.RetryPolicy(
    max_retries=int(os.environ.get("REFRESH_RETRIES", "2")),
    delay=60,
    backoff=dg.Backoff.EXPONENTIAL,
)
TRANSLATOR = DagsterDbtTranslator()

project = DbtProject(ROOT / "dbt_project", profiles_dir=ROOT / "dbt_project")
# That of Meltano: it waits for a held file, and has the account's own variables.
dbt_of_meltano = DbtCliResource(
    project_dir=project,
    dbt_executable=str(ROOT / ".meltano" / "utilities" / "dbt" / "venv" / "bin" / "dbt-wait"),
)
dbt_of_meltano.cli(["parse"], target_path=project.project_dir / project.target_path).wait()
manifest = json.loads(project.manifest_path.read_text(encoding="utf-8"))


def _meltano(*arguments: str) -> None:
    """Run Meltano; its lines go to the log of the step.

    Raises:
        Failure: It ended with another exit code than 0.
    """
    # Meltano writes settings, secrets too, into files while it runs.
    command = [MELTANO, *arguments]
    ended = subprocess.run(command, cwd=ROOT, umask=0o077, check=False)  # noqa: S603 - our own
    if ended.returncode:
        message = f"meltano {' '.join(arguments)} ended with {ended.returncode}"
        raise dg.Failure(message)


def _rows(schema: str, table: str) -> int:
    """Return how many rows a table has; 0 where the account has no such table."""
    with duckdb.connect(str(DATABASE), read_only=True) as connection:
        found = connection.execute(
            "select 1 from duckdb_tables() where schema_name = ? and table_name = ?",
            [schema, table],
        ).fetchone()
        if not found:
            return 0
        count = connection.table(f'"{schema}"."{table}"').count("*").fetchone()
    return int(count[0]) if count else 0


def _extracted(source: str) -> dg.AssetsDefinition:
    """Return the tables of a source as assets, which its tap loads together."""
    tables = {
        TRANSLATOR.get_asset_key(table): table
        for table in manifest["sources"].values()
        if table["source_name"] == source
    }

    @dg.multi_asset(
        name=source,
        specs=[
            dg.AssetSpec(
                key, description=table["description"], group_name=source, kinds={"meltano"}
            )
            for key, table in tables.items()
        ],
        retry_policy=RETRIES,
    )
    def load() -> Iterator[dg.MaterializeResult[None]]:
        _meltano("run", source)
        for key, table in tables.items():
            rows = _rows(table["schema"], table["identifier"])
            yield dg.MaterializeResult(asset_key=key, metadata={"dagster/row_count": rows})

    return load


# Tests of the data become asset checks; unit tests are for those who change a rule.
@dbt_assets(
    manifest=manifest,
    project=project,
    dagster_dbt_translator=TRANSLATOR,
    exclude="resource_type:unit_test",
)
def models(context: dg.AssetExecutionContext, dbt: DbtCliResource) -> Iterator[object]:
    """Seeds, snapshots, models and their tests."""
    yield from dbt.cli(["build"], context=context).stream()


@dg.asset(deps=models.keys, kinds={"duckdb"}, group_name="published")
def published_copy() -> dg.MaterializeResult[None]:
    """The copy that readers may keep open, and the report beside it."""
    _meltano("run", "publish:copy", "report:write")
    return dg.MaterializeResult(metadata={"bytes": DATABASE.stat().st_size})


kananas, kizen = _extracted("kananas"), _extracted("kizen")
refresh = dg.define_asset_job("refresh", selection=dg.AssetSelection.all())
# Events say that Kananas has changed: Kizen need not be read.
kananas_changed = dg.define_asset_job(
    "kananas_changed", selection=dg.AssetSelection.assets(kananas).downstream()
)
schedule = dg.ScheduleDefinition(
    job=refresh, cron_schedule=os.environ.get("REFRESH_CRON", "0 * * * *")
)


@dg.sensor(job=kananas_changed, minimum_interval_seconds=30)
def webhooks() -> dg.RunRequest | dg.SkipReason:
    """Start a run where the receiver's store has events that no run has read."""
    path = os.environ.get("TAP_KANANAS_WEBHOOK_STORE")
    if not path or not Path(path).exists():
        return dg.SkipReason("TAP_KANANAS_WEBHOOK_STORE names no store of kananas-webhooks")
    with closing(sqlite3.connect(f"{Path(path).resolve().as_uri()}?mode=ro", uri=True)) as store:
        (newest,) = store.execute("select max(sequence) from events").fetchone()
        (extracted,) = store.execute("select sequence from extraction").fetchone()
    if newest is None or newest <= extracted:
        return dg.SkipReason(f"every event up to {extracted} has been read")
    # One run for each newest event, however often it is looked for.
    return dg.RunRequest(run_key=str(newest))


definitions = dg.Definitions(
    assets=[kananas, kizen, models, published_copy],
    jobs=[refresh, kananas_changed],
    schedules=[schedule],
    sensors=[webhooks],
    resources={"dbt": dbt_of_meltano},
    # One step at a time, as DuckDB lets one process write, and one process for all: each new one
    # would have dbt parse the project again.
    executor=dg.in_process_executor,
)
