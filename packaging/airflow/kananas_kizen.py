"""Airflow: Kananas and Kizen into DuckDB, every hour. Copy it into the folder of DAGs.

`KANANAS_KIZEN_PROJECT` names the project's folder on the worker, where `make setup` has been run.
"""

import os
from datetime import datetime, timedelta, timezone
from pathlib import Path

from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG

PROJECT = os.environ.get("KANANAS_KIZEN_PROJECT", str(Path.home() / "kananas-kizen-elt"))
RETRIES = int(os.environ.get("REFRESH_RETRIES", "2"))


def run(task_id: str, job: str, trigger_rule: str) -> BashOperator:
    """Return a task that runs a job of Meltano; what it writes is for its owner alone."""
    return BashOperator(
        task_id=task_id,
        bash_command=f"umask 077 && .venv/bin/meltano run {job}",
        cwd=PROJECT,
        append_env=True,
        trigger_rule=trigger_rule,
    )


with DAG(
    "kananas_kizen",
    schedule="@hourly",
    start_date=datetime(2026, 1, 1, tzinfo=timezone.utc),
    catchup=False,
    max_active_runs=1,
    default_args={"retries": RETRIES, "retry_delay": timedelta(minutes=1)},
) as dag:
    # One after the other, as DuckDB lets one process at a time write. A source that fails stops
    # neither the other one nor the models.
    kananas = run("kananas", "kananas", "all_success")
    kizen = run("kizen", "kizen", "all_done")
    transform = run("transform", "transform", "all_done")
    # The run is what its last task is: it fails where one of the three did.
    refreshed = BashOperator(task_id="refreshed", bash_command="true", retries=0)
    kananas >> kizen >> transform
    [kananas, kizen, transform] >> refreshed
