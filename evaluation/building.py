"""The dbt project, built over raw tables anywhere."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from console import settings
from evaluation.inputs import InputError
from evaluation.processes import run
from refresh.dbt_vars import VarsError, complete, read

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from evaluation.processes import Usage

ROOT = Path(__file__).resolve().parent.parent
PROJECT = ROOT / "dbt_project"
LINKS = (
    "+contact_company_links", "contact_person_links", "+contact_mapping_report",
    "int_links__capped_keys",
)  # fmt: skip
# Files of what dbt parsed, of 4 MB each.
KEPT = 8
PERSON_LINKS = (
    "+contact_person_links", "int_persons__capped_keys", "+possible_duplicates",
    "+contact_mapping_report", "+crm_mapping_report",
)  # fmt: skip


def project_variables() -> dict[str, Any]:
    """Return the variables of the dbt project, as they are without any given."""
    text = (PROJECT / "dbt_project.yml").read_text(encoding="utf-8")
    found: dict[str, Any] = yaml.safe_load(text)["vars"]
    return found


def variables(given: str) -> dict[str, Any]:
    """Return dbt variables from JSON or YAML; what a column map leaves out stays the project's.

    Raises:
        InputError: the text is no mapping of names to values, or a map has an unknown meaning.
    """
    try:
        values = yaml.safe_load(given or "{}")
    except yaml.YAMLError as error:
        msg = f"VARS is neither JSON nor YAML: {str(error).splitlines()[0]}"
        raise InputError(msg) from error
    if not isinstance(values, dict):
        msg = (
            """VARS must be a mapping, such as '{"contact_columns": {"organisation": ["firm"]}}'"""
        )
        raise InputError(msg)
    try:
        return complete(values, project_variables())
    except VarsError as error:
        msg = f"VARS: {error}"
        raise InputError(msg) from error


def own_variables() -> dict[str, Any]:
    """Return the variables that the account's own runs have: those of DUCKDB_VARS_PATH.

    Raises:
        InputError: one of them is wrong.
    """
    try:
        given = settings.variables().get("DUCKDB_VARS_PATH")
        return read(Path(given) if given else ROOT / "config" / "vars.yml", PROJECT)
    except VarsError as error:
        raise InputError(str(error)) from error


def dbt(  # noqa: PLR0913 - each of them says where, or what
    command: Sequence[str],
    folder: Path,
    *,
    executable: Path | None = None,
    environment: Mapping[str, str] | None = None,
    values: Mapping[str, Any] | None = None,
    project: Path = PROJECT,
) -> Usage:
    """Run a dbt command, which leaves its own files in a folder.

    What dbt parsed is kept for the next command with the same variables and the same path, since
    parsing takes longer than building 1,000 links. dbt parses again what has changed, and all where
    variables or the profile have.

    Raises:
        ProgramError: it failed.
    """
    program = executable or os.environ.get("DBT_EXECUTABLE", ROOT / ".venv-dbt" / "bin" / "dbt")
    arguments = [str(program), "--no-use-colors", *command]
    arguments += ["--project-dir", str(project), "--profiles-dir", str(project)]
    arguments += ["--vars", json.dumps(values or {})]
    target = folder / "target"
    own = {
        "DBT_TARGET_PATH": str(target),
        "DBT_LOG_PATH": str(folder / "logs"),
        "DBT_LOG_LEVEL_FILE": "none",
        # It reads some of the project's files in the encoding of the locale.
        "PYTHONUTF8": "1",
    }
    parsed, kept = target / "partial_parse.msgpack", _kept(project, values, environment)
    if not parsed.exists():
        target.mkdir(parents=True, exist_ok=True)
        # There is none yet, or another command has just removed it.
        with suppress(FileNotFoundError):
            shutil.copyfile(kept, parsed)
    usage = run(arguments, folder / "dbt.log", {**own, **(environment or {})}, folder)
    if parsed.exists():
        _replace(kept, parsed)
    return usage


def _kept(
    project: Path, values: Mapping[str, Any] | None, environment: Mapping[str, str] | None
) -> Path:
    """Return where what dbt parsed is kept, for these variables and this path of the profile."""
    given = json.dumps([values or {}, (environment or {}).get("DUCKDB_PATH")], sort_keys=True)
    return project / "target" / f"links-{hashlib.sha256(given.encode()).hexdigest()[:16]}.msgpack"


def _replace(kept: Path, by: Path) -> None:
    """Copy a file over another, which is whole at any time: several commands may run at once.

    Of the files that were kept for other variables, the newest stay.
    """
    kept.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=kept.parent)
    os.close(descriptor)
    shutil.copyfile(by, name)
    Path(name).replace(kept)
    files = sorted(kept.parent.glob("links-*.msgpack"), key=_age)
    for old in files[KEPT:]:
        old.unlink(missing_ok=True)


def _age(file: Path) -> float:
    """Return what sorts the newest file first, and one that another command removed last."""
    try:
        return -file.stat().st_mtime
    except FileNotFoundError:
        return 0


def database(warehouse: Path, folder: Path) -> dict[str, str]:
    """Return the environment that names a DuckDB file to a dbt command run in a folder.

    The name is relative: dbt parses the project anew wherever the profile has another path.
    """
    return {"DUCKDB_PATH": os.path.relpath(warehouse, folder)}


def build_links(  # noqa: PLR0913 - each of them says where, or what
    warehouse: Path,
    folder: Path,
    values: Mapping[str, Any],
    selection: Sequence[str] = LINKS,
    *,
    environment: Mapping[str, str] | None = None,
    project: Path = PROJECT,
) -> Usage:
    """Build the links in a DuckDB file that holds raw tables, and what tells how they were made.

    Another selection of models builds what those rest on.

    Raises:
        ProgramError: dbt failed.
    """
    return dbt(
        ["build", "--select", *selection, "--exclude-resource-type", "test", "unit_test"],
        folder,
        environment={**database(warehouse, folder), **(environment or {})},
        values=values,
        project=project,
    )


def model_seconds(folder: Path) -> float:
    """Return the seconds that the models of the last build took, one after another."""
    results = json.loads((folder / "target" / "run_results.json").read_text(encoding="utf-8"))
    return sum(
        float(result["execution_time"])
        for result in results["results"]
        if result["unique_id"].startswith("model.")
    )
