"""Both taps into a real PostgreSQL, as docs/other-loaders.md says: `make check-postgres`.

Needs the Debian package `postgresql`. The loader is the public one, installed by Meltano.
"""

from __future__ import annotations

import re
import shlex
import sys
from typing import TYPE_CHECKING

import duckdb
import pytest
import yaml

from sandbox.options import Options
from sandbox.server import running
from tests.e2e.checkout import ROOT, settings_for
from tests.e2e.test_other_loaders import meltano, read, write
from tests.target_duckdb.real_taps import PASSWORD, Postgres

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sandbox.server import Sandbox

PAGE = (ROOT / "docs" / "other-loaders.md").read_text(encoding="utf-8").split("## PostgreSQL")[1]


@pytest.fixture
def postgres(tmp_path: Path) -> Iterator[Postgres]:
    # The server's user has to reach it, and only this user the folder of the tests.
    for folder in (tmp_path, *tmp_path.parents[:3]):
        folder.chmod(folder.stat().st_mode | 0o011)
    folder = tmp_path / "postgres"
    folder.mkdir()
    with Postgres(folder).running() as server:
        yield server


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with running(Options(contacts=120, companies=45, rate_limit=0)) as server:
        yield server


def project_of_the_page(folder: Path) -> dict[str, str]:
    """Write the project with the page's loader, and return the variables of its commands."""
    given = yaml.safe_load((ROOT / "meltano.yml").read_text(encoding="utf-8"))
    extractors = given["plugins"]["extractors"]
    for plugin in extractors:
        del plugin["pip_url"]
        plugin["executable"] = f"{sys.prefix}/bin/{plugin['name']}"
    loaders = yaml.safe_load(PAGE.split("```yaml")[1].split("```")[0])["loaders"]
    own = given["plugins"]["loaders"]
    for plugin in own:
        del plugin["pip_url"]
        plugin["executable"] = f"{sys.prefix}/bin/{plugin['name']}"
    plugins = {"extractors": extractors, "loaders": [*loaders, *own]}
    write(folder, {**given, "plugins": plugins, "jobs": [], "schedules": []})
    return dict(re.findall(r"(TAP_\w+)='([^']*)'", PAGE.split("```sh")[1].split("```")[0]))


def commands() -> list[list[str]]:
    """Return the words of the page's commands of Meltano."""
    lines = PAGE.split("```sh")[1].split("```")[0].splitlines()
    return [shlex.split(line)[1:] for line in lines if line.startswith("meltano ")]


def test_both_services_in_postgresql_as_in_duckdb(
    tmp_path: Path, postgres: Postgres, sandbox: Sandbox
) -> None:
    project = tmp_path / "project"
    project.mkdir()
    settings = {
        **settings_for(sandbox),
        **project_of_the_page(project),
        "TARGET_POSTGRES_SQLALCHEMY_URL": (
            f"postgresql+psycopg://check:{PASSWORD}@127.0.0.1:{postgres.port}/postgres"
        ),
        # As the Makefile has it: Meltano installs by uv.
        "UV_SYSTEM_CERTS": "true",
        "DUCKDB_PATH": str(tmp_path / "warehouse.duckdb"),
    }
    install, run = commands()
    assert read(project)["plugins"]["loaders"][0]["name"] == install[-1] == "target-postgres"

    def done(*arguments: str) -> None:
        code, said = meltano(project, *arguments, **settings)
        assert code == 0, said
        assert "Traceback" not in said

    def live(table: str, condition: str = "true") -> int:
        where = f"_sdc_deleted_at is null and {condition}"
        return int(postgres.sql(f"select count(*) from {table} where {where}"))

    crm, contacts = sandbox.account.crm, sandbox.account.contacts
    done(*install)
    done(*run)
    for name, count in crm.counts.items():
        if count:
            assert live(f"kizen.{name}") == count, name
    assert live("kananas.contacts") == 120
    with contacts.lock:
        del contacts[0]
    changed, *_ = (str(record["id"]) for record in crm.records["client_client"])
    crm.update("client_client", changed, first_name="Zoé")
    # The other loader has a state of its own, and reads all.
    done("run", "tap-kizen", "target-duckdb", "tap-kananas", "target-duckdb")
    done(*run)
    assert live("kananas.contacts") == 119
    assert int(postgres.sql("select count(*) from kananas.contacts")) == 120
    assert live("kizen.client_client") == crm.counts["client_client"]
    assert live("kizen.client_client", "first_name = 'Zoé'") >= 1
    with duckdb.connect(settings["DUCKDB_PATH"], read_only=True) as connection:
        for table in ("kananas.contacts", "kizen.client_client", "kizen.companies"):
            found = connection.execute(
                f"select cast(id as varchar) from {table} where _sdc_deleted_at is null order by 1"
            ).fetchall()
            ids = postgres.sql(f"select id from {table} where _sdc_deleted_at is null")
            assert sorted(ids.decode().split()) == sorted(key for (key,) in found), table
