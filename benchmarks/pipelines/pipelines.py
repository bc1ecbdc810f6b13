"""What is compared: each pipeline as the programs it is made of."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
ENVIRONMENTS = HERE.parent / "environments"
#: The object whose records are read where a case is about those.
OBJECT = "companies_company"
_ID = "00000000-0000-4000-8000-000000000000"


@dataclass(frozen=True)
class Case:
    """What a pipeline is to load, and where to.

    Attributes:
        url: Base address of the service.
        records: The file that the service answers from.
        database: The DuckDB file to fill.
        directory: A directory for whatever else a pipeline needs.
        limit: Requests a second that the service allows, 0 for no limit.
        is_object: Whether the records are those of an object.
    """

    url: str
    records: Path
    database: Path
    directory: Path
    limit: int
    is_object: bool = False

    def config(self, name: str, settings: Mapping[str, Any]) -> str:
        """Write a settings file; return its path."""
        path = self.directory / f"{name}.json"
        path.write_text(json.dumps(settings), encoding="utf-8")
        return str(path)

    @property
    def variables(self) -> dict[str, str]:
        """What peers are told by their environment."""
        return {
            "BENCH_URL": self.url,
            "BENCH_DUCKDB": str(self.database),
            "BENCH_RECORDS": str(self.records),
        }


@dataclass(frozen=True)
class Pipeline:
    """A way from the service into DuckDB.

    Attributes:
        label: What the table calls it.
        commands: The programs, for a case.
        table: Where the rows are, as SQL; None where nothing is loaded.
        environments: Names of the environments it needs, by their requirement files.
        variables: What the programs find in their environment, for a case.
        only_first: Whether a second load says nothing.
        reads_objects: Whether it can read the records of an object.
    """

    label: str
    commands: Callable[[Case], list[list[str]]]
    table: str | None = "bench.companies"
    environments: tuple[str, ...] = ()
    variables: Callable[[Case], dict[str, str]] = lambda case: case.variables
    only_first: bool = False
    reads_objects: bool = False


def python_of(environment: str) -> str:
    """Return the interpreter of a peer's environment."""
    return str(ENVIRONMENTS / environment / "bin" / "python")


def _tap_settings(case: Case) -> dict[str, Any]:
    settings: dict[str, Any] = {
        "api_url": case.url,
        "api_key": "none",
        "user_id": _ID,
        "business_id": _ID,
    }
    if not case.limit:
        settings["rate_limit"] = 1_000
    return settings


def _target(case: Case) -> list[str]:
    settings = {"path": str(case.database), "default_target_schema": "bench"}
    return [sys.executable, "-m", "target_duckdb", "--config", case.config("target", settings)]


def _ours_in_records(case: Case) -> list[list[str]]:
    tap = case.config("tap", _tap_settings(case))
    return [[sys.executable, "-m", "tap_kizen", "--config", tap], _target(case)]


def _ours_in_batches(case: Case) -> list[list[str]]:
    folder = case.directory / "batches"
    folder.mkdir(exist_ok=True)
    batches = {
        "encoding": {"format": "jsonl", "compression": "none"},
        "storage": {"root": folder.as_uri()},
    }
    tap = case.config("tap", {**_tap_settings(case), "batch_config": batches})
    return [[sys.executable, "-m", "tap_kizen", "--config", tap], _target(case)]


def _meltano(_case: Case) -> list[list[str]]:
    return [[str(ROOT / ".venv" / "bin" / "meltano"), "run", "tap-kizen", "target-duckdb"]]


def _meltano_variables(case: Case) -> dict[str, str]:
    settings = {f"TAP_KIZEN_{key.upper()}": str(v) for key, v in _tap_settings(case).items()}
    return {
        **settings,
        "DUCKDB_PATH": str(case.database),
        "TARGET_DUCKDB_DEFAULT_TARGET_SCHEMA": "bench",
        # As the bare pipe does: six columns more take 1.8 s of processor time a million rows.
        "TARGET_DUCKDB_ADD_RECORD_METADATA": "false",
        "MELTANO_DATABASE_URI": f"sqlite:///{case.directory / 'meltano.db'}",
        "MELTANO_SEND_ANONYMOUS_USAGE_STATS": "false",
    }


def _public(case: Case) -> list[list[str]]:
    settings = {"path": str(case.database), "default_target_schema": "bench"}
    loader = Path(python_of("public-target")).with_name("target-duckdb")
    return [
        [
            python_of("sdk-tap"),
            str(HERE / "peers" / "sdk_tap.py"),
            "--config",
            case.config("t", {}),
        ],
        [str(loader), "--config", case.config("target", settings)],
    ]


def _script(environment: str, name: str, *arguments: str) -> Callable[[Case], list[list[str]]]:
    command = [python_of(environment), str(HERE / "peers" / name), *arguments]
    return lambda _case: [command]


def _own_script(name: str, *arguments: str) -> Callable[[Case], list[list[str]]]:
    return lambda _case: [[sys.executable, str(HERE / "peers" / name), *arguments]]


OURS = "ours, BATCH files"
PIPELINES = [
    Pipeline(OURS, _ours_in_batches, reads_objects=True),
    Pipeline("ours, records", _ours_in_records, reads_objects=True),
    Pipeline("ours, meltano run", _meltano, variables=_meltano_variables, reads_objects=True),
    Pipeline(
        "SDK's tap as generated, public target-duckdb",
        _public,
        environments=("sdk-tap", "public-target"),
    ),
    Pipeline(
        "dlt rest_api, defaults",
        _script("dlt", "dlt_pipeline.py", "default"),
        environments=("dlt",),
    ),
    Pipeline(
        "dlt rest_api, parquet, no child tables, parallel",
        _script("dlt", "dlt_pipeline.py", "flat"),
        environments=("dlt",),
    ),
    Pipeline(
        "dlt, hand-made Arrow", _script("dlt", "dlt_pipeline.py", "arrow"), environments=("dlt",)
    ),
    Pipeline(
        "PyAirbyte, declarative source",
        _script("pyairbyte", "pyairbyte_source.py"),
        environments=("pyairbyte",),
    ),
    Pipeline(
        "download alone, 1 connection", _own_script("download.py", "1"), None, only_first=True
    ),
    Pipeline(
        "download alone, 8 connections", _own_script("download.py", "8"), None, only_first=True
    ),
    Pipeline("DuckDB's read_json over saved records", _own_script("read_json.py"), only_first=True),
]


def bare_environment() -> dict[str, str]:
    """Return what every program finds in its environment."""
    kept = ("PATH", "HOME", "LANG", "TMPDIR")
    return {
        **{name: os.environ[name] for name in kept if name in os.environ},
        # None of them needs a network, nor has to tell anybody that it runs.
        "AIRBYTE_DISABLE_TELEMETRY": "true",
        "AIRBYTE_OFFLINE_MODE": "1",
        "DO_NOT_TRACK": "1",
        "RUNTIME__DLTHUB_TELEMETRY": "false",
    }
