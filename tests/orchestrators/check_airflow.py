"""The DAG, read and run by Airflow itself: `make check-airflow`.

Needs `.venv-airflow`, so `make test` leaves it out.
"""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import duckdb
import pytest

from tests.e2e.checkout import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    Airflow = Callable[..., subprocess.CompletedProcess[str]]

BIN = ROOT / ".venv-airflow" / "bin"


@pytest.fixture
def airflow(tmp_path: Path, project_environment: Mapping[str, str]) -> Airflow:
    """Airflow's command, with a database of its own that knows the DAG."""
    environment = {
        **project_environment,
        "PATH": f"{BIN}:/usr/bin:/bin",
        "AIRFLOW_HOME": str(tmp_path / "airflow"),
        "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "packaging" / "airflow"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "KANANAS_KIZEN_PROJECT": str(ROOT),
    }

    def run(*arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [BIN / "airflow", *arguments], env={**environment, **more}, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, check=False,
        )  # fmt: skip

    for command in (("db", "migrate"), ("dags", "reserialize")):
        done = run(*command)
        assert done.returncode == 0, done.stdout[-4000:]
    return run


def test_the_dag_loads_joins_and_publishes(airflow: Airflow, tmp_path: Path) -> None:
    done = airflow("dags", "test", "kananas_kizen")
    assert done.returncode == 0, done.stdout[-4000:]
    with duckdb.connect(str(tmp_path / "warehouse.duckdb"), read_only=True) as connection:
        links = connection.execute("select count(*) from marts.contact_company_links").fetchone()
    assert links is not None
    assert links[0] > 0
    assert (tmp_path / "published" / "report.html").exists()


def test_a_source_that_fails_stops_no_other_task_and_fails_the_run(
    airflow: Airflow, tmp_path: Path
) -> None:
    wrong = {"TAP_KANANAS_SECRET_KEY": "wrong", "REFRESH_RETRIES": "0"}
    done = airflow("dags", "test", "kananas_kizen", **wrong)
    assert (
        done.returncode != 0 or "DagRunState.FAILED" in done.stdout or "state=failed" in done.stdout
    )
    with duckdb.connect(str(tmp_path / "warehouse.duckdb"), read_only=True) as connection:
        companies = connection.execute("select count(*) from marts.companies").fetchone()
    assert companies is not None
    assert companies[0] > 0
