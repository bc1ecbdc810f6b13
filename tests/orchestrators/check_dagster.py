"""The Dagster project, run by Dagster itself: `make check-dagster`.

Needs `.venv-dagster`, so `make test` leaves it out.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import pytest

from kananas_webhooks.events import new_event
from kananas_webhooks.store import Store
from tests.e2e.checkout import ROOT

if TYPE_CHECKING:
    from collections.abc import Mapping

BIN = ROOT / ".venv-dagster" / "bin"
FILE = ROOT / "packaging" / "dagster" / "definitions.py"

# What the instance knows after a run: rows of each asset, and how many checks passed.
SEEN = """
import json
from dagster import AssetKey, DagsterInstance
instance = DagsterInstance.get()
rows = {}
for key in instance.get_asset_keys():
    event = instance.get_latest_materialization_event(key)
    if event:
        metadata = event.asset_materialization.metadata
        rows["/".join(key.path)] = getattr(metadata.get("dagster/row_count"), "value", None)
checks = [
    event.event_log_entry.dagster_event.event_specific_data.passed
    for record in instance.get_run_records()
    for event in instance.get_records_for_run(record.dagster_run.run_id).records
    if event.event_log_entry.dagster_event
    and event.event_log_entry.dagster_event.event_type_value == "ASSET_CHECK_EVALUATION"
]
print(json.dumps({"rows": rows, "checks": checks}))
"""
TICK = """
import json, dagster, definitions
found = definitions.webhooks(dagster.build_sensor_context(instance=dagster.DagsterInstance.get()))
print(json.dumps(getattr(found, "run_key", None)))
"""


@dataclass(frozen=True)
class Instance:
    """A home of Dagster, and the environment that its programs run in."""

    folder: Path
    environment: Mapping[str, str]

    @property
    def database(self) -> Path:
        return Path(self.environment["DUCKDB_PATH"])

    def run(self, *command: str | Path, **more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command, cwd=FILE.parent, env={**self.environment, **more}, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, check=False,
        )  # fmt: skip

    def execute(self, job: str, **more: str) -> subprocess.CompletedProcess[str]:
        return self.run(BIN / "dagster", "job", "execute", "-f", FILE, "-j", job, **more)

    def ask(self, program: str, **more: str) -> Any:
        done = self.run(BIN / "python", "-c", program, **more)
        return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture
def instance(tmp_path: Path, project_environment: Mapping[str, str]) -> Instance:
    home = tmp_path / "home"
    home.mkdir()
    shutil.copy(FILE.with_name("dagster.yaml"), home)
    environment = {
        **project_environment,
        "PATH": f"{BIN}:/usr/bin:/bin",
        "DAGSTER_HOME": str(home),
    }
    return Instance(tmp_path, environment)


def test_a_refresh_makes_every_asset_with_its_rows_and_checks(instance: Instance) -> None:
    done = instance.execute("refresh")
    assert done.returncode == 0, done.stdout[-4000:]
    seen = instance.ask(SEEN)
    with duckdb.connect(str(instance.database), read_only=True) as connection:
        for key in ("kananas/contacts", "kizen/companies", "kizen/team"):
            count = connection.execute(f"select count(*) from {key.replace('/', '.')}").fetchone()
            assert count == (seen["rows"][key],)
            assert seen["rows"][key] > 0
        links = connection.execute("select count(*) from marts.contact_company_links").fetchone()
    assert links is not None
    assert links[0] > 0
    assert "marts/contact_company_links" in seen["rows"]
    assert "published_copy" in seen["rows"]
    assert len(seen["checks"]) > 100
    assert all(seen["checks"])
    published = instance.folder / "published"
    assert {"warehouse.duckdb", "report.html"} <= {file.name for file in published.iterdir()}


def test_a_failed_source_fails_the_run_and_is_named(instance: Instance) -> None:
    done = instance.execute("kananas_changed", TAP_KANANAS_SECRET_KEY="wrong", REFRESH_RETRIES="0")
    assert done.returncode == 1
    assert "meltano run kananas ended with 1" in done.stdout
    assert "contact_company_links" not in instance.ask(SEEN)["rows"]


def test_an_event_starts_one_run_until_it_has_been_read(instance: Instance) -> None:
    store = instance.folder / "events.sqlite"
    settings = {"TAP_KANANAS_WEBHOOK_STORE": str(store)}
    assert instance.ask(TICK, **settings) is None
    with closing(Store(store)) as opened:
        opened.append([new_event(b"{}", [], "", [])])
        assert instance.ask(TICK, **settings) == str(opened.last_sequence)
