"""Try both sources as Airbyte's own tools use them, on the sandbox.

The CDK's standard tests and PyAirbyte each run in an environment of their own.

Usage: python -m tools.airbyte_check PYTHON_WITH_THE_CDK PYTHON_WITH_PYAIRBYTE DBT
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb

from sandbox.server import Options, Sandbox, running

ROOT = Path(__file__).resolve().parent.parent
PACKAGING = ROOT / "packaging" / "airbyte"
CHECKS = PACKAGING / "checks"
BIN = Path(sys.executable).parent

SAID = """
select
    (select count(*) from marts.contacts),
    (select count(*) from staging.stg_kizen__contacts),
    (select count(*) from marts.companies),
    (select count(*) from marts.freshness where state = 'fresh'),
    (select count(*) from marts.contact_mapping_report where starts_with(raw_column, '_airbyte'))
"""
OPTIONS = Options(contacts=1200, companies=120, rate_limit=0)


def settings_of(server: Sandbox) -> dict[str, dict[str, Any]]:
    """Give the settings of each source, by its name."""
    credentials = server.credentials
    return {
        "source-kananas": {
            "api_url": server.kananas_url,
            "secret_key": credentials.kananas_token,
        },
        "source-kizen": {
            "api_url": server.kizen_url,
            "api_key": credentials.kizen_api_key,
            "user_id": credentials.kizen_user_id,
            "business_id": credentials.kizen_business_id,
            "rate_limit": 1000,
            "page_size": 50,
        },
    }


def counts_of(server: Sandbox, name: str) -> dict[str, int]:
    """Give how many records each stream of a source must have."""
    if name == "source-kananas":
        return {"contacts": server.options.contacts}
    return server.account.crm.counts


def prepare(folder: Path, name: str, settings: dict[str, Any]) -> Path:
    """Copy the packaging of a source, with settings for its tests, and give the copy."""
    copy = folder / name
    shutil.copytree(PACKAGING / name, copy)
    secrets = copy / "secrets"
    secrets.mkdir()
    key = "secret_key" if "secret_key" in settings else "api_key"
    for file, content in {
        "config.json": settings,
        "invalid_config.json": {**settings, key: "an-invalid-key"},
    }.items():
        (secrets / file).write_text(json.dumps(content), encoding="utf-8")
    return copy


def example(name: str, language: str = "python") -> str:
    """Give an example of the documentation, with the programs of this environment."""
    page = (ROOT / "docs" / "airbyte.md").read_text(encoding="utf-8")
    code = page.split(f"<!-- {name} -->\n```{language}\n")[1].split("```")[0]
    return code.replace("sources/bin/", f"{BIN}/")


def read_twice(folder: Path, counts: dict[str, int]) -> int:
    """Run the example of a configured catalog and a second read; 1 where rows are missing."""
    for name in ("configure.py", "state.py"):
        (folder / name).write_text(example(name), encoding="utf-8")
    path = f"{BIN}{os.pathsep}{os.environ['PATH']}"
    command = ["bash", "-euo", "pipefail", "-c", example("read", "sh")]
    subprocess.run(command, env={**os.environ, "PATH": path}, cwd=folder, check=True)  # noqa: S603
    records = {}
    for file in sorted(folder.glob("*.jsonl")):
        lines = file.read_text(encoding="utf-8").splitlines()
        found = [json.loads(line) for line in lines if '"type":"RECORD"' in line.replace(" ", "")]
        records[file.name] = Counter(each["record"]["stream"] for each in found)
    first = records["kananas.first.jsonl"] + records["kizen.first.jsonl"]
    second = records["kizen.second.jsonl"]
    print(f"Read first: {first.total():,} records; of Kizen again: {second.total():,}")
    wanted = {name: count for name, count in counts.items() if count}
    # What stands on the bookmark itself may come again.
    return int(dict(first) != wanted or second["client_client"] > 1)


def build_models(dbt: str, database: Path) -> list[Any]:
    """Build the models; give what they say of contacts, persons and freshness."""
    project = str(ROOT / "dbt_project")
    command = [dbt, "build", "--exclude-resource-type", "unit_test", "--quiet"]
    subprocess.run(  # noqa: S603
        [*command, "--project-dir", project, "--profiles-dir", project],
        env={
            **os.environ,
            "DUCKDB_PATH": str(database),
            "DBT_TARGET_PATH": str(database.parent / "target"),
            "DBT_LOG_LEVEL_FILE": "none",
        },
        cwd=database.parent,
        check=True,
    )
    with duckdb.connect(str(database), read_only=True) as connection:
        return connection.execute(SAID).fetchall()[0]  # type: ignore[return-value]


def models(python: str, dbt: str, server: Sandbox, folder: Path, env: dict[str, str]) -> int:
    """Build the models over what PyAirbyte loaded, before and after rows are deleted."""
    for name, settings in settings_of(server).items():
        file = folder / f"{name.removeprefix('source-')}.json"
        file.write_text(json.dumps(settings), encoding="utf-8")
    code = read_twice(
        folder, {**counts_of(server, "source-kizen"), "contacts": len(server.account.contacts)}
    )
    load = [python, "-c", example("warehouse")]
    database = folder / "warehouse.duckdb"
    said = []
    for _ in range(2):
        subprocess.run(load, env=env, cwd=folder, check=True)  # noqa: S603
        said.append(build_models(dbt, database))
        contacts, crm = server.account.contacts, server.account.crm
        expected = (
            len(contacts),
            crm.counts["client_client"],
            crm.counts["companies_company"],
            2,
            0,
        )
        print(f"Contacts, persons, companies, fresh sources, columns of Airbyte: {said[-1]}")
        code |= int(tuple(said[-1]) != expected)
        with contacts.lock:
            del contacts[0]
        crm.archive("client_client", str(crm.records["client_client"][0]["id"]))
    return code


def main() -> int:
    """Run everything; 1 if anything failed."""
    cdk, pyairbyte, dbt = sys.argv[1:]
    codes = []
    with running(OPTIONS) as server, TemporaryDirectory() as name_of_folder:
        folder = Path(name_of_folder)
        # Nothing is sent to anybody, and nothing asked of a registry.
        quiet = {
            **os.environ,
            "DO_NOT_TRACK": "1",
            "AIRBYTE_OFFLINE_MODE": "1",
            "AIRBYTE_LOGGING_ROOT": str(folder / "logs"),
        }
        for name, settings in settings_of(server).items():
            copy = prepare(folder, name, settings)
            program = str(BIN / name)
            print(f"{name}: the CDK's standard tests", flush=True)
            tests = [cdk, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
            codes.append(
                subprocess.run(  # noqa: S603
                    [*tests, str(CHECKS)],
                    env={**quiet, "SOURCE_PROGRAM": program, "SOURCE_FOLDER": str(copy)},
                    cwd=folder,
                    check=False,
                ).returncode
            )
            print(f"{name}: PyAirbyte", flush=True)
            counts = folder / f"{name}.counts.json"
            counts.write_text(json.dumps(counts_of(server, name)), encoding="utf-8")
            files = [copy / "secrets" / file for file in ("config.json", "invalid_config.json")]
            cache = folder / f"{name}.duckdb"
            codes.append(
                subprocess.run(  # noqa: S603
                    [pyairbyte, CHECKS / "read_with_pyairbyte.py", program, *files, counts, cache],
                    env=quiet,
                    cwd=folder,
                    check=False,
                ).returncode
            )
        print("The examples of docs/airbyte.md", flush=True)
        shutil.copy(copy / "secrets" / "config.json", folder / "kizen.json")
        command = [pyairbyte, "-c", example("pyairbyte")]
        codes.append(subprocess.run(command, env=quiet, cwd=folder, check=False).returncode)  # noqa: S603
        warehouse = folder / "warehouse"
        warehouse.mkdir()
        codes.append(models(pyairbyte, dbt, server, warehouse, quiet))
    print("Failed" if any(codes) else "Everything passed", flush=True)
    return int(any(codes))


if __name__ == "__main__":
    sys.exit(main())
