"""dbt commands, run in copies of one process that has loaded dbt already.

Loading dbt takes two seconds of a processor, more than most commands that the tests run.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
PROJECT = ROOT / "dbt_project"
# Nodes of several kinds: dbt writes the code that reads a kind when it first meets one. Kinds that
# name models in YAML (unit tests, exposures, snapshots) are read by threads, which no copy has.
SMALL_PROJECT = {
    "dbt_project.yml": "{name: warm, profile: warm}",
    "profiles.yml": "warm: {target: duckdb, outputs: {duckdb: {type: duckdb}}}",
    "models/one.sql": "select 1 as one",
    "models/nodes.yml": """
sources: [{name: raw, tables: [{name: rows, columns: [{name: id, data_tests: [unique]}]}]}]
models: [{name: one, columns: [{name: one, data_type: int, data_tests: [not_null]}]}]
""",
    "seeds/few.csv": "id\n1\n",
    "tests/none.sql": "select 1 as one where false",
}
DBT = Path(os.environ.get("DBT_EXECUTABLE", ROOT / ".venv-dbt" / "bin" / "dbt"))


@contextmanager
def warm_dbt(folder: Path) -> Iterator[Path]:
    """Give a program that does what dbt's does, as long as the context lasts.

    It is written into the folder, which must not exist, with what dbt leaves when it is loaded.

    Raises:
        FileNotFoundError: there is no dbt.
    """
    if not DBT.is_file():
        msg = f"no dbt at {DBT}: set DBT_EXECUTABLE"
        raise FileNotFoundError(msg)
    for name, text in SMALL_PROJECT.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    shutil.copytree(PROJECT / "macros", folder / "macros")
    program, address = folder / "dbt", folder / "socket"
    client = [sys.executable, "-IS", str(HERE / "client.py"), str(address)]
    program.write_text(f'#!/bin/sh\nexec {shlex.join(client)} "$@"\n', encoding="utf-8")
    program.chmod(0o700)
    with subprocess.Popen(
        [DBT.with_name("python"), HERE / "server.py", address, PROJECT / "models"],
        cwd=folder,
        env={
            "PATH": os.environ["PATH"],
            "LANG": "C.UTF-8",
            "HOME": str(folder),
            "PYTHONPATH": str(ROOT),
        },
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as server:
        assert server.stdout is not None
        if not server.stdout.readline():
            msg = f"dbt could not be loaded: {server.wait()}"
            raise RuntimeError(msg)
        yield program
