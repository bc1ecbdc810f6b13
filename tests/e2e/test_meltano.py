"""Meltano without make: runs, schedules, checks, and what disturbs them."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pytest
import yaml

from sandbox.generate.crm.model import Field, ObjectModel
from sandbox.server import Fault, running
from tests.console.report.reading import sections
from tests.e2e.checkout import settings_for, wait_until
from tests.servers import SMALL

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox.server import Sandbox
    from tests.e2e.checkout import Checkout
    from tests.e2e.installation import Installation


@pytest.fixture
def database(folder: Path) -> Path:
    return folder / "data" / "warehouse.duckdb"


def _settings(server: Sandbox, database: Path, **more: str) -> dict[str, str]:
    published = database.parent / "published"
    paths = {"DUCKDB_PATH": str(database), "DUCKDB_PUBLISH_DIR": str(published)}
    return {**settings_for(server), **paths, **more}


def test_run_and_new_columns(after_a_good_run: Installation, sandbox: Sandbox) -> None:
    installed, database = after_a_good_run.checkout, after_a_good_run.database
    settings = after_a_good_run.settings
    run = installed.meltano("run", "elt")
    contacts, companies = sandbox.account.contacts, sandbox.account.companies
    with contacts.lock, companies.lock:
        contacts[0]["shoe_size"] = 42
        contacts[1]["guardian"] = {"name": "Zoë", "phones": ["0611"]}
        companies[0]["owner"] = {"id": "o-1"}
        del contacts[7]
    crm = sandbox.account.crm
    crm.add_field("client_client", Field("nickname", "Nickname", "text"), "Zaza")
    boats = Field("name", "Name", "text"), Field("created", "Created", "datetime")
    crm.add_object(ObjectModel("boat", "Boats", "Boat", boats))
    crm.add("boat", name="Étoile")
    ended = installed.run(*run, **settings)
    assert ended.code == 0, ended.said
    # Records went by files, which are gone: only the folders of the runs are still there.
    folders = installed.path / ".meltano" / "run" / "batches"
    assert {name.name.rsplit("-", 2)[0] for name in folders.iterdir()} == {
        "tap-kananas",
        "tap-kizen",
    }
    assert not [file for file in folders.rglob("*") if file.is_file()]
    rows = installed.rows(
        database,
        "select count(*), max(shoe_size), max(guardian->>'$.name'), count(_sdc_deleted_at) "
        "from kananas.contacts",
    )
    assert rows == [(120, 42, "Zoë", 1)]
    rows = installed.rows(
        database, "select additional_fields->>'$.owner.id' from kizen.companies order by 1"
    )
    assert rows[0] == ("o-1",)
    rows = installed.rows(database, "select distinct nickname from kizen.client_client")
    assert ("Zaza",) in rows
    assert installed.rows(database, "select name from kizen.boat") == [("Étoile",)]
    published = after_a_good_run.published
    assert installed.rows(published, "select count(*) from marts.contacts") == [(119,)]
    page = published.with_name("report.html").read_text(encoding="utf-8")
    assert "Contacts 119 \N{MINUS SIGN}1 Kizen" in sections(page)["fresh"]
    assert "One contact is gone." in sections(page)["changes"]
    assert "dbt took" in sections(page)["run"]

    # Archived records are found where all are read again.
    key = str(crm.records["client_client"][3]["id"])
    crm.archive("client_client", key)
    anew = installed.meltano("run", "--full-refresh", "kizen")
    ended = installed.run(*anew, **settings)
    assert ended.code == 0, ended.said
    archived = "select id from kizen.client_client where _sdc_deleted_at is not null"
    assert installed.rows(database, archived) == [(key,)]

    # What has been read is remembered; a new file needs all of it again.
    database.unlink()
    ended = installed.run(*anew, **settings)
    assert ended.code == 0, ended.said
    clients = sandbox.account.crm.counts["client_client"]
    assert installed.rows(database, "select count(*) from kizen.client_client") == [(clients,)]


@pytest.mark.parametrize(
    ("tap", "secret"),
    [("tap-kananas", "TAP_KANANAS_SECRET_KEY"), ("tap-kizen", "TAP_KIZEN_API_KEY")],
)
def test_the_settings_can_be_tested(
    installed: Checkout, shared_sandbox: Sandbox, database: Path, tap: str, secret: str
) -> None:
    test = installed.meltano("config", "test", tap)
    settings = _settings(shared_sandbox, database)
    good = installed.run(*test, **settings)
    assert good.code == 0, good.said
    wrong = installed.run(*test, **{**settings, secret: "not-the-right-one"})
    assert wrong.code == 1, wrong.said
    assert secret in wrong.said
    assert "not-the-right-one" not in wrong.said


def test_a_second_run_is_refused_while_one_goes_on(
    installed: Checkout, sandbox: Sandbox, database: Path
) -> None:
    from tests.dbt_project.test_locked_file import held  # noqa: PLC0415

    settings = _settings(sandbox, database, TAP_KANANAS_DISCOVERY_FOLDER="")
    database.parent.mkdir()
    # The first one goes on as long as its loader waits for the file.
    with (
        held(database) as holder,
        installed.start(*installed.meltano("run", "kananas"), **settings) as first,
    ):
        wait_until(lambda: len(sandbox.requests) == 2)
        second = installed.run(*installed.meltano("run", "elt"), **settings)
        assert second.code == 1, second.said
        assert "already running" in second.said
        holder.communicate()
        said, _ = first.communicate()
        assert first.returncode == 0, said
    assert installed.rows(database, "select count(*) from kananas.contacts") == [(120,)]


def test_a_copy_or_a_report_that_cannot_be_made_is_told_without_a_traceback(
    installed: Checkout, database: Path
) -> None:
    project = (installed.path / "meltano.yml").read_text(encoding="utf-8")
    jobs = [job["tasks"] for job in yaml.safe_load(project)["jobs"] if len(job["tasks"]) > 1]
    (ends,) = {tuple(tasks[-2:]) for tasks in jobs}
    words = (
        "duckdb-publish: there is no database file",
        f"report: there is no published copy {database.parent / 'published' / database.name}",
    )
    paths = {
        "DUCKDB_PATH": str(database),
        "DUCKDB_PUBLISH_DIR": str(database.parent / "published"),
    }
    for task, message in zip(ends, words, strict=True):
        ended = installed.run(*installed.meltano("run", task), **paths)
        assert ended.code == 1, ended.said
        assert message in ended.said
        assert "TypeError" not in ended.said
        assert "Error details" not in ended.said


def test_secrets_that_meltano_hands_over_are_for_their_owner_alone(installed: Checkout) -> None:
    assert (installed.path / ".meltano").stat().st_mode & 0o777 == 0o700


def test_what_was_killed_is_run_again_by_force(
    installed: Checkout, sandbox: Sandbox, database: Path, tmp_path: Path
) -> None:
    sandbox.faults.add(Fault(path="/action_manager.php", skip=1, times=1, delay=60))
    # A system database of its own: what is killed counts as running for all of a project.
    own = f"sqlite:///{tmp_path / 'meltano.db'}"
    settings = _settings(
        sandbox, database, MELTANO_DATABASE_URI=own, TAP_KANANAS_DISCOVERY_FOLDER=""
    )
    with installed.start(*installed.meltano("run", "kananas"), **settings) as killed:
        wait_until(lambda: len(sandbox.requests) == 2)
        os.killpg(killed.pid, signal.SIGKILL)
    refused = installed.run(*installed.meltano("run", "kananas"), **settings)
    assert refused.code == 1, refused.said
    assert "--force" in refused.said
    forced = installed.run(*installed.meltano("run", "--force", "kananas"), **settings)
    assert forced.code == 0, forced.said
    assert installed.rows(database, "select count(*) from kananas.contacts") == [(120,)]


def test_a_service_that_stops_mid_run_leaves_the_data_whole(
    after_a_good_run: Installation,
) -> None:
    installed, database = after_a_good_run.checkout, after_a_good_run.database
    run = installed.meltano("run", "kizen")
    whole = "select * exclude (_sdc_received_at, _sdc_batched_at) from kizen.companies order by id"
    before = installed.rows(database, whole)
    with running(SMALL) as dying:
        dying.faults.add(Fault(path="/api/company", query="page=3&", delay=60, times=None))
        few = {"TAP_KIZEN_PAGE_SIZE": "10", "TAP_KIZEN_REQUEST_TRIES": "2"}
        settings = {**after_a_good_run.settings, **settings_for(dying), **few}
        process = installed.start(*run, **settings)
        wait_until(lambda: any("page=3&" in arrival.query for arrival in dying.requests))
    with process:
        said, _ = process.communicate()
    assert process.returncode == 1, said
    assert "no connection to 127.0.0.1" in said
    assert "'api_url'" in said
    assert len(before) == 45
    ids = "select id, name from kizen.companies where _sdc_deleted_at is null order by id"
    assert installed.rows(database, ids) == [(row[0], row[1]) for row in before]
