"""Another Meltano project takes the plugins in by their definition files."""

from __future__ import annotations

from typing import TYPE_CHECKING

import duckdb

from tests.e2e.checkout import settings_for

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox.server import Sandbox
    from tests.e2e.checkout import Checkout


def test_a_tap_and_the_loader_work_in_another_project(
    installed: Checkout, shared_sandbox: Sandbox, tmp_path: Path
) -> None:
    project = tmp_path / "another"
    database = tmp_path / "other.duckdb"
    settings = {
        **settings_for(shared_sandbox),
        "KANANAS_KIZEN_ELT": str(installed.path),
        "DUCKDB_PATH": str(database),
        "UV_SYSTEM_CERTS": "true",
    }
    ended = installed.run(*installed.meltano("init", str(project)), **settings)
    assert ended.code == 0, ended.said
    meltano = installed.meltano("--cwd", str(project))
    for path in ("extractors/tap-kizen", "loaders/target-duckdb"):
        definition = installed.path / "plugins" / f"{path}.yml"
        add = ("add", "--from-ref", str(definition), path.split("/")[1])
        ended = installed.run(*meltano, *add, **settings)
        assert ended.code == 0, ended.said
    ended = installed.run(*meltano, "run", "tap-kizen", "target-duckdb", **settings)
    assert ended.code == 0, ended.said
    with duckdb.connect(str(database), read_only=True) as connection:
        rows = connection.execute("select count(*) from kizen.companies").fetchall()
    assert rows == [(45,)]
